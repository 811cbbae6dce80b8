// Two databases behind one pool: by the bind key of a model, and by a router in the way of Django's DATABASE_ROUTERS.
import { createRouter, SplitpoolError, type DatabaseRouter, type Model } from '../src' // in an application: 'splitpool'
import { postgres } from '../src/adapters/pg' // 'splitpool/pg'
import { runExample } from './servers'

/** Everything that is about auditing lives in the users database, and is read from its primary. */
class AuditRouter implements DatabaseRouter {
  dbForRead({ table }: Model): string | null {
    return table.startsWith('audit_') ? 'users:primary' : null
  }

  dbForWrite({ table }: Model): string | null {
    return table.startsWith('audit_') ? 'users' : null
  }
}

void runExample('postgres', async ({ servers, users, caughtUp }) => {
  const router = createRouter({
    databases: { default: postgres(servers), users: postgres(users) },
    models: {
      Article: { table: 'example_articles' },
      User: { table: 'example_user', bind: 'users' },
    },
    routers: [AuditRouter],
  })
  const db = router.pool()

  await router.scope(async () => {
    await db.query('CREATE TABLE example_articles (title text, author text)') // in default
    await db.query('CREATE TABLE example_user (name text)') // in users, by the bind key of User
    await db.query('CREATE TABLE audit_logins (name text)') // in users, by the AuditRouter
    await db.query(`INSERT INTO example_articles VALUES ('On pools', 'Ada')`)
    await db.query(`INSERT INTO example_user VALUES ('Ada')`)
    await db.query(`INSERT INTO audit_logins VALUES ('Ada')`)
  })
  await caughtUp()

  await router.scope(async () => {
    for (const table of ['example_articles', 'example_user', 'audit_logins']) {
      const sql = `SELECT current_database() AS database, pg_is_in_recovery() AS replica, t.* FROM ${table} AS t`
      const { rows } = await db.query(sql)
      const { nodeId, databaseRule } = router.explain(sql)
      console.log(`${table}: ${nodeId}, by the rule ${databaseRule};`, rows[0])
    }

    // A frame points everything inside it at a database.
    const { rows } = await router.using('users', () => db.query('SELECT current_database() AS database'))
    console.log('using users:', rows[0])

    try {
      await db.query('SELECT * FROM example_articles JOIN example_user ON name = author')
    } catch (error) {
      if (!(error instanceof SplitpoolError)) throw error
      console.log(`a join across them: ${error.code}: ${error.message}`)
    }
  })

  await router.scope(async () => {
    for (const table of ['example_articles', 'example_user', 'audit_logins'])
      await db.query(`DROP TABLE ${table}`)
  })
  await router.close()
})
