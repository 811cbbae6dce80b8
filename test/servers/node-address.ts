import type { Dialect } from '../../src/dialects/dialect'
import type { NodeInfo } from './cluster'

/** The primary is number 0. */
export function nodeId(index: number): string {
  return index === 0 ? 'primary' : `replica-${index}`
}

/** Every server that is started here has the accounts `app` and `admin` and listens on this machine only. */
export function nodeAddress(
  dialect: Dialect,
  port: number,
): Pick<NodeInfo, 'host' | 'port' | 'url' | 'adminUrl'> {
  const host = '127.0.0.1'
  const scheme = dialect === 'postgres' ? 'postgres' : 'mysql'
  const url = (user: string): string => `${scheme}://${user}:${user}@${host}:${port}/app`
  return { host, port, url: url('app'), adminUrl: url('admin') }
}
