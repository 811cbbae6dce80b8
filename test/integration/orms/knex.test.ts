import { expect, it } from 'vitest'
import { describeOrm } from './describe-orm'
import type { PostgresRouter } from './orm-under-test'
import { knex, over } from './under-test/knex'

describeOrm(knex, (_dialect, stage) => {
  it('a queryContext that is used for other things reaches the hooks, and changes nothing', async () => {
    const seen: unknown[] = []
    const db = over(stage().router as PostgresRouter, {
      postProcessResponse: (response: unknown, context: unknown) => {
        seen.push(context)
        return response
      },
    })
    const context = { useMaster: true, tenant: 7 }
    const rows = await stage().scope(
      async () => await db('orm_seen_notes').where({ id: 1 }).queryContext(context),
    )
    expect(seen).toEqual([context])
    expect(stage().replicaIds).toContain((rows as { node: string }[])[0]!.node)
    await db.destroy()
  })

  it('a schema builder of several statements goes to the primary', async () => {
    const db = over(stage().router as PostgresRouter)
    await stage().scope(() =>
      stage().writes(() =>
        db.schema
          .createTable('orm_several', (table) => {
            table.integer('id').index()
            table.integer('other').index()
          })
          .dropTable('orm_several'),
      ),
    )
    expect(await stage().hasTable('orm_several')).toBe(false)
    await db.destroy()
  })

  it('its events come from the client that the application made, and name the node', async () => {
    const db = over(stage().router as PostgresRouter)
    const nodes: unknown[] = []
    db.on('query-response', (_rows: unknown, { node }: { node?: string }) => nodes.push(node))
    const { node } = (await stage().scope(() => db('orm_seen_notes').where({ id: 1 }).first())) as {
      node: string
    }
    expect(nodes).toEqual([`default:${node}`])
    await db.destroy()
  })
})
