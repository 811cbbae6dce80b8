import { createPool } from 'mysql2'
import { expect, it } from 'vitest'
import { createRouter } from '../../src'
import { mariadb, mysql } from '../../src/adapters/mysql2'
import { describeEachDialect } from '../servers/provided'

describeEachDialect(
  (dialect, cluster) => {
    const make = dialect === 'mysql' ? mysql : mariadb

    it('a command emits in the scope of its caller', async () => {
      const router = createRouter({
        databases: {
          default: make({
            primary: cluster.primary.url,
            replicas: cluster.replicas.map(({ url }) => ({ url, connectionLimit: 1 })),
          }),
        },
      })
      const db = router.pool()
      // Scopes that have written open the connections, and would send what follows in them to the primary.
      for (let scope = 0; scope < 20; scope++) {
        await router.scope(async () => {
          await db.promise().query('SELECT 1')
          await db.promise().query('CREATE TABLE IF NOT EXISTS nodes_scope (id int)')
        })
      }
      await router.scope(async () => {
        const mine = router.explain('SELECT 1').nodeId
        const seen = new Set<string>()
        const see = (): unknown => seen.add(router.explain('SELECT 1').nodeId)
        await new Promise((resolve) => {
          db.query('SELECT 1').on('fields', see).on('result', see).on('end', resolve)
        })
        expect([...seen]).toEqual([mine])
      })
      await db.promise().query('DROP TABLE nodes_scope')
      await router.close()
    })

    it('leaves nothing behind on a pool of the application', async () => {
      const own = createPool(cluster.replicas[0]!.url)
      for (let time = 0; time < 3; time++) {
        const router = createRouter({
          databases: { default: make({ primary: cluster.primary.url, replicas: [own] }) },
        })
        await router.scope(() => router.pool().promise().query('SELECT 1'))
        await router.close()
      }
      const events = ['acquire', 'connection', 'enqueue', 'release']
      expect(events.map((event) => own.listenerCount(event))).toEqual([0, 0, 0, 0])
      await own.promise().end()
    })
  },
  ['mysql', 'mariadb'],
)
