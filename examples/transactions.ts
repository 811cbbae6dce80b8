// router.transaction: one connection, commit on return, roll back on throw.
import { createRouter } from '../src' // in an application: 'splitpool'
import { postgres } from '../src/adapters/pg' // 'splitpool/pg'
import { runExample } from './servers'

void runExample('postgres', async ({ servers }) => {
  const router = createRouter({ databases: { default: postgres(servers) } })
  const db = router.pool()

  await router.scope(async () => {
    await db.query(
      'CREATE TABLE IF NOT EXISTS example_accounts (name text PRIMARY KEY, balance int NOT NULL)',
    )
    await db.query(`INSERT INTO example_accounts VALUES ('Ada', 100), ('Grace', 0)`)

    await router.transaction(async (tx) => {
      await tx.query(`UPDATE example_accounts SET balance = balance - 30 WHERE name = 'Ada'`)
      // The pool joins the transaction, so what is called from here need not know of it.
      await db.query(`UPDATE example_accounts SET balance = balance + 30 WHERE name = 'Grace'`)
    })
    console.log('committed:', await balances())

    // What throws rolls back; in a nested call only as far as that call, which is a savepoint.
    await router.transaction(async (tx) => {
      await tx.query(`UPDATE example_accounts SET balance = balance + 1 WHERE name = 'Ada'`)
      await router
        .transaction(async (inner) => {
          await inner.query(`UPDATE example_accounts SET balance = 0`)
          throw new Error('not all of them')
        })
        .catch((error: unknown) => {
          console.log('rolled back to the savepoint:', (error as Error).message)
        })
    })
    console.log('the outer one was kept:', await balances())

    await db.query('DROP TABLE example_accounts')
  })

  // Read only: the whole transaction is served by the scope's replica, from one snapshot.
  await router.scope(() =>
    router.transaction(
      async (tx) => {
        const { rows } = await tx.query(
          `SELECT pg_is_in_recovery() AS replica, current_setting('transaction_isolation') AS isolation`,
        )
        console.log('read only:', rows[0])
      },
      { readOnly: true, isolationLevel: 'repeatable read' },
    ),
  )

  await router.close()

  async function balances(): Promise<string> {
    const { rows } = await db.query<{ name: string; balance: number }>('TABLE example_accounts ORDER BY name')
    return rows.map(({ name, balance }) => `${name} ${balance}`).join(', ')
  }
})
