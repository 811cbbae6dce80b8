import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import knex, { type Knex } from 'knex'
import { createRouter, type Hints, type Router } from '../../src'
import { knexClient } from '../../src/adapters/knex'
import { mariadb, mysql, type MysqlDatabase } from '../../src/adapters/mysql2'
import { postgres, type PostgresDatabase } from '../../src/adapters/pg'
import { describeEachDialect } from '../servers/provided'
import { decisionsOf } from '../unit/decisions-of'

// The numbers are those of Django's own cases, as docs/django.md lists them. `default` and `other` are two databases on the
// same servers, each with a table of the same name and another row in it.

const MAKE = { postgres, mysql, mariadb }

interface Row {
  readonly id: number
  readonly title: string
}

interface Queried {
  query(sql: string): Promise<unknown>
}

/** Sends a statement through a pool of either driver, and gives its rows. */
async function rowsOf(pool: unknown, sql: string): Promise<Row[]> {
  const result = await (
    'promise' in (pool as object) ? (pool as { promise(): Queried }).promise() : (pool as Queried)
  ).query(sql)
  return Array.isArray(result) ? (result[0] as Row[]) : (result as { rows: Row[] }).rows
}

/** The same server, and a database of its own there. */
function otherAt({ adminUrl }: { readonly adminUrl: string }): string {
  const url = new URL(adminUrl)
  url.pathname = '/models_other'
  return url.href
}

describeEachDialect((dialect, cluster) => {
  const make = MAKE[dialect] as typeof postgres & typeof mysql
  type Db = PostgresDatabase & MysqlDatabase
  const asked: [method: string, model: string | null, hints: Hints][] = []
  let router: Router<{ default: Db; other: Db }>
  let sql: Knex

  beforeAll(async () => {
    const bare = createRouter({ databases: { default: make({ primary: cluster.primary.adminUrl }) } })
    await rowsOf(bare.pool(), 'DROP DATABASE IF EXISTS models_other')
    await rowsOf(bare.pool(), 'CREATE DATABASE models_other')
    await bare.close()
    router = createRouter({
      databases: {
        default: make({ primary: cluster.primary.url, replicas: cluster.replicas.map(({ url }) => url) }),
        other: make({ primary: otherAt(cluster.primary), replicas: cluster.replicas.map(otherAt) }),
      },
      models: { Book: { table: 'models_book' }, Person: { table: 'models_person', bind: 'other' } },
      routers: [
        {
          dbForRead: ({ name }, hints) => {
            asked.push(['dbForRead', name, hints])
            return name === 'Book' ? (router.aliasOf(hints.instance) ?? 'other') : null
          },
          dbForWrite: ({ name }, hints) => {
            asked.push(['dbForWrite', name, hints])
            return name === 'Book' ? 'default' : null
          },
        },
      ],
    }) as unknown as typeof router
    await router.scope(async () => {
      for (const alias of ['default', 'other'] as const) {
        await router.using(alias, async () => {
          await rowsOf(router.pool(alias), 'DROP TABLE IF EXISTS models_book')
          await rowsOf(router.pool(alias), 'CREATE TABLE models_book (id int PRIMARY KEY, title varchar(40))')
          await rowsOf(router.pool(alias), `INSERT INTO models_book VALUES (1, 'of ${alias}')`)
        })
      }
      await rowsOf(router.pool('other'), 'CREATE TABLE models_person (id int PRIMARY KEY, title varchar(40))')
    })
    sql = knex({ client: knexClient(router), pool: { max: 2 } })
    await cluster.caughtUp()
  })

  afterAll(async () => {
    await sql.destroy()
    await rowsOf(router.pool(), 'DROP TABLE IF EXISTS models_book')
    await router.close()
    const bare = createRouter({ databases: { default: make({ primary: cluster.primary.adminUrl }) } })
    await rowsOf(bare.pool(), 'DROP DATABASE IF EXISTS models_other')
    await bare.close()
  })

  const book = (hints?: Hints): unknown => router.model('Book', hints).pool()
  const READ = 'SELECT id, title FROM models_book WHERE id = 1'

  it('D18: what changes many rows goes to the write database, and unhinted reads to the other', async () => {
    await router.scope(async () => {
      const decisions = await decisionsOf(async () => {
        await rowsOf(book(), `UPDATE models_book SET title = 'of default' WHERE id > 0`)
        await rowsOf(book(), 'DELETE FROM models_book WHERE id > 1')
        expect(await rowsOf(book(), READ)).toMatchObject([{ title: 'of other' }])
      })
      expect(decisions.map(({ alias, role }) => `${alias} ${role}`)).toEqual([
        'default primary',
        'default primary',
        'other replica',
      ])
    })
  })

  it('D19, D20: using() finds and writes what the routed statement does not', async () => {
    await router.scope(async () => {
      expect(await router.using('default', () => rowsOf(book(), READ))).toMatchObject([
        { title: 'of default' },
      ])
      await router.using('other', async () => {
        await rowsOf(book(), `INSERT INTO models_book VALUES (2, 'second')`)
        expect(await rowsOf(book(), 'SELECT * FROM models_book WHERE id = 2')).toHaveLength(1)
        await rowsOf(book(), 'DELETE FROM models_book WHERE id = 2')
      })
      expect(await router.using('default', () => rowsOf(book(), 'SELECT id FROM models_book'))).toMatchObject(
        [{ id: 1 }],
      )
    })
  })

  it('D21, D24: rows know their database, and what is read about one is read there', async () => {
    await router.scope(async () => {
      const [fromOther] = await rowsOf(book(), READ)
      expect(router.aliasOf(fromOther)).toBe('other')
      const [fromDefault] = await router.using('default', () => rowsOf(book(), READ))
      expect(router.aliasOf(fromDefault)).toBe('default')
      const hints = { instance: fromDefault }
      asked.length = 0
      expect(await rowsOf(book(hints), READ)).toMatchObject([{ title: 'of default' }])
      expect(asked).toEqual([['dbForRead', 'Book', hints]])
      expect(asked[0]![2]).toBe(hints)
      expect(await rowsOf(book({ instance: fromOther }), READ)).toMatchObject([{ title: 'of other' }])
      const children = await rowsOf(
        book(hints),
        'SELECT a.id, b.title FROM models_book a JOIN models_book b ON b.id = a.id',
      )
      expect(children.map((child) => router.aliasOf(child))).toEqual(['default'])
    })
  })

  it('D22: what is read in order to be created is read where it is written', async () => {
    await router.scope(async () => {
      await router.using(router.dbForWrite('Book') as 'default', async () => {
        expect(await rowsOf(book(), 'SELECT id FROM models_book WHERE id = 3')).toEqual([])
        await rowsOf(book(), `INSERT INTO models_book VALUES (3, 'third')`)
        expect(await rowsOf(book(), 'SELECT id FROM models_book WHERE id = 3')).toHaveLength(1)
        await rowsOf(book(), 'DELETE FROM models_book WHERE id = 3')
      })
    })
  })

  it('D23: what is created through an object goes to the write database, wherever the object is from', async () => {
    await router.scope(async () => {
      const [owner] = await rowsOf(book(), READ)
      const hints = { instance: owner }
      const decisions = await decisionsOf(() =>
        rowsOf(book(hints), `UPDATE models_book SET title = 'of default'`),
      )
      expect(decisions).toMatchObject([{ alias: 'default', role: 'primary', databaseRule: 'router-chain' }])
      expect(router.aliasOf(owner)).toBe('other')
    })
  })

  it('D35: a text that says nothing of its database goes where its handle or using() says', async () => {
    await router.scope(async () => {
      const raw = `SELECT 1 AS id, 'x' AS title`
      const decisions = await decisionsOf(async () => {
        await rowsOf(book(), raw)
        await router.using('default', () => rowsOf(book(), raw))
        await rowsOf(router.pool(), raw)
      })
      expect(decisions.map(({ alias }) => alias)).toEqual(['other', 'default', 'default'])
    })
  })

  it('D26: a handle works as the driver’s pool does, clients and transactions included', async () => {
    await router.scope(async () => {
      const person = router.model('Person')
      await router.transaction(
        async () => {
          const decisions = await decisionsOf(async () => {
            await rowsOf(person.pool(), `INSERT INTO models_person VALUES (1, 'inside')`)
            expect(await rowsOf(person.pool(), 'SELECT * FROM models_person')).toHaveLength(1)
          })
          expect(decisions.map(({ rule, nodeId }) => `${rule} ${nodeId}`)).toEqual([
            'transaction other:primary',
            'transaction other:primary',
          ])
        },
        { alias: 'other' },
      )
      await rowsOf(person.pool(), 'DELETE FROM models_person')
    })
  })

  describe('an ORM over a driver', () => {
    it('D21: inside run(), all that Knex sends is about the model, and its rows are tracked', async () => {
      await router.scope(async () => {
        const fromOther = await router.model('Book').run(() => sql<Row>('models_book').where({ id: 1 }))
        expect(fromOther).toMatchObject([{ title: 'of other' }])
        expect(router.aliasOf(fromOther[0])).toBe('other')
        const instance = router.track({ id: 1 }, 'default')
        const fromDefault = await router
          .model('Book', { instance })
          .run(() => sql<Row>('models_book').first())
        expect(fromDefault).toMatchObject({ title: 'of default' })
        expect(router.aliasOf(fromDefault)).toBe('default')
      })
    })
  })
})
