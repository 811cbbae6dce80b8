// A WebSocket server: a connection lives for hours, so it is each message that is a scope.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Pool } from 'pg'
import { WebSocket, WebSocketServer } from 'ws'
import { createRouter } from '../src' // in an application: 'splitpool'
import { postgres } from '../src/adapters/pg' // 'splitpool/pg'
import { runExample } from './servers'

void runExample('postgres', async ({ servers, caughtUp }) => {
  const router = createRouter({ databases: { default: postgres(servers) } })
  const db: Pool = router.pool()
  await router.scope(() => db.query('CREATE TABLE example_chat (line text)'))
  await caughtUp()

  async function answer(line: string): Promise<string> {
    if (line.startsWith('?')) return `reads from ${await server(db)} and again from ${await server(db)}`
    await db.query('INSERT INTO example_chat VALUES ($1)', [line])
    const { rowCount } = await db.query('SELECT 1 FROM example_chat WHERE line = $1', [line])
    return `writes, and finds ${rowCount} line on ${await server(db)}`
  }

  const serving = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  serving.on('connection', (socket, request) => {
    const attributes = { user: request.headers['x-user'] }
    socket.on('message', (data: Buffer) => {
      const answered = router.scope(() => answer(data.toString()), { attributes })
      answered.then(
        (text) => {
          socket.send(text)
        },
        () => {
          socket.close(1011)
        },
      )
    })
  })
  await once(serving, 'listening')

  const { port } = serving.address() as AddressInfo
  const client = new WebSocket(`ws://127.0.0.1:${port}`, { headers: { 'x-user': 'ada' } })
  await once(client, 'open')
  for (const line of ['?', 'hello', '?', '?']) {
    client.send(line)
    const [data] = (await once(client, 'message')) as [Buffer]
    console.log(`message ${JSON.stringify(line)} ${data.toString()}`)
  }
  client.close()
  await once(client, 'close')
  serving.close()

  await router.scope(() => db.query('DROP TABLE example_chat'))
  await router.close()
})

async function server(db: Pool): Promise<string> {
  const { rows } = await db.query<{ standby: boolean; port: number }>(
    'SELECT pg_is_in_recovery() AS standby, inet_server_port() AS port',
  )
  return `${rows[0]!.standby ? 'replica' : 'primary'} :${rows[0]!.port}`
}
