import { createConnection } from 'mysql2/promise'
import { expect, it } from 'vitest'
import { createRouter } from '../../src'
import { mariadb, mysql } from '../../src/adapters/mysql2'
import { describeEachDialect } from '../servers/provided'

describeEachDialect(
  (dialect, cluster) => {
    it('ends a transaction that a deadlock has rolled back, though its error was caught in a nested one', async () => {
      const make = dialect === 'mysql' ? mysql : mariadb
      const router = createRouter({ databases: { default: make({ primary: cluster.primary.url }) } })
      const db = router.pool().promise()
      const other = await createConnection(cluster.primary.url)
      try {
        await db.query('DROP TABLE IF EXISTS deadlock')
        await db.query('CREATE TABLE deadlock (id int PRIMARY KEY, n int, body varchar(20))')
        await db.query(`INSERT INTO deadlock VALUES (1, 0, ''), (2, 0, '')`)
        // The other has changed more rows, so that InnoDB chooses this one as the victim.
        await other.query('START TRANSACTION')
        await other.query(
          `INSERT INTO deadlock SELECT id + 100, 0, 'many' FROM (SELECT 1 AS id UNION SELECT 2 UNION SELECT 3) AS many`,
        )
        await other.query('UPDATE deadlock SET n = 2 WHERE id = 2')

        let blocked: Promise<unknown> | undefined
        const run = router.scope(() =>
          router.transaction(async (tx) => {
            await tx.query('UPDATE deadlock SET n = 1 WHERE id = 1')
            await router
              .transaction(async (inner) => {
                blocked = other.query('UPDATE deadlock SET n = 2 WHERE id = 1')
                await inner.query('UPDATE deadlock SET n = 1 WHERE id = 2')
              })
              .catch(() => undefined)
            await tx.query(`INSERT INTO deadlock VALUES (3, 0, 'second')`)
          }),
        )
        await expect(run).rejects.toMatchObject({ code: 'ERR_TRANSACTION_ABORTED', cause: { errno: 1213 } })
        await blocked
        await other.query('ROLLBACK')
        const [rows] = await db.query('SELECT id, n FROM deadlock ORDER BY id')
        expect(rows, 'neither half of it was kept').toEqual([
          { id: 1, n: 0 },
          { id: 2, n: 0 },
        ])
      } finally {
        await other.end()
        await db.query('DROP TABLE IF EXISTS deadlock')
        await router.close()
      }
    })
  },
  ['mysql', 'mariadb'],
)
