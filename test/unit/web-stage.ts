import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage, type RequestListener } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { createRouter, type Router } from '../../src'
import { fakeDatabase, type FakeNode, type FakePool } from '../../src/testing/fake-database'

/** A router whose scopes can be told apart: each reads from the next of a hundred replicas, and keeps it. */
export interface Stage {
  readonly router: Router
  readonly nodes: Map<string, FakeNode>
  readonly query: (sql: string) => Promise<unknown>
  /** Which scope this runs in: the replica that it reads from. */
  readonly here: () => string
  /** What `here` says outside all scopes. */
  readonly outside: string
}

export function stage(): Stage {
  const nodes = new Map<string, FakeNode>()
  let scopes = 0
  const next = { pick: <C>(candidates: readonly C[]): C => candidates[scopes++ % candidates.length]! }
  const replicas = Array.from({ length: 100 }, (_, index) => ({ tags: [index < 50 ? 'low' : 'high'] }))
  const router = createRouter({
    databases: {
      default: fakeDatabase(nodes, { replicas, balancer: next }),
      users: fakeDatabase(nodes),
    },
  }) as unknown as Router
  const query = (sql: string): Promise<unknown> => (router.pool('default') as FakePool).query(sql)
  const here = (): string => router.explain('SELECT 1').nodeId
  return { router, nodes, query, here, outside: here() }
}

/** Serves on a free port of this machine for as long as `use` takes. */
export async function serving<T>(app: RequestListener, use: (port: number) => Promise<T>): Promise<T> {
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await use((server.address() as AddressInfo).port)
  } finally {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
}

/** A promise, and what resolves it. */
export function gate<T = void>(): { readonly opened: Promise<T>; readonly open: (value: T) => void } {
  let open!: (value: T) => void
  const opened = new Promise<T>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** A connection on which a test says every byte itself. */
export async function dial(port: number): Promise<{
  readonly socket: Socket
  readonly say: (text: string) => Promise<void>
  readonly hear: (wanted: string) => Promise<string>
}> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let heard = ''
  socket.setEncoding('utf8').on('data', (text: string) => (heard += text))
  return {
    socket,
    say: (text) =>
      new Promise((resolve) => {
        socket.write(text, () => {
          resolve()
        })
      }),
    hear: async (wanted) => {
      while (!heard.includes(wanted)) await once(socket, 'data')
      return heard
    },
  }
}

export interface Answer {
  readonly status: number
  readonly text: string
}

/** One request by an agent, which may keep its connection for the next. */
export async function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body = '', agent = new Agent() } = {},
): Promise<Answer> {
  const asked = request({ host: '127.0.0.1', port, path, method, headers, agent })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode!, text }
}
