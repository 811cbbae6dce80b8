import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2'
import type { Pool as PromisePool } from 'mysql2/promise'
import { readOnlySession } from '../../dialects/begin'
import { foundWritable, WRITABLE } from '../../dialects/writable'
import type { Connection, Connector, NodeEvents, NodeIdentity, ServerIdentity } from '../adapter'
import type { NodeSettings } from '../resolve-node'
import { configOf, eachConnection } from './driver'
import { promised } from './query'

/** One MySQL or MariaDB server through a mysql2 pool. */
export class Mysql2Connector implements Connector {
  readonly native: Pool
  readonly #made: boolean
  /** What was hung on the pool, to be taken off again where the pool lives on. */
  readonly #stops: (() => void)[] = []
  #ended: Promise<void> | null = null

  constructor(settings: NodeSettings, node: NodeIdentity, events: NodeEvents) {
    this.#made = settings.kind === 'options'
    this.native =
      settings.kind === 'pool'
        ? corePool(settings.pool as Pool | PromisePool)
        : createPool(poolOptions(settings))
    // The pool listens once; a second 'error' of a connection would end the process.
    this.#stops.push(eachConnection(this.native, surviveErrors))
    if (node.role === 'replica') {
      this.#stops.push(eachConnection(this.native, keepReadOnly), warnIfWritable(this.native, node, events))
    }
  }

  get server(): ServerIdentity {
    const { host, port, socketPath, database, stream } = configOf(this.native).connectionConfig
    // Whoever makes the socket knows where it goes.
    const server = stream === undefined ? `mysql://${socketPath ?? `${host}:${port}`}` : this.native
    return { server, schema: database ?? null }
  }

  async connect(): Promise<Connection> {
    const [connection] = await promised((done) => {
      this.native.getConnection(done)
    })
    return new Mysql2Connection(connection as PoolConnection)
  }

  end(): Promise<void> {
    if (!this.#made) {
      for (const stop of this.#stops.splice(0)) stop()
      return Promise.resolve()
    }
    // mysql2 calls back with an error when a connection was lost before it could be closed; it is closed then.
    this.#ended ??= new Promise((resolve) => {
      this.native.end(() => {
        resolve()
      })
    })
    return this.#ended
  }
}

class Mysql2Connection implements Connection {
  readonly native: PoolConnection

  constructor(native: PoolConnection) {
    this.native = native
  }

  get lost(): boolean {
    const { stream, _fatalError: fatal } = this.native as PoolConnection & {
      readonly stream: { readonly destroyed: boolean }
      readonly _fatalError: unknown
    }
    return stream.destroyed || fatal != null
  }

  async run(sql: string): Promise<undefined> {
    await promised((done) => this.native.query(sql, done))
  }

  release(error?: unknown): void {
    if (error === undefined) this.native.release()
    else this.native.destroy()
  }
}

/** Once, however many routers a pool of the application's goes through. */
function surviveErrors(connection: PoolConnection): void {
  if (!connection.listeners('error').includes(ignore)) connection.on('error', ignore)
}

function poolOptions({ url, options }: Extract<NodeSettings, { kind: 'options' }>): PoolOptions {
  return url === null ? options : { ...options, uri: url }
}

/** A pool of `mysql2/promise` is a wrapper of one of mysql2. */
export function corePool(pool: Pool | PromisePool): Pool {
  return 'pool' in pool ? pool.pool : pool
}

/**
 * The sessions of a connection begin read only, also those that begin when its state is reset (`resetOnRelease`) or its
 * user changes. A connection runs what it is given in order, so this comes before the statement it is borrowed for.
 */
function keepReadOnly(connection: PoolConnection): void {
  const begin = (): void => {
    connection.query(readOnlySession('mysql'), ignore)
  }
  const reset = connection.reset.bind(connection)
  const changeUser = connection.changeUser.bind(connection)
  connection.reset = (...args) => {
    reset(...args)
    begin()
  }
  connection.changeUser = (...args) => {
    changeUser(...args)
    begin()
  }
  begin()
}

/** Asks the first connection whether the server takes writes, and from whom. */
function warnIfWritable(pool: Pool, { id, dialect }: NodeIdentity, events: NodeEvents): () => void {
  let asked = false
  return eachConnection(pool, (connection) => {
    if (asked) return
    asked = true
    const question = WRITABLE[dialect]
    promised((done) =>
      connection.query({ sql: question.sql, rowsAsArray: false, nestTables: false, typeCast: true }, done),
    ).then(([rows]) => {
      const found = foundWritable(question, (rows as object[])[0])
      if (found !== undefined) events.writableReplica(id, found)
    }, ignore)
  })
}

function ignore(): void {
  // Whoever runs a statement on the connection learns of it from the statement.
}
