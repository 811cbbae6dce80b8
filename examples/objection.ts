// Objection over Knex over splitpool: models as they are.
import createKnex from 'knex'
import { Model, raw } from 'objection'
import { createRouter } from '../src' // in an application: 'splitpool'
import { knexClient } from '../src/adapters/knex' // 'splitpool/knex'
import { mysql } from '../src/adapters/mysql2' // 'splitpool/mysql2'
import { runExample } from './servers'

class Note extends Model {
  static override tableName = 'example_notes'
  declare id: number
  declare body: string
}

void runExample('mysql', async ({ servers, caughtUp }) => {
  const router = createRouter({
    databases: { default: mysql({ primary: servers.primary, replicas: servers.replicas }) },
  })
  const knex = createKnex({ client: knexClient(router) })
  Model.knex(knex)

  await knex.schema.createTable('example_notes', (table) => {
    table.increments('id')
    table.string('body').notNullable()
  })
  await Note.query().insert({ body: 'first' })
  await caughtUp()

  for (let job = 1; job <= 4; job++) {
    await router.scope(async () => {
      console.log(`job ${job} reads from`, await server(), 'and again from', await server())
    })
  }

  await router.scope(async () => {
    const { id } = await Note.query().insert({ body: 'hello' })
    const { body } = await Note.query().findById(id).throwIfNotFound()
    console.log('wrote and read back', { body }, 'on', await server())
  })

  await router.scope(() =>
    Note.transaction(async (tx) => {
      await Note.query(tx).patch({ body: 'hello again' }).where({ body: 'hello' })
      console.log('a transaction is on', await server(tx))
    }),
  )

  await knex.schema.dropTable('example_notes')
  await knex.destroy()
  await router.close()

  async function server(on: Parameters<typeof Note.query>[0] = knex): Promise<string> {
    const row = await Note.query(on)
      .select(raw('@@super_read_only AS readOnly'), raw('@@port AS port'))
      .first()
      .castTo<{ readOnly: number; port: number }>()
    return `${row.readOnly === 1 ? 'replica' : 'primary'} :${row.port}`
  }
})
