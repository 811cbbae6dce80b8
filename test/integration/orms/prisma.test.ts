import type { Pool as PgPool } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../../src'
import { mysql } from '../../../src/adapters/mysql2'
import { postgres } from '../../../src/adapters/pg'
import { describeDialect } from '../../servers/provided'
import { runSql } from '../../servers/run-sql'
import { until } from '../../servers/until'
import { describeOrm } from './describe-orm'
import type { OrmDialect, OrmUnderTest } from './orm-under-test'
import { loadPrisma, type Prisma, type PrismaPackage } from './prisma/generated-client'
import { createSchema, dropSchema } from './schema'
import { decisionsOf, Stage } from './stage'
import { overMysql2, overPg, prisma } from './under-test/prisma'

describeOrm(prisma)

const TABLES: Readonly<Record<OrmDialect, readonly string[]>> = {
  postgres: [
    'CREATE TABLE prisma_shelves (id serial PRIMARY KEY, name varchar(100) NOT NULL UNIQUE)',
    `CREATE TABLE prisma_books (
       id serial PRIMARY KEY, title varchar(100) NOT NULL, shelf_id int NOT NULL REFERENCES prisma_shelves)`,
  ],
  mysql: [
    'CREATE TABLE prisma_shelves (id int AUTO_INCREMENT PRIMARY KEY, name varchar(100) NOT NULL UNIQUE)',
    `CREATE TABLE prisma_books (
       id int AUTO_INCREMENT PRIMARY KEY, title varchar(100) NOT NULL,
       shelf_id int NOT NULL, FOREIGN KEY (shelf_id) REFERENCES prisma_shelves (id))`,
    `CREATE TABLE prisma_kinds (
       id bigint AUTO_INCREMENT PRIMARY KEY, tiny tinyint(1) NOT NULL, small smallint NOT NULL,
       \`unsigned\` int unsigned NOT NULL, big bigint NOT NULL, \`decimal\` decimal(30, 10) NOT NULL,
       single float NOT NULL, \`double\` double NOT NULL, moment datetime(3) NOT NULL, stamp timestamp(3) NOT NULL,
       day date NOT NULL, time time NOT NULL, json json NOT NULL, bytes longblob NOT NULL, \`blob\` blob NOT NULL,
       bit bit(1) NOT NULL, text longtext NOT NULL, colour enum('red', 'green') NOT NULL, nothing varchar(10))`,
  ],
}

describe('what Prisma sends', () => {
  for (const dialect of ['postgres', 'mysql'] as const) {
    describeDialect(dialect, (cluster) => {
      let stage: Stage
      let db: Prisma
      let loaded: PrismaPackage

      const captured: OrmUnderTest = {
        ...prisma,
        postgres: (...given) => {
          db = overPg(loaded, given[0])
          return prisma.postgres!(...given)
        },
        mysql: (...given) => {
          db = overMysql2(loaded, given[0])
          return prisma.mysql!(...given)
        },
      }

      async function dropTables(): Promise<void> {
        for (const table of ['prisma_books', 'prisma_shelves', 'prisma_kinds']) {
          await runSql(cluster.primary.url, `DROP TABLE IF EXISTS ${table}`)
        }
      }

      beforeAll(async () => {
        loaded = await loadPrisma(dialect)
        await createSchema(cluster, dialect)
        await dropTables()
        for (const sql of TABLES[dialect]) await runSql(cluster.primary.url, sql)
        stage = await Stage.open(captured, dialect, cluster)
        await cluster.caughtUp()
      })

      afterEach(async () => {
        await stage.expectNothingHeld()
      })

      afterAll(async () => {
        await db.$disconnect()
        await stage.close()
        await dropTables()
        await dropSchema(cluster, dialect)
      })

      it('a read with its relations is reads and nothing else, on one replica', async () => {
        const { decisions } = await decisionsOf(() =>
          stage.scope(async () => await db.shelf.findMany({ include: { books: true } })),
        )
        expect(decisions.length).toBeGreaterThan(0)
        expect(decisions.filter(({ intent, role }) => intent !== 'read' || role !== 'replica')).toEqual([])
        expect(new Set(decisions.map(({ nodeId }) => nodeId)).size).toBe(1)
      })

      it('a nested write is one transaction on the primary', async () => {
        const data = { name: 'nested', books: { create: [{ title: 'one' }, { title: 'two' }] } }
        const { result, decisions } = await decisionsOf(() =>
          stage.scope(async () => await db.shelf.create({ data, include: { books: true } })),
        )
        expect(result.books).toHaveLength(2)
        expect(decisions.filter(({ role }) => role !== 'primary')).toEqual([])
        const intents = decisions.map(({ intent }) => intent)
        expect([intents[0], intents.at(-1)]).toEqual(['transaction', 'transaction'])
        expect(intents.slice(1, -1)).not.toContain('transaction')
        expect(intents.filter((intent) => intent === 'write').length).toBeGreaterThanOrEqual(2)
        expect(decisions.slice(1).filter(({ rule }) => rule !== 'lease')).toEqual([])
      })

      it('a nested write that fails half way leaves nothing', async () => {
        const data = { name: 'half', books: { create: [{ title: 'kept?' }, { title: 'x'.repeat(101) }] } }
        const failing = stage.scope(async () => await db.shelf.create({ data }))
        await expect(failing).rejects.toMatchObject({ code: 'P2000' })
        expect(
          await stage.scope(
            async () =>
              await stage.router.primary(async () => await db.shelf.count({ where: { name: 'half' } })),
          ),
        ).toBe(0)
      })

      it("an error of a constraint is Prisma's own", async () => {
        const orphan = stage.scope(
          async () => await db.book.create({ data: { title: 'orphan', shelfId: -1 } }),
        )
        await expect(orphan).rejects.toMatchObject({ code: 'P2003' })
      })

      it('a batch is one transaction on the primary', async () => {
        const batch = (name: string): Promise<unknown> =>
          stage.scope(() => db.$transaction([db.shelf.create({ data: { name } }), db.shelf.count()]))
        const { decisions } = await decisionsOf(() => batch('batch'))
        expect(
          decisions.map(({ intent }) => intent).filter((intent) => intent === 'transaction'),
        ).toHaveLength(2)
        expect(decisions.filter(({ role }) => role !== 'primary')).toEqual([])
        await expect(batch('batch')).rejects.toMatchObject({ code: 'P2002' })
      })

      it('an isolation level is that of its transaction, and of no later one', async () => {
        const level = async (pid: number): Promise<unknown> => {
          const [row] = await stage.onPrimary(
            `SELECT isolation_level AS level FROM performance_schema.events_transactions_current
             JOIN performance_schema.threads USING (thread_id) WHERE processlist_id = ${pid} AND state = 'ACTIVE'`,
          )
          return String(row!['level']).toLowerCase()
        }
        const read = (options?: { isolationLevel: 'Serializable' }): Promise<unknown> =>
          stage.scope(() =>
            db.$transaction(async (tx) => {
              const { pid } = await tx.seenNote.findFirstOrThrow({ where: { id: 1 } })
              if (dialect === 'mysql') return await level(Number(pid))
              const [row] = await tx.$queryRaw<{ level: string }[]>`
                SELECT current_setting('transaction_isolation') AS level`
              return row!.level
            }, options),
          )
        expect(await read({ isolationLevel: 'Serializable' })).toBe('serializable')
        expect(await read()).toBe(dialect === 'mysql' ? 'repeatable read' : 'read committed')
      })

      it('a transaction that takes too long is rolled back, and its connection given back', async () => {
        const late = stage.scope(() =>
          db.$transaction(
            async (tx) => {
              await tx.note.create({ data: { body: 'too late' } })
              await stage.expectNothingHeld()
              await tx.note.count()
            },
            { timeout: 300 },
          ),
        )
        await expect(late).rejects.toMatchObject({ code: 'P2028' })
        expect(await stage.bodies('too late')).toEqual([])
      })

      it('findUnique of two scopes in one tick runs in the first one’s, findFirst in its own', async () => {
        const both = (
          find: (id: number) => Promise<{ node: string } | null>,
        ): Promise<(string | undefined)[]> =>
          Promise.all([
            stage.scope(async () => (await find(1))?.node),
            stage.scope(() => stage.router.primary(async () => (await find(2))?.node)),
          ])
        const [, first] = await both((id) => db.seenNote.findFirst({ where: { id } }))
        expect(first).toBe('primary')
        // A limit of Prisma's, which gathers them into one query. When this fails, the docs can be shorter.
        const [replica, unique] = await both((id) => db.seenNote.findUnique({ where: { id } }))
        expect(stage.replicaIds).toContain(replica)
        expect(unique).toBe(replica)
      })

      it('a nested write inside router.transaction is a transaction of its own', async () => {
        const name = 'not joined'
        const failing = stage.scope(() =>
          stage.router.transaction(async () => {
            await db.shelf.create({ data: { name, books: { create: [{ title: 'one' }] } } })
            throw new Error('out again')
          }),
        )
        await expect(failing).rejects.toThrow('out again')
        expect(
          await stage.onPrimary(
            `SELECT name FROM ${dialect === 'mysql' ? 'app.' : ''}prisma_shelves WHERE name = '${name}'`,
          ),
        ).toEqual([{ name }])
      })
    })
  }
})

describeDialect('postgres', (cluster) => {
  describe('the pool that Prisma is given', () => {
    const open = (): { pool: PgPool; close: () => Promise<void> } => {
      const database = postgres({
        primary: cluster.primary.url,
        replicas: cluster.replicas.map(({ url }) => url),
      })
      const router = createRouter({ databases: { default: database } })
      return { pool: router.pool(), close: () => router.close() }
    }

    it('is used as it is, and lives on after $disconnect, with no listener left', async () => {
      const { PrismaClient, PrismaPg } = await loadPrisma('postgres')
      const { pool, close } = open()
      const listeners = pool.listenerCount('error')
      const db = new PrismaClient({ adapter: new PrismaPg(pool) })
      await db.$queryRaw`SELECT 1`
      expect(pool.totalCount).toBe(1)
      expect(pool.listenerCount('error')).toBe(listeners + 1)
      await db.$disconnect()
      expect(pool.listenerCount('error')).toBe(listeners)
      expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
      await close()
    })

    it('is ended by $disconnect when the adapter is told so', async () => {
      const { PrismaClient, PrismaPg } = await loadPrisma('postgres')
      const { pool, close } = open()
      const db = new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: true }) })
      await db.$queryRaw`SELECT 1`
      await db.$disconnect()
      expect(pool.ended).toBe(true)
      await until('its connections are gone', () => pool.totalCount === 0)
      await close()
    })
  })
})

describeDialect('mysql', (cluster) => {
  describe('mysql2 under @prisma/adapter-mariadb', () => {
    const KIND = {
      tiny: true,
      small: -7,
      unsigned: 2147483647,
      big: 9007199254740993n,
      decimal: '12345678901234567890.0123456789',
      single: 1.5,
      double: 1e21,
      moment: new Date('2024-02-29T12:34:56.789Z'),
      stamp: new Date('2024-07-01T01:02:03.004Z'),
      day: new Date('2024-02-29'),
      time: new Date('1970-01-01T23:59:58Z'),
      json: { a: [1, 'ü', null, 9.5] },
      bytes: new Uint8Array([0, 255, 39, 92]),
      blob: new Uint8Array([128]),
      bit: true,
      text: `it's "ü" \\ 🙂`,
      colour: 'green',
    }

    it('writes and reads every type as the adapter does over its own driver', async () => {
      const loaded = await loadPrisma('mysql')
      await runSql(cluster.primary.url, 'DROP TABLE IF EXISTS prisma_kinds')
      await runSql(cluster.primary.url, TABLES.mysql.at(-1)!)
      const router = createRouter({
        databases: {
          default: mysql({ primary: cluster.primary.url, replicas: cluster.replicas.map(({ url }) => url) }),
        },
      })
      const ours = overMysql2(loaded, router)
      const { host, port } = cluster.primary
      const config = {
        host,
        port,
        user: 'app',
        password: 'app',
        database: 'app',
        allowPublicKeyRetrieval: true,
      }
      const own = new loaded.PrismaClient({ adapter: new loaded.PrismaMariaDb(config) })
      try {
        await router.primary(async () => {
          for (const writer of [ours, own]) await writer.kind.create({ data: KIND })
          const [byOurs, byOwn] = [await ours.kind.findMany(), await own.kind.findMany()]
          expect(byOurs).toHaveLength(2)
          expect(byOurs).toEqual(byOwn)
          const withoutId = byOurs.map((row) => ({ ...row, id: 0n }))
          expect(withoutId[0], 'both wrote the same').toEqual(withoutId[1])
          expect(byOurs[0]).toMatchObject({ ...KIND, decimal: expect.anything() as unknown, nothing: null })
          const raw = async (reader: Prisma): Promise<unknown> => [
            await reader.$queryRaw`SELECT * FROM prisma_kinds`,
            await reader.$queryRaw`SELECT ${1} AS n, ${'a'} AS a, ${null} AS nothing, ${12n} AS big, count(*) AS c, sum(small) AS s,
              avg(small) AS average, max(moment) AS latest FROM prisma_kinds`,
          ]
          expect(await raw(ours)).toEqual(await raw(own))
        })
      } finally {
        await own.$disconnect()
        await ours.$disconnect()
        await router.close()
        await runSql(cluster.primary.url, 'DROP TABLE prisma_kinds')
      }
    })
  })
})
