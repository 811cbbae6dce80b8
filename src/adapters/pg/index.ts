import { Pool, type PoolClient, type PoolConfig } from 'pg'
import type { Database, NodesOptions } from '../../database'
import type { Adapter } from '../adapter'
import { nodesOptions, resolveNode, type NodeOptions, type NodeSettings } from '../resolve-node'
import { createTransactionClient, RoutedClient } from './client'
import { classifyError } from './errors'
import { PgConnector } from './node'
import { RoutedPool } from './pool'
import { rowsOf } from './rows'

export { driverModule } from './driver-module'

/** One PostgreSQL server: a URL, the options of `pg.Pool` with a few of splitpool's, or a pool. */
export type PgNode = string | Pool | PgNodeOptions

export type PgNodeOptions = PoolConfig & NodeOptions<Pool>

export type PostgresOptions = NodesOptions<PgNode>

/** What `postgres()` makes: its pools are `pg.Pool`s, the client of its transactions a `pg.PoolClient`. */
export type PostgresDatabase = Database<Pool, PoolClient>

/**
 * A PostgreSQL database over pg.
 *
 * ```ts
 * postgres({ primary: 'postgres://app@db1/app', replicas: ['postgres://app@db2/app'] })
 * ```
 */
export function postgres(options: PostgresOptions): PostgresDatabase {
  return { adapter, dialect: 'postgres', options: nodesOptions(options) }
}

const adapter: Adapter = {
  name: 'pg',
  resolveNode: (given, path) =>
    resolveNode(given, path, {
      protocols: ['postgres:', 'postgresql:'],
      urlOption: 'connectionString',
      isPool: (value) => value instanceof Pool || looksLikePool(value),
      // A socket's path or URL, and a URL without a host.
      alsoUrl: (value) => /^(\/|socket:|postgres(ql)?:\/\/[^/?#]*@\/)/.test(value),
    }),
  openNode: (settings, node, events) => new PgConnector(settings as NodeSettings, node, events),
  createPool: (port) => new RoutedPool(port),
  createClient: (lease, { native }) => new RoutedClient(lease, (native as Pool).options),
  createTransactionClient,
  classifyError,
  rowsOf,
}

/** A pool of another copy of pg, or of a wrapper. */
function looksLikePool(value: object): boolean {
  const { connect, query, end, totalCount } = value as Partial<Pool>
  return (
    [connect, query, end].every((method) => typeof method === 'function') && typeof totalCount === 'number'
  )
}
