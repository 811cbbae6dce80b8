import { knex, type Knex } from 'knex'
import type { Pool as MysqlPool } from 'mysql2'
import type { Pool as PgPool } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createRouter, type Router } from '../../src'
import { mariadb, mysql } from '../../src/adapters/mysql2'
import { postgres } from '../../src/adapters/pg'
import { describeEachDialect } from '../servers/provided'
import { until } from '../servers/until'

/** Knex's own client over a pool of the router's. */
describeEachDialect((dialect, cluster) => {
  let router: Router
  let pool: PgPool | MysqlPool
  let db: Knex
  const onPostgres = dialect === 'postgres'
  const replicas = cluster.replicas.map(({ id }) => id)

  beforeAll(async () => {
    const nodes = { primary: cluster.primary.url, replicas: cluster.replicas.map(({ url }) => url) }
    router = createRouter({ databases: { default: { postgres, mysql, mariadb }[dialect](nodes) } })
    pool = router.pool() as PgPool | MysqlPool
    db = over(pool)
    await router.primary(async () => {
      await db.schema.dropTableIfExists('knex_pooled')
      await db.schema.createTable('knex_pooled', (table) => {
        table.increments('id')
        table.string('body')
      })
      await db('knex_pooled').insert({ body: 'one' })
    })
    await cluster.caughtUp()
  })

  afterEach(async () => {
    await until('every connection was given back', () => inUse() === 0, { timeoutMs: 5_000 })
  })

  afterAll(async () => {
    await db.schema.dropTableIfExists('knex_pooled')
    await db.destroy()
    await router.close()
  })

  function over(connectionPool: PgPool | MysqlPool): Knex {
    return knex({
      client: onPostgres ? 'pg' : 'mysql2',
      connectionPool: connectionPool as Knex.ConnectionPool,
    })
  }

  function inUse(): number {
    const { nodes } = router.stats()
    if (!onPostgres) return Object.values(nodes).reduce((sum, { inFlight }) => sum + inFlight, 0)
    const { totalCount, idleCount } = pool as PgPool
    return totalCount - idleCount
  }

  async function who(queryable: Knex = db): Promise<string> {
    if (onPostgres) {
      const { rows } = await queryable.raw<{ rows: { node: string }[] }>(
        `SELECT current_setting('cluster_name') AS node`,
      )
      return rows[0]!.node
    }
    const [rows] = await queryable.raw<[{ node: number }[]]>('SELECT @@server_id AS node')
    const id = rows![0]!.node
    return id === 1 ? 'primary' : `replica-${id - 1}`
  }

  describe('Knex over connectionPool: router.pool()', () => {
    it('reads from the scope’s replica, writes to the primary and reads its own writes', async () => {
      await router.scope(async () => {
        const pinned = await who()
        expect(replicas).toContain(pinned)
        expect(await who()).toBe(pinned)
        await db('knex_pooled').insert({ body: 'mine' })
        expect(await who()).toBe('primary')
        expect(await db('knex_pooled').where({ body: 'mine' }).del()).toBe(1)
      })
    })

    it('runs a transaction on one connection of the primary', async () => {
      await router.scope(async () => {
        await db.transaction(async (trx) => {
          expect(await who(trx)).toBe('primary')
          await trx('knex_pooled').insert({ body: 'kept' })
          await trx.transaction(async (inner) =>
            inner('knex_pooled').where({ body: 'kept' }).update({ body: 'moved' }),
          )
        })
        expect(await db('knex_pooled').where({ body: 'moved' }).del()).toBe(1)
      })
    })

    it('does not end the pool when it is destroyed', async () => {
      const other = over(pool)
      expect(replicas).toContain(await router.scope(() => who(other)))
      await other.destroy()
      expect(replicas).toContain(await router.scope(() => who()))
    })

    // Over any pg.Pool, Knex 3.3 releases the client of a stream twice, which is an uncaught exception.
    if (onPostgres) return
    it('streams', async () => {
      await router.scope(async () => {
        const bodies: string[] = []
        for await (const { body } of db<{ body: string }>('knex_pooled').stream() as AsyncIterable<{
          body: string
        }>) {
          bodies.push(body)
        }
        expect(bodies).toEqual(['one'])
      })
    })
  })
})
