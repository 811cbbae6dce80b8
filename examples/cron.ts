// A job that a timer starts: each run is a scope, and says what it needs.
import type { Pool } from 'pg'
import { createRouter } from '../src' // in an application: 'splitpool'
import { postgres } from '../src/adapters/pg' // 'splitpool/pg'
import { runExample, tagged } from './servers'

void runExample('postgres', async ({ servers, caughtUp }) => {
  const { primary, replicas } = tagged(servers)
  const router = createRouter({ databases: { default: postgres({ primary, replicas }) } })
  const db: Pool = router.pool()
  await router.scope(() => db.query('CREATE TABLE example_sales (amount int, summed bool)'))
  await router.scope(() => db.query('INSERT INTO example_sales VALUES (2, false), (3, false)'))
  await caughtUp()

  async function nightly(): Promise<void> {
    // Reads for long, so not from the replicas of the web; and cannot write by mistake.
    const total = await router.with({ readFrom: ['reports', '*'], readOnly: true }, async () => {
      const { rows } = await db.query<{ sum: string }>('SELECT sum(amount) FROM example_sales')
      console.log(`sums up ${rows[0]!.sum} on ${await server(db)}`)
      return rows[0]!.sum
    })
    const { rowCount } = await db.query('UPDATE example_sales SET summed = true WHERE NOT summed')
    console.log(`marks ${rowCount} sales of ${total} on ${await server(db)}`)
  }

  // Every night in an application; here after a moment, and once. What node-cron calls is the same.
  await new Promise<void>((ran, failed) => {
    const timer = setInterval(() => {
      clearInterval(timer)
      router.scope(nightly).then(ran, failed)
    }, 20)
  })
  await router.scope(async () => {
    console.log(`the next run begins on ${await server(db)}`)
  })

  await router.scope(() => db.query('DROP TABLE example_sales'))
  await router.close()
})

async function server(db: Pool): Promise<string> {
  const { rows } = await db.query<{ standby: boolean; port: number }>(
    'SELECT pg_is_in_recovery() AS standby, inet_server_port() AS port',
  )
  return `${rows[0]!.standby ? 'replica' : 'primary'} :${rows[0]!.port}`
}
