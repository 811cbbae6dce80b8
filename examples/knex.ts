// knexClient() in place of Knex's own client: builders, schema, migrations, transactions and streams are Knex's.
import createKnex, { type Knex } from 'knex'
import { createRouter } from '../src' // in an application: 'splitpool'
import { knexClient } from '../src/adapters/knex' // 'splitpool/knex'
import { postgres } from '../src/adapters/pg' // 'splitpool/pg'
import { runExample } from './servers'

void runExample('postgres', async ({ servers }) => {
  const router = createRouter({
    databases: { default: postgres({ primary: servers.primary, replicas: servers.replicas }) },
  })
  const knex = createKnex({ client: knexClient(router), pool: { max: 5 } })

  // DDL and migrations go to the primary, whole.
  await knex.schema.createTable('example_notes', (table) => {
    table.increments('id')
    table.string('body').notNullable()
  })

  for (let job = 1; job <= 4; job++) {
    await router.scope(async () => {
      console.log(`job ${job} reads from`, await server(knex), 'and again from', await server(knex))
    })
  }

  await router.scope(async () => {
    const [made] = await knex('example_notes').insert({ body: 'hello' }).returning<{ id: number }[]>('id')
    const found: unknown = await knex('example_notes').first('body').where({ id: made!.id })
    console.log('wrote and read back', found, 'on', await server(knex))
  })

  // The events of Knex's say which node served a query.
  knex.on('query-response', (_rows: unknown, query: { sql: string; node?: string }) => {
    console.log(`  ${query.node}: ${query.sql}`)
  })
  await router.scope(() =>
    knex.transaction(async (tx) => {
      await tx('example_notes').where({ body: 'hello' }).update({ body: 'hello again' })
      console.log('a transaction is on', await server(tx))
    }),
  )
  await router.scope(() =>
    knex.transaction(
      async (tx) => {
        console.log('a read-only transaction is on', await server(tx))
      },
      { readOnly: true },
    ),
  )

  await knex.schema.dropTable('example_notes')
  await knex.destroy()
  await router.close()
})

async function server(knex: Knex): Promise<string> {
  const { rows } = await knex.raw<{ rows: { standby: boolean; port: number }[] }>(
    'SELECT pg_is_in_recovery() AS standby, inet_server_port() AS port',
  )
  return `${rows[0]!.standby ? 'replica' : 'primary'} :${rows[0]!.port}`
}
