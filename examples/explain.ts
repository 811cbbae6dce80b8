// Where does it go, and why? router.explain answers without running anything, and every statement that runs is told on
// a channel of node:diagnostics_channel.
import { subscribe } from 'node:diagnostics_channel'
import { classify, createRouter, type StatementEvent } from '../src' // in an application: 'splitpool'
import { postgres } from '../src/adapters/pg' // 'splitpool/pg'
import { runExample } from './servers'

void runExample('postgres', async ({ servers, users }) => {
  const router = createRouter({
    databases: { default: postgres(servers), users: postgres(users) },
    models: { User: { table: 't_user', bind: 'users' } },
  })

  console.log('explained:')
  router.scope(() => {
    for (const sql of [
      'SELECT * FROM articles',
      'SELECT * FROM t_user',
      'SELECT * FROM articles FOR UPDATE',
      `WITH old AS (DELETE FROM articles RETURNING *) SELECT count(*) FROM old`,
      `SELECT nextval('articles_id_seq')`,
      '/* splitpool: users:primary */ SELECT 1',
    ]) {
      const { nodeId, rule, reason, databaseRule } = router.explain(sql)
      console.log(`  ${sql}\n    → ${nodeId}; ${rule}: ${reason}; database by ${databaseRule}`)
    }
  })

  // The classifier on its own, without a router.
  const { intent, reason, tables } = classify('SELECT * FROM articles LIMIT 1 FOR SHARE', 'postgres')
  console.log('classified:', { intent, reason, tables })

  console.log('run:')
  subscribe('splitpool:statement', (event) => {
    const { sql, decision, durationMs, error } = event as StatementEvent
    const outcome = error instanceof Error ? error.message : `${durationMs.toFixed(1)} ms`
    console.log(`  ${decision.nodeId} (${decision.rule}) ${sql ?? 'not shown'}: ${outcome}`)
  })
  await router.scope(async () => {
    const db = router.pool()
    await db.query('SELECT now()')
    await db.query('SELECT 1 / 0').catch(() => undefined)
    await router.primary(() => db.query('SELECT now()'))
    await router.transaction((tx) => tx.query('SELECT now()'), { readOnly: true })
  })

  console.log('counted:', router.stats().rules)
  await router.close()
})
