import type { Pool, PoolOptions } from 'mysql2'
import type { Pool as PromisePool, PoolConnection as PromisePoolConnection } from 'mysql2/promise'
import type { Database, NodesOptions } from '../../database'
import type { Adapter } from '../adapter'
import { nodesOptions, resolveNode, type NodeOptions, type NodeSettings } from '../resolve-node'
import { createTransactionClient, RoutedConnection } from './client'
import { configOf } from './driver'
import { classifyError } from './errors'
import { Mysql2Connector } from './node'
import { RoutedPool } from './pool'
import { rowsOf } from './rows'

export { driverModule } from './driver-module'

/** One MySQL or MariaDB server: a URL, the options of mysql2's `createPool` with a few of splitpool's, or a pool. */
export type Mysql2Node = string | Pool | PromisePool | Mysql2NodeOptions

export type Mysql2NodeOptions = PoolOptions & NodeOptions<Pool | PromisePool>

export type MysqlOptions = NodesOptions<Mysql2Node>

/** What `mysql()` and `mariadb()` make: callback pools, and promise connections as the client of transactions. */
export type MysqlDatabase = Database<Pool, PromisePoolConnection>

/**
 * A MySQL database over mysql2.
 *
 * ```ts
 * mysql({ primary: 'mysql://app@db1/app', replicas: ['mysql://app@db2/app'] })
 * ```
 */
export function mysql(options: MysqlOptions): MysqlDatabase {
  return { adapter, dialect: 'mysql', options: nodesOptions(options) }
}

/** A MariaDB database over mysql2: like `mysql`, in MariaDB's dialect. */
export function mariadb(options: MysqlOptions): MysqlDatabase {
  return { adapter, dialect: 'mariadb', options: nodesOptions(options) }
}

const adapter: Adapter = {
  name: 'mysql2',
  resolveNode: (given, path) =>
    resolveNode(given, path, {
      protocols: ['mysql:', 'mariadb:'],
      urlOption: 'uri',
      isPool,
      strictPercent: true,
    }),
  openNode: (settings, node, events) => new Mysql2Connector(settings as NodeSettings, node, events),
  createPool: (port) => new RoutedPool(port),
  createClient: (lease, { native }) => new RoutedConnection(lease, configOf(native as Pool).connectionConfig),
  createTransactionClient,
  classifyError,
  rowsOf,
}

/** A pool of mysql2 or of `mysql2/promise`, also of another copy of them. */
function isPool(value: object): boolean {
  const core = ('pool' in value ? value.pool : value) as Partial<Pool> | null
  const wrapper = value as Partial<PromisePool>
  return (
    typeof wrapper.getConnection === 'function' &&
    [core?.getConnection, core?.query, core?.execute, core?.end].every(
      (method) => typeof method === 'function',
    ) &&
    typeof (core?.config as { connectionConfig?: unknown } | undefined)?.connectionConfig === 'object'
  )
}
