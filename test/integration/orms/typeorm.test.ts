import { DataSource } from 'typeorm'
import { expect, it } from 'vitest'
import { driverModule as mysqlModule } from '../../../src/adapters/mysql2'
import { driverModule as pgModule } from '../../../src/adapters/pg'
import { describeOrm } from './describe-orm'
import type { Note, Seen } from './orm-under-test'
import { COMMON, typeorm } from './under-test/typeorm'

describeOrm(typeorm, (dialect, stage) => {
  it('by its `replication` option, migrations are on the primary by themselves, and reads where they belong', async () => {
    const { router, cluster, replicaIds } = stage()
    const schema = dialect === 'mysql' ? 'app.' : ''
    for (const table of ['orm_migrated', 'migrations']) {
      await stage().onPrimary(`DROP TABLE IF EXISTS ${schema}${table}`)
    }
    await cluster.caughtUp()
    const replication = { master: { host: 'default:primary' }, slaves: [{ host: 'default' }] }
    const db = await (
      dialect === 'postgres'
        ? new DataSource({ type: 'postgres', driver: pgModule(router), replication, ...COMMON })
        : new DataSource({ type: 'mysql', driver: mysqlModule(router), replication, ...COMMON })
    ).initialize()
    try {
      await stage().whilePaused(async () => {
        for (let time = 0; time < 2; time++) await stage().scope(() => db.runMigrations())
        expect(await stage().hasTable('orm_migrated')).toBe(true)
        await stage().scope(async () => {
          const notes = db.getRepository<Note>('Note')
          const seen = db.getRepository<Seen>('SeenNote')
          expect(replicaIds).toContain((await seen.findOneByOrFail({ id: 1 })).node)
          const { id } = await notes.save({ body: 'replication' })
          expect(await seen.findOneByOrFail({ id })).toMatchObject({ body: 'replication', node: 'primary' })
        })
      })
    } finally {
      await db.destroy()
    }
  })

  // typeorm/typeorm#5919: what its cache writes when it reads was sent to the replica.
  it('a read that fills its cache in a table writes that on the primary', async () => {
    const { router, replicaIds } = stage()
    const cache = { type: 'database', tableName: 'orm_migrated' } as const
    const schema = dialect === 'mysql' ? 'app.' : ''
    await stage().onPrimary(`DROP TABLE IF EXISTS ${schema}orm_migrated`)
    const options =
      dialect === 'postgres'
        ? ({ type: 'postgres', driver: pgModule(router) } as const)
        : ({ type: 'mysql', driver: mysqlModule(router) } as const)
    const db = new DataSource({ ...options, ...COMMON, cache })
    try {
      await db.initialize()
      // Without one of ours it keeps the runner that it makes.
      const runner = db.createQueryRunner()
      await stage().scope(() => router.primary(() => db.queryResultCache!.synchronize(runner)))
      await runner.release()
      await stage().cluster.caughtUp()
      const refused = stage().refused()
      const read = (): Promise<Seen> =>
        db.getRepository<Seen>('SeenNote').findOneOrFail({ where: { id: 1 }, cache: true })
      const first = await stage().scope(() => stage().writes(read))
      expect(replicaIds).toContain(first.node)
      await stage().cluster.caughtUp()
      expect(await stage().scope(read), 'from the cache').toEqual(first)
      expect(stage().refused()).toBe(refused)
    } finally {
      await db.destroy()
    }
  })
})
