import { eq, sql } from 'drizzle-orm'
import { drizzle as open } from 'drizzle-orm/node-postgres'
import { expect, it } from 'vitest'
import { describeOrm } from './describe-orm'
import type { PostgresRouter } from './orm-under-test'
import { drizzle } from './under-test/drizzle'
import { notes } from './under-test/drizzle-postgres'

describeOrm(drizzle, (dialect, stage) => {
  if (dialect !== 'postgres') return

  // What `withReplicas` sends to a replica (drizzle-team/drizzle-orm#4185).
  it.each(['insert', 'update', 'delete'] as const)('db.with(cte).%s() goes to the primary', async (write) => {
    const on = stage()
    const db = open({ client: (on.router as PostgresRouter).pool() })
    const name = `with ${write}`
    await on.scope(() => db.insert(notes).values({ body: name }))
    await on.cluster.caughtUp()
    const w = db.$with('w').as(db.select({ body: notes.body }).from(notes).where(eq(notes.body, name)))
    const body = sql`(SELECT body || ', after' FROM w LIMIT 1)`
    const named = eq(notes.body, sql`(SELECT body FROM w LIMIT 1)`)
    await on.scope(() =>
      on.writes(async () => {
        if (write === 'insert') await db.with(w).insert(notes).values({ body })
        else if (write === 'update') await db.with(w).update(notes).set({ body }).where(named)
        else await db.with(w).delete(notes).where(named)
      }),
    )
    const after = { insert: [name, `${name}, after`], update: [`${name}, after`], delete: [] }
    expect(await on.bodies(name)).toEqual(after[write])
  })
})
