// driverModule() as Sequelize's dialectModule: Sequelize makes its connections itself, and they are routed.
import { DataTypes, QueryTypes, Sequelize, type Transaction } from 'sequelize'
import { createRouter } from '../src' // in an application: 'splitpool'
import { driverModule, postgres } from '../src/adapters/pg' // 'splitpool/pg'
import { runExample } from './servers'

void runExample('postgres', async ({ servers }) => {
  const router = createRouter({
    databases: { default: postgres({ primary: servers.primary, replicas: servers.replicas }) },
  })
  const db = new Sequelize({ dialect: 'postgres', dialectModule: driverModule(router), logging: false })
  const notes = db.define('note', { body: DataTypes.TEXT }, { tableName: 'example_notes', timestamps: false })

  // Sequelize looks at what there is and goes by it, so all of it belongs on the primary.
  await router.primary(() => db.sync())

  for (let job = 1; job <= 4; job++) {
    await router.scope(async () => {
      console.log(`job ${job} reads from`, await server(), 'and again from', await server())
    })
  }

  await router.scope(async () => {
    const made = await notes.create({ body: 'hello' })
    const found = await notes.findByPk(made.get('id') as number, { attributes: ['body'], raw: true })
    console.log('wrote and read back', found, 'on', await server())
  })

  await router.scope(() =>
    db.transaction(async (transaction) => {
      await notes.update({ body: 'hello again' }, { where: {}, transaction })
      console.log('a transaction is on', await server(transaction), 'and the outer handle on', await server())
    }),
  )

  await notes.drop()
  await db.close()
  await router.close()

  async function server(transaction: Transaction | null = null): Promise<string> {
    const [row] = await db.query<{ standby: boolean; port: number }>(
      'SELECT pg_is_in_recovery() AS standby, inet_server_port() AS port',
      { type: QueryTypes.SELECT, transaction },
    )
    return `${row!.standby ? 'replica' : 'primary'} :${row!.port}`
  }
})
