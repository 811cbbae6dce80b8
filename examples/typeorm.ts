// driverModule() as TypeORM's driver: TypeORM makes its pool itself, and that is routed.
import { DataSource, EntitySchema, type EntityManager } from 'typeorm'
import { createRouter } from '../src' // in an application: 'splitpool'
import { driverModule, mysql } from '../src/adapters/mysql2' // 'splitpool/mysql2'
import { runExample } from './servers'

interface Note {
  id: number
  body: string
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- a literal in TypeORM's manual too
const notes = new EntitySchema<Note>({
  name: 'Note',
  tableName: 'example_notes',
  columns: { id: { type: 'int', primary: true, generated: 'increment' }, body: { type: 'varchar' } },
})

void runExample('mysql', async ({ servers }) => {
  const router = createRouter({
    databases: { default: mysql({ primary: servers.primary, replicas: servers.replicas }) },
  })
  const db = new DataSource({ type: 'mysql', driver: driverModule(router), entities: [notes] })
  await db.initialize()

  // TypeORM looks at what there is and goes by it, so all of it belongs on the primary; runMigrations() likewise.
  await router.primary(() => db.synchronize())

  for (let job = 1; job <= 4; job++) {
    await router.scope(async () => {
      console.log(`job ${job} reads from`, await server(db), 'and again from', await server(db))
    })
  }

  await router.scope(async () => {
    const { id } = await db.getRepository(notes).save({ body: 'hello' })
    const { body } = await db.getRepository(notes).findOneByOrFail({ id })
    console.log('wrote and read back', { body }, 'on', await server(db))
  })

  await router.scope(() =>
    db.transaction(async (tx) => {
      await tx.getRepository(notes).update({ body: 'hello' }, { body: 'hello again' })
      console.log('a transaction is on', await server(tx), 'and the outer handle on', await server(db))
    }),
  )

  await db.query('DROP TABLE example_notes')
  await db.destroy()
  await router.close()
})

async function server(db: Pick<EntityManager, 'query'>): Promise<string> {
  const [row] = await db.query<{ readOnly: string; port: string }[]>(
    'SELECT @@super_read_only AS readOnly, @@port AS port',
  )
  return `${row!.readOnly === '1' ? 'replica' : 'primary'} :${row!.port}`
}
