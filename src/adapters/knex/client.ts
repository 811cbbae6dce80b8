import type { Writable } from 'node:stream'
import { knex, type Knex } from 'knex'
import type { Dialect } from '../../dialects/dialect'
import { refuse } from '../../refuse'
import type { PoolSource } from '../adapter'
import { checkRouter } from '../driver-module'
import type { NodeSettings } from '../resolve-node'
import { borrowedOf } from './borrowed'
import {
  clientName,
  dialectClass,
  type DialectClient,
  type KnexQuery,
  type KnexRunner,
  type KnexTransaction,
} from './dialect'
import { frameMigrations, ON_PRIMARY } from './migrations'
import { KnexConnector } from './node'
import { RoutedPool } from './pool'
import { Output } from './stream'

/** What a router is to Knex's client. */
export interface KnexRouter extends PoolSource {
  primary(fn: () => unknown): unknown
}

/**
 * Makes the client that Knex uses in place of its own for PostgreSQL or MySQL: `knex({ client: knexClient(router) })`.
 * It is a subclass of that client, so builders, compilers and types are Knex's. For each node it opens a client of Knex's
 * own, with the pool options and all else that `knex()` was given; the connections come from the router.
 *
 * Knex copies clients without their constructor (for transactions and `withUserParams`), so that what a client knows
 * stands in this closure or on the pool, and never in private fields.
 *
 * @param alias a database, or one node of it (`users:replica-1`). Default `default`
 * @throws {SplitpoolError} `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`; and `ERR_INVALID_OPTION` for what is no router, for a database that Knex
 *   has no client for, and from `knex()` for a `connection` or `connectionPool`
 */
export function knexClient(router: KnexRouter, alias = 'default'): typeof Knex.Client {
  checkRouter(router)
  const { dialect, driver } = router.describe(alias)
  if (driver !== 'pg' && driver !== 'mysql2')
    refuse(`knexClient(router, '${alias}')`, 'a database over pg or mysql2', driver)
  const Own = dialectClass(dialect)
  const template = knex({ client: clientName(dialect) })
  frameMigrations(template)
  const SchemaBuilder = template.schema.constructor as new () => object
  const owners = new WeakMap<object, DialectClient>()

  class RoutedClient extends Own {
    constructor(config: Knex.Config) {
      for (const option of ['connection', 'connectionPool'] as const) {
        if (config[option] != null)
          refuse(option, 'nothing, since the connections are those of the router', config[option])
      }
      super(config)
      this.initializeDriver()
      if (config.pool?.max !== 0) this.initializePool()
    }

    /** Knex learns it from the first connection, which comes after the statement here. */
    get isMariaDB(): boolean {
      return dialect === 'mariadb'
    }

    override initializePool(config: Knex.Config = this.config): void {
      if (this.pool !== undefined) {
        this.logger.warn?.('The pool has already been initialized')
        return
      }
      const opened = { ...this.config, pool: config.pool ?? {} }
      const learn = ({ version }: DialectClient): void => {
        if (version !== undefined) this.version ??= version
      }
      const port = router.openPool(
        alias,
        (settings, node, events) =>
          new KnexConnector(Own, opened, settings as NodeSettings, node, events, owners, learn),
      )
      // Knex looks there for the name of the database and its character set.
      const [primary] = port.connectors
      this.connectionSettings = (primary?.native as DialectClient).connectionSettings
      this.pool = new RoutedPool(port)
    }

    /** Chooses the server around the whole of a builder's query, so that its events know the node and its time-out starts there. */
    override runner(builder: object): KnexRunner {
      const runner = super.runner(builder)
      const query = runner.query.bind(runner)
      // What is found in the schema decides what is done there.
      const onPrimary = builder instanceof SchemaBuilder || asksForColumns(builder)
      runner.query = (asked) => {
        const connection = borrowedOf(runner.connection)
        // Of a transaction that has ended Knex knows better what to say; a bare text is placed further on.
        if (connection === undefined || connection.released || typeof asked !== 'object') return query(asked)
        const place = (): Promise<unknown> => connection.place(asked, textOf(this, asked), () => query(asked))
        const ran = onPrimary ? (router.primary(place) as Promise<unknown>) : place()
        return ran.catch((error: unknown) => {
          if (error instanceof knex.KnexTimeoutError) tellQuery(error, asked)
          throw error
        })
      }
      return runner
    }

    override query(connection: object, query: string | KnexQuery): Promise<unknown> {
      const asked = typeof query === 'string' ? { sql: query } : query
      const held = borrowedOf(connection)
      const run = async (): Promise<unknown> => await super.query(connection, asked)
      if (held === undefined || held.placeOf(asked) !== null) return run()
      return held.place(asked, textOf(this, asked), run)
    }

    override async stream(
      connection: object,
      query: KnexQuery,
      stream: Writable,
      options: unknown,
    ): Promise<unknown> {
      const held = borrowedOf(connection)
      const run = (): Promise<unknown> => super.stream(connection, query, stream, options)
      if (held === undefined) return await run()
      const output = new Output(stream, dialect)
      try {
        return await held.place(query, textOf(this, query), () => output.from(run))
      } catch (error) {
        output.fail(error)
        throw error
      }
    }

    override _query(connection: object, query: KnexQuery): ReturnType<DialectClient['_query']> {
      return super._query(borrowedOf(connection)?.placeOf(query) ?? connection, query)
    }

    override _stream(
      connection: object,
      query: KnexQuery,
      stream: Writable,
      options: unknown,
    ): Promise<unknown> {
      return super._stream(borrowedOf(connection)?.placeOf(query) ?? connection, query, stream, options)
    }

    override transaction(container: unknown, config: unknown, outer: unknown): KnexTransaction {
      const transaction = super.transaction(container, config, outer)
      const begin = beginOf(transaction, dialect)
      transaction.begin = (connection) => {
        const held = borrowedOf(connection)
        return held === undefined
          ? begin(connection)
          : held.open(declarationOf(transaction), () => begin(connection))
      }
      return transaction
    }

    /** As Knex does it, over a new connection to the server where the query runs. */
    override async cancelQuery(connection: object): Promise<unknown> {
      const native = borrowedOf(connection)?.lease.native ?? connection
      const owner = owners.get(native)
      if (owner === undefined) return await super.cancelQuery(native)
      const there = Object.create(this, {
        acquireRawConnection: { value: () => owner.acquireRawConnection() },
      }) as this
      return await super.cancelQuery.call(there, native)
    }

    [ON_PRIMARY](fn: () => unknown): unknown {
      return router.primary(fn)
    }
  }
  return RoutedClient as unknown as typeof Knex.Client
}

/** Knex gives the time-out of a full pool the query that waited; that of a query has it already. */
function tellQuery(error: Error, { sql, bindings }: KnexQuery): void {
  if (!('sql' in error)) Object.assign(error, { sql, bindings })
}

/** As the server gets it. */
function textOf(client: DialectClient, { sql }: KnexQuery): unknown {
  return typeof sql === 'string' ? client.positionBindings(sql) : sql
}

/** `knex('t').columnInfo()`. */
function asksForColumns(builder: object): boolean {
  return (builder as { readonly _method?: string })._method === 'columnInfo'
}

/** Knex's own, except where Knex sends MySQL a level and READ ONLY without the comma between them. */
function beginOf(transaction: KnexTransaction, dialect: Dialect): KnexTransaction['begin'] {
  const begin = transaction.begin.bind(transaction)
  return async (connection) => {
    const { readOnly, isolationLevel } = transaction
    if (dialect === 'postgres' || readOnly !== true || isolationLevel === undefined)
      return await begin(connection)
    await transaction.query(connection, `SET TRANSACTION ISOLATION LEVEL ${isolationLevel};`)
    return await transaction.query(connection, 'START TRANSACTION READ ONLY;')
  }
}

/** A standby cannot serialise, and a replica would take locks for it: such a transaction is the primary's. */
function declarationOf({ readOnly, isolationLevel }: KnexTransaction): string {
  return readOnly === true && isolationLevel !== 'serializable'
    ? 'START TRANSACTION READ ONLY'
    : 'START TRANSACTION'
}
