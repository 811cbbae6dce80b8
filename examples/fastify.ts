// The plugin for Fastify: each request reads from one replica and reads its own writes; routes say more in their config.
import createFastify, { type FastifyInstance } from 'fastify'
import type { Pool } from 'pg'
import { createRouter, SplitpoolError, type Router } from '../src' // in an application: 'splitpool'
import { postgres } from '../src/adapters/pg' // 'splitpool/pg'
import { splitpool, type SplitpoolPluginOptions } from '../src/web/fastify' // 'splitpool/fastify'
import { runExample, tagged } from './servers'

async function createApp(
  router: SplitpoolPluginOptions['router'] & Pick<Router, 'explain'>,
  db: Pool,
): Promise<FastifyInstance> {
  const app = createFastify({ forceCloseConnections: true })
  // The application owns the router here, so it closes it too.
  await app.register(splitpool, {
    router,
    skip: ['/static'],
    safeMethods: true,
    close: true,
  })

  app.get('/static/style.css', (_request, reply) => reply.type('text/css').send('body {}'))

  app.get('/articles', async () => {
    const { rows } = await db.query('SELECT title FROM example_articles ORDER BY title')
    return { titles: rows.length, servers: [await server(db), await server(db)] }
  })

  app.post<{ Body: { title: string } }>('/articles', async ({ body }, reply) => {
    const before = await server(db)
    await db.query('INSERT INTO example_articles VALUES ($1)', [body.title])
    const { rows } = await db.query('SELECT title FROM example_articles WHERE title = $1', [body.title])
    return reply.code(201).send({ found: rows, servers: [before, await server(db)] })
  })

  const reports = { splitpool: { readOnly: true, readFrom: ['reports', '*'] } }
  app.get('/reports', { config: reports }, async () => ({
    servers: [await server(db)],
    node: router.explain('SELECT 1').nodeId,
  }))
  app.get('/reports/careless', { config: reports }, async () => {
    await db.query('DELETE FROM example_articles')
    return { servers: [await server(db)] }
  })

  app.setErrorHandler((error, _request, reply) => {
    // The code, not the message: that shows the statement.
    if (!(error instanceof SplitpoolError && error.code === 'ERR_READ_ONLY')) throw error
    return reply.code(403).send({ error: error.code })
  })
  return app
}

void runExample('postgres', async ({ servers, caughtUp }) => {
  const { primary, replicas } = tagged(servers)
  // In turns rather than by chance, so that one sees that each request chooses anew.
  const database = postgres({ primary, replicas, balancer: 'roundRobin' })
  const router = createRouter({ databases: { default: database } })
  const db = router.pool()
  await router.scope(() => db.query('CREATE TABLE example_articles (title text)'))
  await caughtUp()

  const app = await createApp(router, db)
  const base = await app.listen({ host: '127.0.0.1', port: 0 })
  const ask = async (method: string, path: string, body?: object): Promise<void> => {
    const headers = { 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { headers, body: JSON.stringify(body) }
    const response = await fetch(new URL(path, base), { method, ...sent })
    console.log(`${method} ${path}: ${response.status} ${await response.text()}`)
  }
  for (let request = 1; request <= 2; request++) await ask('GET', '/articles')
  await ask('POST', '/articles', { title: 'On pools' })
  await ask('GET', '/reports')
  await ask('GET', '/reports/careless')
  console.log(`${router.stats().scopes} scopes so far`)
  await ask('GET', '/static/style.css')
  console.log(`${router.stats().scopes} scopes so far`)

  await router.scope(() => db.query('DROP TABLE example_articles'))
  await app.close()
  await db.query('SELECT 1').catch((error: unknown) => {
    console.log('the router is closed with the application:', (error as Error).message)
  })
})

async function server(db: Pool): Promise<string> {
  const { rows } = await db.query<{ standby: boolean; port: number }>(
    'SELECT pg_is_in_recovery() AS standby, inet_server_port() AS port',
  )
  return `${rows[0]!.standby ? 'replica' : 'primary'} :${rows[0]!.port}`
}
