// Drizzle over router.pool(), without withReplicas(): also CTEs that write, locks and the outer handle go where they belong.
import { eq, sql } from 'drizzle-orm'
import { drizzle, type NodePgQueryResultHKT } from 'drizzle-orm/node-postgres'
import { pgTable, serial, text, type PgDatabase } from 'drizzle-orm/pg-core'
import { createRouter } from '../src' // in an application: 'splitpool'
import { postgres } from '../src/adapters/pg' // 'splitpool/pg'
import { runExample } from './servers'

const notes = pgTable('example_notes', { id: serial().primaryKey(), body: text().notNull() })

void runExample('postgres', async ({ servers }) => {
  const router = createRouter({
    databases: { default: postgres({ primary: servers.primary, replicas: servers.replicas }) },
  })
  const db = drizzle({ client: router.pool() })

  await db.execute(sql`CREATE TABLE example_notes (id serial PRIMARY KEY, body text NOT NULL)`)

  for (let job = 1; job <= 4; job++) {
    await router.scope(async () => {
      console.log(`job ${job} reads from`, await server(db), 'and again from', await server(db))
    })
  }

  await router.scope(async () => {
    const [made] = await db.insert(notes).values({ body: 'hello' }).returning()
    const [found] = await db.select({ body: notes.body }).from(notes).where(eq(notes.id, made!.id))
    console.log('wrote and read back', found, 'on', await server(db))
  })

  await router.scope(() =>
    db.transaction(async (tx) => {
      await tx.update(notes).set({ body: 'hello again' })
      console.log('a transaction is on', await server(tx), 'and the outer handle on', await server(db))
    }),
  )
  await router.scope(() =>
    db.transaction(
      async (tx) => {
        console.log('a read-only transaction is on', await server(tx))
      },
      { accessMode: 'read only' },
    ),
  )

  await db.execute(sql`DROP TABLE example_notes`)
  await db.$client.end()
})

async function server(db: PgDatabase<NodePgQueryResultHKT>): Promise<string> {
  const { rows } = await db.execute<{ standby: boolean; port: number }>(
    sql`SELECT pg_is_in_recovery() AS standby, inet_server_port() AS port`,
  )
  return `${rows[0]!.standby ? 'replica' : 'primary'} :${rows[0]!.port}`
}
