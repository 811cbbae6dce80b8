// Kysely over router.pool(): the dialect that Kysely has, and every statement on the server it belongs to.
import { Kysely, PostgresDialect, sql, type Generated } from 'kysely'
import { createRouter } from '../src' // in an application: 'splitpool'
import { postgres } from '../src/adapters/pg' // 'splitpool/pg'
import { runExample } from './servers'

interface Tables {
  example_notes: { id: Generated<number>; body: string }
}

void runExample('postgres', async ({ servers }) => {
  const router = createRouter({
    databases: { default: postgres({ primary: servers.primary, replicas: servers.replicas }) },
  })
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: router.pool() }) })

  await db.schema
    .createTable('example_notes')
    .addColumn('id', 'serial', (column) => column.primaryKey())
    .addColumn('body', 'text', (column) => column.notNull())
    .execute()

  for (let job = 1; job <= 4; job++) {
    await router.scope(async () => {
      console.log(`job ${job} reads from`, await server(db), 'and again from', await server(db))
    })
  }

  await router.scope(async () => {
    const { id } = await db
      .insertInto('example_notes')
      .values({ body: 'hello' })
      .returning('id')
      .executeTakeFirstOrThrow()
    const found = await db.selectFrom('example_notes').select('body').where('id', '=', id).executeTakeFirst()
    console.log('wrote and read back', found, 'on', await server(db))
  })

  await router.scope(() =>
    db.transaction().execute(async (tx) => {
      await tx.updateTable('example_notes').set({ body: 'hello again' }).execute()
      console.log('a transaction is on', await server(tx))
    }),
  )
  await router.scope(() =>
    db
      .transaction()
      .setAccessMode('read only')
      .execute(async (tx) => {
        console.log('a read-only transaction is on', await server(tx))
      }),
  )

  await db.schema.dropTable('example_notes').execute()
  await db.destroy()
})

async function server(db: Kysely<Tables>): Promise<string> {
  const where = sql<{ standby: boolean; port: number }>`
    SELECT pg_is_in_recovery() AS standby, inet_server_port() AS port`
  const { rows } = await where.execute(db)
  return `${rows[0]!.standby ? 'replica' : 'primary'} :${rows[0]!.port}`
}
