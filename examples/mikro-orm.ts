// MikroORM makes its Knex itself, and that its driver: a dialect whose driver is driverModule().
import {
  Collection,
  EntitySchema,
  MikroORM,
  PostgreSqlKnexDialect,
  type Options,
  type SqlEntityManager,
} from '@mikro-orm/postgresql'
import { createRouter } from '../src' // in an application: 'splitpool'
import { driverModule, postgres } from '../src/adapters/pg' // 'splitpool/pg'
import { runExample } from './servers'

class Author {
  id!: number
  name!: string
  readonly notes = new Collection<Note>(this)
}

class Note {
  id!: number
  body!: string
  author!: Author
}

const entities = [
  new EntitySchema<Author>({
    class: Author,
    tableName: 'example_authors',
    properties: {
      id: { type: 'number', primary: true },
      name: { type: 'string' },
      notes: { kind: '1:m', entity: () => Note, mappedBy: 'author' },
    },
  }),
  new EntitySchema<Note>({
    class: Note,
    tableName: 'example_notes',
    properties: {
      id: { type: 'number', primary: true },
      body: { type: 'string' },
      author: { kind: 'm:1', entity: () => Author },
    },
  }),
]

void runExample('postgres', async ({ servers, caughtUp }) => {
  const router = createRouter({
    databases: { default: postgres({ primary: servers.primary, replicas: servers.replicas }) },
  })

  // On MySQL: MySqlKnexDialect of '@mikro-orm/mysql', and driverModule of 'splitpool/mysql2'.
  class RoutedDialect extends PostgreSqlKnexDialect {
    _driver(): unknown {
      return driverModule(router)
    }
  }
  // `replicas` and `preferReadReplicas` are MikroORM's own splitting; they stay unset. The router knows the servers.
  const options: Options = { dbName: 'app', entities, driverOptions: { client: RoutedDialect } }

  // The schema generator and the migrator compare before they write, and what they compare with must not be a replica's
  // past. They also send SET, and a connection that has something to remember stays on the primary from then on: so
  // they get connections of their own, which end.
  const setUp = await MikroORM.init(options)
  await router.primary(() => setUp.schema.updateSchema({ dropTables: false }))
  await setUp.close()
  await caughtUp()

  const orm = await MikroORM.init(options)
  for (let job = 1; job <= 4; job++) {
    await router.scope(async () => {
      const em = orm.em.fork()
      console.log(`job ${job} reads from`, await server(em), 'and again from', await server(em))
    })
  }

  await router.scope(async () => {
    const em = orm.em.fork()
    const ada = em.create(Author, { name: 'Ada' })
    em.create(Note, { body: 'hello', author: ada })
    await em.flush()
    const [found] = await orm.em.fork().find(Author, { name: 'Ada' }, { populate: ['notes'] })
    const { body } = found!.notes[0]!
    console.log('wrote and read back', { body }, 'on', await server(em))
  })

  await router.scope(async () => {
    await orm.em.fork().transactional(async (em) => {
      const note = await em.findOneOrFail(Note, { body: 'hello' })
      note.body = 'hello again'
      console.log('a transaction is on', await server(em))
    })
  })
  await caughtUp()
  await router.scope(() =>
    orm.em.fork().transactional(
      async (em) => {
        const { body } = await em.findOneOrFail(Note, { author: { name: 'Ada' } })
        console.log(`a read-only transaction finds ${JSON.stringify(body)} on`, await server(em))
      },
      { readOnly: true },
    ),
  )

  await orm.em.fork().execute('DROP TABLE example_notes, example_authors')
  await orm.close()
  await router.close()
})

async function server(em: SqlEntityManager): Promise<string> {
  const [row] = await em.execute<{ standby: boolean; port: number }[]>(
    'SELECT pg_is_in_recovery() AS standby, inet_server_port() AS port',
  )
  return `${row!.standby ? 'replica' : 'primary'} :${row!.port}`
}
