import { afterAll, beforeAll, expect, it } from 'vitest'
import { createRouter, type Decision } from '../../src'
import { mysql } from '../../src/adapters/mysql2'
import { postgres } from '../../src/adapters/pg'
import { describeDialect } from '../servers/provided'
import { decisionsOf } from '../unit/decisions-of'

describeDialect('postgres', (articles) => {
  describeDialect('mysql', (people) => {
    const router = createRouter({
      databases: {
        default: postgres({
          primary: articles.primary.url,
          replicas: articles.replicas.map(({ url }) => url),
        }),
        users: mysql({ primary: people.primary.url, replicas: people.replicas.map(({ url }) => url) }),
        reports: postgres({ primary: articles.replicas[0]!.url }),
      },
      models: { User: { table: 'several_users', bind: 'users' }, Article: { table: 'several_articles' } },
      routers: [
        class Reports {
          dbForRead({ table }: { table: string }): string | null {
            return table === 'several_totals' ? 'reports' : null
          }
        },
      ],
    })
    const db = router.pool()
    const users = router.pool('users').promise()

    beforeAll(async () => {
      await router.scope(async () => {
        for (const table of ['several_articles', 'several_totals']) {
          await db.query(`DROP TABLE IF EXISTS ${table}`)
          await db.query(`CREATE TABLE ${table} (id int PRIMARY KEY)`)
          await db.query(`INSERT INTO ${table} VALUES (1)`)
        }
        await users.query('DROP TABLE IF EXISTS several_users')
        await users.query('CREATE TABLE several_users (id int PRIMARY KEY)')
        await users.query('INSERT INTO several_users VALUES (2)')
      })
      await Promise.all([articles.caughtUp(), people.caughtUp()])
    })

    afterAll(async () => {
      await db.query('DROP TABLE IF EXISTS several_articles, several_totals')
      await users.query('DROP TABLE IF EXISTS several_users')
      await router.close()
    })

    const aliases = (decisions: Decision[]): string[] =>
      decisions.map(({ alias, role, databaseRule }) => `${alias} ${role} by ${databaseRule}`)

    it('sends each statement to the database of its tables, over both drivers', async () => {
      const decisions = await decisionsOf(() =>
        router.scope(async () => {
          expect((await db.query('SELECT id FROM several_articles')).rows).toEqual([{ id: 1 }])
          expect((await users.query('SELECT id FROM several_users'))[0]).toEqual([{ id: 2 }])
          expect((await db.query('SELECT id FROM several_totals')).rows).toEqual([{ id: 1 }])
        }),
      )
      expect(aliases(decisions)).toEqual([
        'default replica by table',
        'users replica by table',
        'reports primary by router-chain',
      ])
    })

    it('keeps pins and writes apart by database', async () => {
      await router.scope(async () => {
        await users.query('UPDATE several_users SET id = 2')
        expect(router.explain('SELECT * FROM several_users')).toMatchObject({
          role: 'primary',
          rule: 'own-writes',
        })
        expect(router.explain('SELECT * FROM several_articles')).toMatchObject({
          role: 'replica',
          rule: 'read',
        })
      })
    })

    it('refuses a statement that comes through the pool of another driver', async () => {
      await expect(db.query('SELECT * FROM several_users')).rejects.toMatchObject({
        code: 'ERR_DIALECT_MISMATCH',
        message: expect.stringContaining(`router.pool('users')`) as string,
      })
      await expect(users.query('SELECT * FROM several_articles')).rejects.toMatchObject({
        code: 'ERR_DIALECT_MISMATCH',
      })
    })

    it('refuses a statement over tables of two databases', async () => {
      await expect(db.query('SELECT * FROM several_articles, several_users')).rejects.toMatchObject({
        code: 'ERR_CROSS_DATABASE',
        message: expect.stringMatching(/several_articles lives in default.*several_users in users/) as string,
      })
    })

    it('runs a transaction of each, one inside the other', async () => {
      await router.scope(() =>
        router.transaction(async (outer) => {
          await outer.query('UPDATE several_articles SET id = 1')
          await router.transaction(
            async (inner) => {
              await inner.query('UPDATE several_users SET id = 2')
              await db.query('UPDATE several_articles SET id = 1')
            },
            { alias: 'users' },
          )
        }),
      )
    })
  })
})
