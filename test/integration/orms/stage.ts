import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Pool as MysqlPool } from 'mysql2'
import type { Pool as PgPool } from 'pg'
import type { Pool as TarnPool } from 'tarn'
import { expect } from 'vitest'
import { createRouter, type DecisionEvent } from '../../../src'
import type { OpenNode } from '../../../src/adapters/adapter'
import { mysql } from '../../../src/adapters/mysql2'
import { postgres } from '../../../src/adapters/pg'
import type { Database } from '../../../src/database'
import type { Cluster, NodeInfo } from '../../servers/cluster'
import { runSql, type Row } from '../../servers/run-sql'
import { until } from '../../servers/until'
import type { MysqlRouter, OpenOrm, OrmDialect, OrmUnderTest, PostgresRouter } from './orm-under-test'

let routers = 0

/** One ORM over a router of its own, and what the servers and the driver's pools say about it. */
export class Stage {
  readonly orm: OpenOrm
  readonly router: PostgresRouter | MysqlRouter
  readonly cluster: Cluster
  readonly dialect: OrmDialect
  readonly #natives: readonly unknown[]
  /** What the servers see of this router's connections. */
  readonly #tag: string

  private constructor(
    orm: OpenOrm,
    router: PostgresRouter | MysqlRouter,
    cluster: Cluster,
    dialect: OrmDialect,
    natives: readonly unknown[],
    tag: string,
  ) {
    this.orm = orm
    this.router = router
    this.cluster = cluster
    this.dialect = dialect
    this.#natives = natives
    this.#tag = tag
  }

  static async open(ormUnderTest: OrmUnderTest, dialect: OrmDialect, cluster: Cluster): Promise<Stage> {
    const natives: unknown[] = []
    const tag = `orms-${process.pid}-${++routers}`
    const { primary, replicas } = cluster
    if (dialect === 'postgres') {
      const node = ({ url }: NodeInfo): string => `${url}?application_name=${tag}`
      const database = postgres({ primary: node(primary), replicas: replicas.map(node) })
      const router = watched(
        createRouter({ databases: { default: watchedDatabase(database, natives) } }),
        natives,
      )
      return new Stage(await ormUnderTest.postgres!(router), router, cluster, dialect, natives, tag)
    }
    const node = ({ url }: NodeInfo): object => ({
      uri: url,
      connectAttributes: { program_name: tag },
      multipleStatements: true,
    })
    const database = mysql({ primary: node(primary), replicas: replicas.map(node) })
    const router = watched(
      createRouter({ databases: { default: watchedDatabase(database, natives) } }),
      natives,
    )
    return new Stage(await ormUnderTest.mysql!(router), router, cluster, dialect, natives, tag)
  }

  async close(): Promise<void> {
    await this.orm.close()
    await this.router.close()
  }

  get replicaIds(): readonly string[] {
    return this.cluster.replicas.map(({ id }) => id)
  }

  /** Runs `fn` in a scope of its own. */
  scope<T>(fn: () => Promise<T>): Promise<T> {
    return this.router.scope(fn)
  }

  /** Asks the primary itself, through nothing that is under test. */
  async onPrimary(sql: string): Promise<readonly Row[]> {
    return await runSql(this.cluster.primary.adminUrl, sql)
  }

  async bodies(prefix: string): Promise<readonly unknown[]> {
    const rows = await this.onPrimary(
      `SELECT body FROM ${this.dialect === 'mysql' ? 'app.' : ''}orm_notes WHERE body LIKE '${prefix}%' ORDER BY id`,
    )
    return rows.map(({ body }) => body)
  }

  async hasTable(name: string): Promise<boolean> {
    const rows = await this.onPrimary(
      `SELECT table_name FROM information_schema.tables WHERE table_name = '${name}'`,
    )
    return rows.length > 0
  }

  /** Runs `fn` while no replica applies anything. */
  async whilePaused<T>(fn: () => Promise<T>): Promise<T> {
    try {
      for (const id of this.replicaIds) await this.cluster.pauseReplication(id)
      return await fn()
    } finally {
      for (const id of this.replicaIds) await this.cluster.resumeReplication(id)
      await this.cluster.caughtUp()
    }
  }

  /**
   * Runs `fn`, which writes: on the primary, with nothing tried on a replica. Reads that an ORM puts before or after
   * its writes may go where reads go.
   */
  async writes<T>(fn: () => Promise<T>): Promise<T> {
    const refused = this.refused()
    const { result, decisions } = await decisionsOf(fn)
    const writing = decisions.filter(({ intent }) => intent !== 'read')
    expect(writing.length, 'a statement that is not a read was seen').toBeGreaterThan(0)
    expect(writing.filter(({ role }) => role !== 'primary')).toEqual([])
    expect(this.refused(), 'statements that a replica refused').toBe(refused)
    return result
  }

  refused(): number {
    return this.router.stats().refusedByReplica
  }

  /** Every connection that was borrowed has been given back, and the primary has no transaction open. */
  async expectNothingHeld(): Promise<void> {
    const own = this.orm.inUse?.bind(this.orm)
    const held = (): number[] => (own === undefined ? this.#natives.map(inUse) : [own()])
    await until(
      () => `every connection is given back, of which are in use: ${held().join(', ')}`,
      () => held().every((count) => count === 0),
      { timeoutMs: 3_000 },
    )
    const transactions = await this.onPrimary(
      this.dialect === 'postgres'
        ? `SELECT pid, state, query FROM pg_stat_activity
           WHERE application_name = '${this.#tag}' AND state LIKE 'idle in transaction%'`
        : `SELECT trx_mysql_thread_id AS pid, trx_query AS query FROM information_schema.innodb_trx
           JOIN performance_schema.session_connect_attrs ON processlist_id = trx_mysql_thread_id
           WHERE attr_name = 'program_name' AND attr_value = '${this.#tag}'`,
    )
    expect(transactions, 'transactions left open').toEqual([])
  }

  /** How many connections of this router the servers have. */
  async connections(): Promise<number> {
    const sql =
      this.dialect === 'postgres'
        ? `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = '${this.#tag}'`
        : `SELECT count(*) AS n FROM performance_schema.session_connect_attrs
           WHERE attr_name = 'program_name' AND attr_value = '${this.#tag}'`
    let sum = 0
    for (const { adminUrl } of [this.cluster.primary, ...this.cluster.replicas]) {
      const [row] = await runSql(adminUrl, sql)
      sum += Number(row!['n'])
    }
    return sum
  }
}

/** The decisions that are made while `fn` runs. */
export async function decisionsOf<T>(
  fn: () => Promise<T>,
): Promise<{ result: T; decisions: readonly DecisionEvent['decision'][] }> {
  const decisions: DecisionEvent['decision'][] = []
  const listen = (message: unknown): void => {
    decisions.push((message as DecisionEvent).decision)
  }
  subscribe('splitpool:decision', listen)
  try {
    return { result: await fn(), decisions }
  } finally {
    unsubscribe('splitpool:decision', listen)
  }
}

/** The same database, whose driver pools the tests can look into. */
function watchedDatabase<D extends Database>(database: D, natives: unknown[]): D {
  const { adapter } = database
  return {
    ...database,
    adapter: { ...adapter, openNode: watchedNode((...args) => adapter.openNode(...args), natives) },
  }
}

/** The same router, and what Knex and the driver modules open through it. */
function watched<R extends PostgresRouter | MysqlRouter>(router: R, natives: unknown[]): R {
  const openPool = router.openPool.bind(router)
  router.openPool = (name, open) => openPool(name, watchedNode(open, natives))
  return router
}

function watchedNode(open: OpenNode, natives: unknown[]): OpenNode {
  return (...args) => {
    const connector = open(...args)
    natives.push(connector.native)
    return connector
  }
}

/** How many connections of a driver's pool are borrowed or waited for. */
function inUse(native: unknown): number {
  if ('acquireRawConnection' in (native as object)) {
    const { pool } = native as { readonly pool?: Pick<TarnPool<unknown>, 'numUsed' | 'numPendingAcquires'> }
    return pool === undefined ? 0 : pool.numUsed() + pool.numPendingAcquires()
  }
  if ('totalCount' in (native as object)) {
    const { totalCount, idleCount, waitingCount } = native as PgPool
    return totalCount - idleCount + waitingCount
  }
  const { _allConnections, _freeConnections, _connectionQueue } = native as MysqlPool & {
    _allConnections: { length: number }
    _freeConnections: { length: number }
    _connectionQueue: { length: number }
  }
  return _allConnections.length - _freeConnections.length + _connectionQueue.length
}
