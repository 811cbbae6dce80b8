import { EntitySchema, MikroORM as MysqlOrm } from '@mikro-orm/mysql'
import { MikroORM as PostgresOrm, type SqlEntityManager } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runSql } from '../../servers/run-sql'
import { describeOrm } from './describe-orm'
import type { MysqlRouter, PostgresRouter } from './orm-under-test'
import { decisionsOf } from './stage'
import { mikroOrm, mysqlDialect, postgresDialect } from './under-test/mikro-orm'

interface Moment {
  id: number
  at: Date
  day: string
  big: bigint
  amount: string
  data: { a: number[] }
}

const MOMENT = new EntitySchema<Moment>({
  name: 'Moment',
  tableName: 'mikro_moments',
  properties: {
    id: { type: 'number', primary: true },
    at: { type: 'datetime', length: 3 },
    day: { type: 'date' },
    big: { type: 'bigint' },
    amount: { type: 'decimal', precision: 20, scale: 4 },
    data: { type: 'json' },
  },
})

interface Orm {
  readonly em: SqlEntityManager
  close(): Promise<void>
}

describeOrm(mikroOrm, (dialect, stage) => {
  let routed: Orm
  let bare: Orm

  beforeAll(async () => {
    const { url } = stage().cluster.primary
    await runSql(url, 'DROP TABLE IF EXISTS mikro_moments')
    await runSql(
      url,
      `CREATE TABLE mikro_moments (id int PRIMARY KEY, at ${dialect === 'mysql' ? 'datetime(3)' : 'timestamptz(3)'},
         day date, big bigint, amount decimal(20, 4), data ${dialect === 'mysql' ? 'json' : 'jsonb'})`,
    )
    const shared = { dbName: 'app', entities: [MOMENT] }
    // MikroORM's own splitting, which has no say: the servers are the router's to know.
    const own = { preferReadReplicas: true, replicas: [{ host: 'nowhere.invalid' }] }
    if (dialect === 'mysql') {
      const client = mysqlDialect(stage().router as MysqlRouter)
      routed = await MysqlOrm.init({ ...shared, ...own, driverOptions: { client } })
      bare = await MysqlOrm.init({ ...shared, clientUrl: url })
    } else {
      const client = postgresDialect(stage().router as PostgresRouter)
      routed = await PostgresOrm.init({ ...shared, ...own, driverOptions: { client } })
      bare = await PostgresOrm.init({ ...shared, clientUrl: url })
    }
  })

  afterAll(async () => {
    await routed.close()
    await bare.close()
    await runSql(stage().cluster.primary.url, 'DROP TABLE IF EXISTS mikro_moments')
  })

  const moment = (id: number): Moment => ({
    id,
    at: new Date('2024-02-29T12:34:56.789Z'),
    day: '2024-02-29',
    big: 9007199254740993n,
    amount: '1234567890123456.7891',
    data: { a: [1, 2] },
  })

  it('types are those that it reads over a pool of its own', async () => {
    await stage().scope(() =>
      stage().router.primary(async () => {
        for (const [id, { em }] of [routed, bare].entries()) {
          const fork = em.fork()
          fork.create(MOMENT, moment(id))
          await fork.flush()
        }
        const read = async ({ em }: Orm): Promise<unknown> => [
          (await em.fork().find(MOMENT, {}, { orderBy: { id: 'asc' } })).map((row) => ({ ...row })),
          await em.fork().execute('SELECT * FROM mikro_moments ORDER BY id'),
          await em
            .fork()
            .createQueryBuilder(MOMENT)
            .select(['at', 'day'])
            .where({ id: 1 })
            .execute('get', false),
        ]
        const [byRouted, byBare] = [await read(routed), await read(bare)]
        expect(byRouted).toEqual(byBare)
        const [rows] = byRouted as [Moment[]]
        expect(rows.map((row) => ({ ...row, id: 0 }))).toEqual([moment(0), moment(0)])
      }),
    )
  })

  it('what the identity map has is not asked for again', async () => {
    await stage().cluster.caughtUp()
    await stage().scope(async () => {
      const em = routed.em.fork()
      const first = await em.findOneOrFail(MOMENT, 1)
      const { result, decisions } = await decisionsOf(() => em.findOneOrFail(MOMENT, 1))
      expect(result).toBe(first)
      expect(decisions).toEqual([])
    })
  })

  it("MikroORM's own replicas and connection types decide nothing: the router does", async () => {
    await stage().cluster.caughtUp()
    await stage().scope(async () => {
      const read = (connectionType: 'read' | 'write'): Promise<unknown> =>
        routed.em.fork().find(MOMENT, {}, { connectionType })
      const { decisions: reads } = await decisionsOf(async () => {
        await read('write')
        await read('read')
      })
      expect(reads.map(({ role }) => role)).toEqual(['replica', 'replica'])
      expect(reads[0]!.nodeId).toBe(reads[1]!.nodeId)
      const { decisions: writes } = await decisionsOf(async () => {
        await routed.em.fork().getConnection('read').execute('UPDATE mikro_moments SET big = 1 WHERE id = -1')
        await read('read')
      })
      expect(writes.map(({ role, rule }) => [role, rule])).toEqual([
        ['primary', 'not-a-read'],
        ['primary', 'own-writes'],
      ])
    })
  })

  it('a flush is one transaction on the primary, whatever it reads before', async () => {
    const { decisions } = await decisionsOf(() =>
      stage().scope(async () => {
        const em = routed.em.fork()
        const row = await em.findOneOrFail(MOMENT, 1)
        row.big = 7n
        em.create(MOMENT, moment(7))
        await em.flush()
      }),
    )
    const [read, ...flushed] = decisions
    expect(read).toMatchObject({ role: 'replica', intent: 'read' })
    expect(flushed.map(({ role }) => role)).toEqual(flushed.map(() => 'primary'))
    const intents = flushed.map(({ intent }) => intent)
    expect([intents[0], intents.at(-1)]).toEqual(['transaction', 'transaction'])
    expect(intents.slice(1, -1)).toEqual(['write', 'write'])
  })
})
