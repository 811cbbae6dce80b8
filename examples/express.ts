// requestScope: each request of an Express application reads from one replica, and reads its own writes.
import express, { type ErrorRequestHandler, type Express } from 'express'
import type { Pool } from 'pg'
import { createRouter, SplitpoolError, type Router, type RouterStats } from '../src' // in an application: 'splitpool'
import { postgres } from '../src/adapters/pg' // 'splitpool/pg'
import { requestScope, type ScopeSource } from '../src/web/express' // 'splitpool/express'
import { serving } from './demo/serving'
import { runExample, tagged } from './servers'

function createApp(router: ScopeSource & Pick<Router, 'explain'>, db: Pool): Express {
  const app = express()
  // First of all, so that all that follows is in the scope; what is static needs none.
  app.use(requestScope(router, { skip: ['/static'], safeMethods: true }))
  app.use(express.json())

  app.get('/static/style.css', (_request, response) => {
    response.type('css').send('body {}')
  })

  app.get('/articles', async (_request, response) => {
    const { rows } = await db.query('SELECT title FROM example_articles ORDER BY title')
    response.json({ titles: rows.length, servers: [await server(db), await server(db)] })
  })

  app.post('/articles', async (request, response) => {
    const { title } = request.body as { title: string }
    // This request will write, so safeMethods has it read from the primary from its beginning.
    const before = await server(db)
    await db.query('INSERT INTO example_articles VALUES ($1)', [title])
    const { rows } = await db.query('SELECT title FROM example_articles WHERE title = $1', [title])
    response.status(201).json({ found: rows, servers: [before, await server(db)] })
  })

  // Heavy reading has replicas of its own, and may not write by mistake.
  const reports = express.Router()
  reports.use(requestScope(router, { readOnly: true, readFrom: ['reports', '*'] }))
  reports.get('/', async (_request, response) => {
    response.json({ servers: [await server(db)], node: router.explain('SELECT 1').nodeId })
  })
  reports.get('/careless', async (_request, response) => {
    await db.query('DELETE FROM example_articles')
    response.json({ servers: [await server(db)] })
  })
  app.use('/reports', reports)

  app.use(answerError)
  return app
}

// The code, not the message: that shows the statement.
const answerError: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (error instanceof SplitpoolError && error.code === 'ERR_READ_ONLY')
    response.status(403).json({ error: error.code })
  else next(error)
}

void runExample('postgres', async ({ servers, caughtUp }) => {
  const { primary, replicas } = tagged(servers)
  // In turns rather than by chance, so that one sees that each request chooses anew.
  const database = postgres({ primary, replicas, balancer: 'roundRobin' })
  const router = createRouter({ databases: { default: database } })
  const db = router.pool()
  await router.scope(() => db.query('CREATE TABLE example_articles (title text)'))
  await caughtUp()

  await serving(createApp(router, db), async (base) => {
    const ask = async (method: string, path: string, body?: object): Promise<void> => {
      const headers = { 'content-type': 'application/json' }
      const sent = body === undefined ? {} : { headers, body: JSON.stringify(body) }
      const response = await fetch(new URL(path, base), { method, ...sent })
      console.log(`${method} ${path}: ${response.status} ${await response.text()}`)
    }
    const scopes = ({ scopes }: RouterStats): string => `${scopes} scopes so far`
    for (let request = 1; request <= 2; request++) await ask('GET', '/articles')
    await ask('POST', '/articles', { title: 'On pools' })
    await ask('GET', '/reports')
    await ask('GET', '/reports/careless')
    console.log(scopes(router.stats()))
    await ask('GET', '/static/style.css')
    console.log(scopes(router.stats()))
  })

  await router.scope(() => db.query('DROP TABLE example_articles'))
  await router.close()
})

async function server(db: Pool): Promise<string> {
  const { rows } = await db.query<{ standby: boolean; port: number }>(
    'SELECT pg_is_in_recovery() AS standby, inet_server_port() AS port',
  )
  return `${rows[0]!.standby ? 'replica' : 'primary'} :${rows[0]!.port}`
}
