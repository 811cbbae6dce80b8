import { EventEmitter } from 'node:events'
import * as mysql2 from 'mysql2'
import type { Pool, PoolConnection, PoolOptions, Query } from 'mysql2'
import type { PoolConnection as PromisePoolConnection } from 'mysql2/promise'
import type { Callback } from '../callback'

/** A pool's resolved options for its connections (`lib/connection_config.js`), as far as they are read here. */
export interface ConnectionConfig {
  readonly host?: string
  readonly port?: number
  readonly socketPath?: string
  readonly database?: string
  readonly stream?: unknown
  readonly namedPlaceholders: boolean
  readonly queryFormat?: unknown
  readonly gracefulEnd: boolean
}

/** A pool's resolved options (`lib/pool_config.js`); mysql2's typings show those that went in. */
export interface PoolConfig {
  readonly connectionConfig: ConnectionConfig
  readonly connectionLimit: number
  maxIdle: number
}

/** What `query` returns, as far as its typings leave it out (`lib/commands/query.js`). */
export type Command = Query & {
  sql: string
  readonly values: unknown
  namedPlaceholders: boolean | undefined
  onResult: Callback | undefined
  /** What a stream of the command pauses and resumes. */
  _connection: PoolConnection | null
  readonly _queryOptions: object
}

/** The driver's pool or one of its connections, which take the same calls. */
export interface Queryable {
  query(...args: readonly unknown[]): Command
  execute(...args: readonly unknown[]): Command
}

/** The parts of mysql2 that its typings leave out or say less of. */
const driver = mysql2 as unknown as {
  readonly Pool: new (options: { readonly config: PoolConfig }) => EventEmitter & {
    readonly config: PoolConfig
    _closed: boolean
  }
  readonly createQuery: (
    sql: unknown,
    values: unknown,
    callback: unknown,
    config: ConnectionConfig,
  ) => Command
}

/** mysql2's pool class with the few members that its subclass here uses; making one opens nothing. */
export const DriverPool = driver.Pool

/** Makes the command that `query` returns, without sending it; it has read where among the arguments the callback is. */
export const createQuery = driver.createQuery

const QueryCommand = createQuery('', undefined, undefined, {
  namedPlaceholders: false,
  gracefulEnd: false,
}).constructor

/** Whether a connection was given a command in place of a text; throws what the driver throws for `undefined`. */
export function isCommand(query: unknown): query is Command {
  return (query as object).constructor === QueryCommand
}

/** Methods of the driver's connections, to be called on something else. */
const UNBOUND = mysql2.PoolConnection.prototype as unknown as {
  execute(options: object): Query
  prepare(options: object): Query
}

/** Throws at once what the driver's `execute` throws for values that cannot be bound. */
export function checkBindable(connection: unknown, options: { readonly values: unknown }): void {
  const { values } = options
  if (!values || (Array.isArray(values) && values.every(isBindable))) return
  UNBOUND.execute.call(connection, options)
}

function isBindable(value: unknown): boolean {
  return value !== undefined && typeof value !== 'function'
}

/** Makes the command that `prepare` returns, without sending it. */
export function createPrepare(options: object): Query {
  return UNBOUND.prepare.call({ addCommand: (command: Query) => command }, options)
}

export function configOf(pool: Pool): PoolConfig {
  return pool.config as PoolOptions & PoolConfig
}

/** The same options for a pool that opens no connection: its own copy, since a pool writes itself into them. */
export function unconnected(config: PoolConfig): PoolConfig {
  const { connectionConfig, connectionLimit } = config
  return {
    ...config,
    connectionConfig: Object.create(
      Object.getPrototypeOf(connectionConfig) as object,
      Object.getOwnPropertyDescriptors(connectionConfig),
    ) as ConnectionConfig,
    // With fewer, the pool would look after its idle connections with a timer, and it has none.
    maxIdle: connectionLimit,
  }
}

/** What is called here of the members that come from mysql2's connection class. */
export interface Inherited extends EventEmitter {
  end(callback?: (error?: unknown) => void): void
  _resolveNamedPlaceholders(options: object): void
  format(sql: string, values: unknown, namedPlaceholders?: boolean): string
  promise(promiseImpl?: PromiseConstructor): PromisePoolConnection
  unprepare(statement: string | object): unknown
}

/**
 * mysql2's connection class without its constructor, which would open a socket: an `instanceof PoolConnection` whose
 * `format`, `escape`, `beginTransaction`, `promise` and the like are the driver's own and work by what is overridden.
 */
export const UnconnectedConnection = ((): new () => Inherited => {
  class Unconnected extends EventEmitter {}
  Object.setPrototypeOf(Unconnected.prototype, mysql2.PoolConnection.prototype)
  return Unconnected as unknown as new () => Inherited
})()

/** The connections that are open now, and every one that is opened later, before it gets its first statement; until it is stopped. */
export function eachConnection(pool: Pool, use: (connection: PoolConnection) => void): () => void {
  const { _allConnections: open } = pool as Pool & {
    _allConnections?: { readonly length: number; get(index: number): PoolConnection }
  }
  // One that is handed from its user to a waiting one emits nothing, so those that are open are looked at now.
  const known = new WeakSet<PoolConnection>()
  const first = (connection: PoolConnection): void => {
    if (known.has(connection)) return
    known.add(connection)
    use(connection)
  }
  for (let index = 0; index < (open?.length ?? 0); index++) first(open?.get(index) as PoolConnection)
  pool.on('connection', first)
  return () => pool.off('connection', first)
}
