import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { connect, type AddressInfo, type Socket } from 'node:net'
import express5 from 'express'
import createFastify from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter, type Router } from '../../src'
import { mysql } from '../../src/adapters/mysql2'
import { postgres } from '../../src/adapters/pg'
import { requestScope } from '../../src/web/express'
import { splitpool } from '../../src/web/fastify'
import type { Cluster } from '../servers/cluster'
import { describeDialect } from '../servers/provided'

const express4 = createRequire(__filename)('express4') as typeof express5

/** A database as these tests use it, over a pool of one connection for each node: requests wait for each other. */
interface Database {
  readonly router: Pick<Router, 'scope' | 'using' | 'close'> & Parameters<typeof requestScope>[0]
  readonly run: (sql: string) => Promise<unknown>
  /** Called back by whoever gives back the connection that it has waited for. */
  readonly who: (callback: (node: string) => void) => void
  readonly count: (id: string) => Promise<number>
}

function onPostgres({ primary, replicas }: Cluster): Database {
  const urls = {
    primary: { url: primary.url, max: 1 },
    replicas: replicas.map(({ url }) => ({ url, max: 1 })),
  }
  const router = createRouter({ databases: { default: postgres(urls) } })
  const db = router.pool()
  return {
    router,
    run: (sql) => db.query(sql),
    who: (callback) => {
      db.query(`SELECT current_setting('cluster_name') AS node`, (_error, { rows }) => {
        callback((rows as { node: string }[])[0]!.node)
      })
    },
    count: async (id) => (await db.query('SELECT 1 FROM web_notes WHERE id = $1', [id])).rows.length,
  }
}

function onMysql({ primary, replicas }: Cluster): Database {
  const limited = (url: string) => ({ url, connectionLimit: 1 })
  const urls = { primary: limited(primary.url), replicas: replicas.map(({ url }) => limited(url)) }
  const router = createRouter({ databases: { default: mysql(urls) } })
  const db = router.pool()
  return {
    router,
    run: (sql) => db.promise().query(sql),
    who: (callback) => {
      db.query('SELECT @@server_id AS node', (_error, rows) => {
        callback(String((rows as { node: number }[])[0]!.node))
      })
    },
    count: async (id) =>
      ((await db.promise().query('SELECT 1 FROM web_notes WHERE id = ?', [id]))[0] as unknown[]).length,
  }
}

/** Where a request was, at each of its steps. */
type Account = Record<'first' | 'again' | 'body' | 'ended' | 'finish', string> & { found: number }

/**
 * What a request does: reads, reads its body by events, writes if it is a POST, and reads again when it has been
 * answered. `told` gets the account of it.
 */
function act(
  { who, run, count }: Database,
  [request, response, id]: [IncomingMessage, ServerResponse, string],
  told: (id: string, account: Account) => void,
): void {
  const account: Partial<Account> = {}
  const here = (step: Exclude<keyof Account, 'found'>) =>
    new Promise<void>((resolve) => {
      who((node) => {
        account[step] = node
        resolve()
      })
    })
  const reads = [here('first')]
  request.once('data', () => reads.push(here('body')))
  request.on('data', () => undefined)
  request.on('end', () => {
    reads.push(here('ended'))
    void (async () => {
      await Promise.all(reads)
      if (request.method === 'POST') await run(`INSERT INTO web_notes VALUES ('${id}')`)
      account.found = await count(id)
      await here('again')
      response.end(`done ${id}.`)
    })()
  })
  response.on('finish', () => {
    setImmediate(() => {
      void here('finish').then(() => {
        told(id, account as Account)
      })
    })
  })
}

const REQUESTS = 24

function tests(cluster: Cluster, open: (cluster: Cluster) => Database): void {
  const database = open(cluster)
  const { router, run } = database
  let primary: string
  let replicas: string[]

  beforeAll(async () => {
    await router.scope(async () => {
      await run('DROP TABLE IF EXISTS web_notes')
      await run('CREATE TABLE web_notes (id varchar(40) PRIMARY KEY)')
    })
    await cluster.caughtUp()
    const nameOf = (target: string): Promise<string> =>
      router.using(
        target,
        () =>
          new Promise((resolve) => {
            database.who(resolve)
          }),
      )
    primary = await nameOf('default:primary')
    replicas = await Promise.all(cluster.replicas.map((_, index) => nameOf(`default:replica-${index + 1}`)))
  })

  afterAll(async () => {
    await run('DROP TABLE IF EXISTS web_notes')
    await router.close()
  })

  const idOf = (request: IncomingMessage): string => request.headers['x-id'] as string
  type Told = (id: string, account: Account) => void

  function onExpress(express: typeof express5): (told: Told) => Promise<RequestListener> {
    return (told) => {
      const app = express()
      app.use(requestScope(router))
      app.use((request, response) => {
        act(database, [request, response, idOf(request)], told)
      })
      return Promise.resolve(app)
    }
  }

  async function onFastify(told: Told): Promise<RequestListener> {
    const app = createFastify()
    await app.register(splitpool, { router })
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => {
      done(null)
    })
    app.all('/', (request, reply) => {
      reply.hijack()
      act(database, [request.raw, reply.raw, idOf(request.raw)], told)
    })
    await app.ready()
    return (request, response) => {
      app.routing(request, response)
    }
  }

  it.each([
    ['Express 4', onExpress(express4)],
    ['Express 5', onExpress(express5)],
    ['Fastify', onFastify],
  ] as const)(
    '%s: many requests at once, over few connections, each stay where they are',
    async (name, make) => {
      const accounts = new Map<string, Account>()
      const server = createServer()
      const all = new Promise<void>((resolve) => {
        void make((id, account) => {
          accounts.set(id, account)
          if (accounts.size === REQUESTS) resolve()
        }).then((listener) => server.on('request', listener).listen(0, '127.0.0.1'))
      })
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      // Four connections, on each of which six requests are sent before the first is answered.
      const sockets: Socket[] = []
      const ids: string[] = []
      for (let line = 0; line < 4; line++) {
        const socket = connect(port, '127.0.0.1')
        sockets.push(socket)
        await once(socket, 'connect')
        for (let index = 0; index < REQUESTS / 4; index++) {
          const id = `${name.replace(' ', '')}-${line}-${index}`
          ids.push(id)
          const method = (line + index) % 2 === 0 ? 'POST' : 'PUT'
          socket.write(
            `${method} / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nX-Id: ${id}\r\nContent-Length: 4\r\n\r\nbo`,
          )
          await new Promise(setImmediate)
          socket.write('dy')
        }
      }
      await all
      for (const socket of sockets) socket.destroy()
      server.close()

      for (const id of ids) {
        const { first, body, ended, again, finish, found } = accounts.get(id)!
        const [, line, index] = id.split('-').map(Number)
        const writes = (line! + index!) % 2 === 0
        expect(replicas, id).toContain(first)
        expect([body, ended], id).toEqual([first, first])
        expect({ again, finish, found }, id).toEqual(
          writes ? { again: primary, finish: primary, found: 1 } : { again: first, finish: first, found: 0 },
        )
      }
      expect(new Set([...accounts.values()].map(({ first }) => first)), 'all replicas').toEqual(
        new Set(replicas),
      )
    },
  )
}

describe('requests', () => {
  describeDialect('postgres', (cluster) => {
    tests(cluster, onPostgres)
  })

  describeDialect('mysql', (cluster) => {
    tests(cluster, onMysql)
  })
})
