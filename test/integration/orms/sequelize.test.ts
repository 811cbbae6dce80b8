import { expect, it } from 'vitest'
import { describeOrm } from './describe-orm'
import { define, over, sequelize } from './under-test/sequelize'

describeOrm(sequelize, (dialect, stage) => {
  // What `replication` reads from a replica (sequelize/sequelize#7844, #9216).
  it('reload() and upsert() see what was saved, while the replicas stand still', async () => {
    const { router } = stage()
    const db = over(dialect, router)
    const { notes } = define(db)
    await stage().whilePaused(() =>
      stage().scope(async () => {
        const note = await notes.create({ body: 'made' })
        await notes.update({ body: 'changed' }, { where: { id: note.get('id') } })
        expect((await note.reload()).get('body')).toBe('changed')
        await notes.upsert({ id: note.get('id'), body: 'upserted' })
        expect((await notes.findByPk(note.get('id') as number))?.get('body')).toBe('upserted')
      }),
    )
    await db.close()
  })

  it('sync() in router.primary finds its tables, while the replicas stand still', async () => {
    const { router } = stage()
    const db = over(dialect, router)
    const made = db.define('made', {}, { tableName: 'orm_migrated' })
    await stage().whilePaused(async () => {
      for (let time = 0; time < 2; time++) {
        await stage().scope(() => router.primary(() => made.sync()))
      }
    })
    expect(await stage().hasTable('orm_migrated')).toBe(true)
    await db.close()
  })
})
