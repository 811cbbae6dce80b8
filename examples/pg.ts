// router.pool() in place of new Pool(): the same calls, each on the server it belongs to.
import type { Pool } from 'pg'
import { createRouter } from '../src' // in an application: 'splitpool'
import { postgres } from '../src/adapters/pg' // 'splitpool/pg'
import { runExample } from './servers'

void runExample('postgres', async ({ servers }) => {
  const router = createRouter({
    databases: {
      default: postgres({ primary: servers.primary, replicas: servers.replicas }),
    },
  })
  const db: Pool = router.pool()

  // A scope is one request, job or message. It picks a replica and keeps it.
  for (let job = 1; job <= 4; job++) {
    await router.scope(async () => {
      console.log(`job ${job} reads from`, await server(db), 'and again from', await server(db))
    })
  }

  // A scope that has written reads from the primary, so it sees what it wrote.
  await router.scope(async () => {
    await db.query('CREATE TABLE IF NOT EXISTS example_notes (id serial PRIMARY KEY, body text NOT NULL)')
    const { rows } = await db.query<{ id: number }>(
      'INSERT INTO example_notes (body) VALUES ($1) RETURNING id',
      ['hello'],
    )
    const found = await db.query<{ body: string }>('SELECT body FROM example_notes WHERE id = $1', [
      rows[0]!.id,
    ])
    console.log('wrote and read back', found.rows[0], 'on', await server(db))
  })

  // A borrowed client chooses its server at its first statement.
  await router.scope(async () => {
    const client = await db.connect()
    console.log('a borrowed client reads from', await server(client))
    await client.query('DROP TABLE example_notes')
    console.log('and stays, once it has written, on', await server(client))
    client.release()
  })

  await db.end()
})

async function server(db: Pick<Pool, 'query'>): Promise<string> {
  const { rows } = await db.query<{ standby: boolean; port: number }>(
    'SELECT pg_is_in_recovery() AS standby, inet_server_port() AS port',
  )
  return `${rows[0]!.standby ? 'replica' : 'primary'} :${rows[0]!.port}`
}
