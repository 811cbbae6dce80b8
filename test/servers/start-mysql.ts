import type { StartedCluster, StartOptions } from './cluster'
import { availableImage, startMysqlContainers } from './mysql-containers'
import type { MysqlDialect } from './mysql-dialect'
import { mysqlProcesses } from './mysql-processes'
import { installedProgram, packagedProgram } from './mysql-program'
import { startProcesses } from './process-cluster'
import { ServersUnavailable } from './servers-unavailable'

/** A source and replicas with GTIDs, `super_read_only`. */
export function startMysql(options: StartOptions = {}): Promise<StartedCluster> {
  return startTheFirstWay('mysql', options)
}

/** A primary and replicas with GTIDs, `read_only`. */
export function startMariadb(options: StartOptions = {}): Promise<StartedCluster> {
  return startTheFirstWay('mariadb', options)
}

/** Looks for a server and says how to start a cluster of it, or throws an error that says in one line why not. */
type Way = (dialect: MysqlDialect, options: StartOptions) => Promise<() => Promise<StartedCluster>>

/** In the order in which they are tried. `SPLITPOOL_SERVERS` names the only one to try. */
const WAYS: Readonly<Record<string, Way>> = {
  async docker(dialect, options) {
    const image = await availableImage(dialect)
    return () => startMysqlContainers(dialect, image, options)
  },
  async path(dialect, options) {
    const program = await installedProgram(dialect)
    return () => startProcesses(mysqlProcesses(dialect, program, options), options)
  },
  async packages(dialect, options) {
    const program = await packagedProgram(dialect)
    return () => startProcesses(mysqlProcesses(dialect, program, options), options)
  },
}

async function startTheFirstWay(dialect: MysqlDialect, options: StartOptions): Promise<StartedCluster> {
  const start = await findWay(dialect, options)
  return start()
}

async function findWay(dialect: MysqlDialect, options: StartOptions): Promise<() => Promise<StartedCluster>> {
  const obstacles: string[] = []
  for (const [name, way] of wantedWays()) {
    try {
      return await way(dialect, options)
    } catch (error) {
      obstacles.push(`${name}: ${firstLine(error)}`)
    }
  }
  const server = dialect === 'mysql' ? 'mysql-server' : 'mariadb-server'
  throw new ServersUnavailable(dialect, `${obstacles.join('; ')}; install ${server}, or Docker`)
}

function wantedWays(): [name: string, way: Way][] {
  const wanted = process.env['SPLITPOOL_SERVERS']
  const ways = Object.entries(WAYS)
  if (wanted === undefined) return ways
  const way = WAYS[wanted]
  if (!way) throw new Error(`SPLITPOOL_SERVERS must be one of ${Object.keys(WAYS).join(', ')}, not ${wanted}`)
  return [[wanted, way]]
}

function firstLine(error: unknown): string {
  return (error as Error).message.split('\n')[0]!.replace(/\.+$/, '')
}
