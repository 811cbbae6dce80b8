import { Pool, type PoolClient, type PoolConfig } from 'pg'
import type { Database, DatabaseOptions } from '../../database'
import type { Adapter } from '../adapter'
import { resolveNode, type NodeSettings } from '../resolve-node'
import { createTransactionClient } from './client'
import { classifyError } from './errors'
import { PgConnector } from './node'
import { RoutedPool } from './pool'

/** One PostgreSQL server: a URL, the options of `pg.Pool` with a few of splitpool's, or a pool. */
export type PgNode = string | Pool | PgNodeOptions

export interface PgNodeOptions extends PoolConfig {
  /** `postgres://user:password@host:port/database`; like pg's `connectionString`. */
  readonly url?: string
  /** A pool that the application made, and ends. Goes with `id`, `weight` and `tags` alone. */
  readonly pool?: Pool
  /** Default: `replica-1`, `replica-2`, … in their order. */
  readonly id?: string
  /** Its share of the reads relative to the other replicas, above 0. Default 1. */
  readonly weight?: number
  readonly tags?: readonly string[]
}

export interface PostgresOptions extends DatabaseOptions {
  /** The server that takes writes. */
  readonly primary: PgNode
  /** The servers that serve reads. Default none: then the primary serves them. */
  readonly replicas?: readonly PgNode[]
}

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
  const { primary, replicas = [], reads, balancer, functions, ...rest } = options
  return {
    adapter,
    dialect: 'postgres',
    primary,
    replicas,
    rest,
    ...(reads === undefined ? {} : { reads }),
    ...(balancer === undefined ? {} : { balancer }),
    ...(functions === undefined ? {} : { functions }),
  }
}

const adapter: Adapter = {
  name: 'pg',
  resolveNode: (given, path) =>
    resolveNode(given, path, {
      protocols: ['postgres:', 'postgresql:'],
      urlOption: 'connectionString',
      isPool: (value) => value instanceof Pool || looksLikePool(value),
    }),
  openNode: (settings, node, events) => new PgConnector(settings as NodeSettings, node, events),
  createPool: (port) => new RoutedPool(port),
  createTransactionClient,
  classifyError,
}

/** A pool of another copy of pg, or of a wrapper. */
function looksLikePool(value: object): boolean {
  const { connect, query, end, totalCount } = value as Partial<Pool>
  return (
    [connect, query, end].every((method) => typeof method === 'function') && typeof totalCount === 'number'
  )
}
