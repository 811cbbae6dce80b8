import type { Writable } from 'node:stream'
import { knex, type Knex } from 'knex'
import type { Dialect } from '../../dialects/dialect'

/** A query as Knex hands it to a client, which writes into it. */
export interface KnexQuery {
  sql?: unknown
  bindings?: unknown
  /** Ours: the node that served it, for the listeners of its events. */
  node?: string
}

/** As much of Knex's transactions as is used here. */
export interface KnexTransaction {
  begin(connection: object): Promise<unknown>
  query(connection: object, sql: string): Promise<unknown>
  readonly readOnly?: boolean
  readonly isolationLevel?: string
}

/** As much of Knex's runners as is used here. */
export interface KnexRunner {
  readonly connection: object
  query(query: KnexQuery | string): Promise<unknown>
}

/**
 * A client of Knex's for one dialect: what its typings leave out, say less of, or declare so that it cannot be
 * overridden.
 */
export interface DialectClient extends Omit<Knex.Client, keyof Overridden>, Overridden {}

interface Overridden {
  query(connection: object, query: string | KnexQuery): Promise<unknown>
  stream(connection: object, query: KnexQuery, stream: Writable, options: unknown): Promise<unknown>
  _query(connection: object, query: KnexQuery): Promise<{ readonly response: unknown }>
  _stream(connection: object, query: KnexQuery, stream: Writable, options: unknown): Promise<unknown>
  cancelQuery(connection: object): Promise<unknown>
  transaction(container: unknown, config: unknown, outer: unknown): KnexTransaction
  schemaBuilder(): Knex.SchemaBuilder
  runner(builder: object): KnexRunner
  acquireRawConnection(): Promise<object>
  initializePool(config?: Knex.Config): void
  destroy(callback?: (error?: unknown) => void): Promise<void>
  positionBindings(sql: string): string
}

export type DialectClass = new (config: Knex.Config) => DialectClient

/** Knex's own client class for a database, from the copy of Knex that the application has. */
export function dialectClass(dialect: Dialect): DialectClass {
  const { constructor } = knex({ client: clientName(dialect) }).client as object
  return constructor as DialectClass
}

/** Under which name Knex knows it; MariaDB goes through mysql2 here. */
export function clientName(dialect: Dialect): 'pg' | 'mysql2' {
  return dialect === 'postgres' ? 'pg' : 'mysql2'
}
