import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { Client, Pool, Query, type PoolClient } from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createRouter, type Router } from '../../src'
import { postgres, type PostgresDatabase } from '../../src/adapters/pg'
import { describeDialect } from '../servers/provided'
import { runSql } from '../servers/run-sql'
import { until } from '../servers/until'
import { calledBack, outcome, settled, sideBySide, told } from './pg-side-by-side'

const ROWS = 'SELECT * FROM generate_series(1, 5000) AS n'
/** Longer than any test, and on the primary, where a bare pool has it too. */
const LONG = 'DO $$ BEGIN PERFORM pg_sleep(300); END $$'
const NAME = 'pg_faults'

describeDialect('postgres', (cluster) => {
  const same = sideBySide(cluster, { max: 1, application_name: NAME })

  beforeAll(async () => {
    await runSql(cluster.primary.url, 'DROP TABLE IF EXISTS faulty')
    await runSql(cluster.primary.url, 'CREATE TABLE faulty (n int)')
    await cluster.caughtUp()
  })

  afterAll(async () => {
    await runSql(cluster.primary.url, 'DROP TABLE faulty')
  })

  /** Ends connections of these tests from the server's side, as soon as there are some. */
  /** The active ones are asleep: of one that is still at the text, the error would say where in it. */
  async function kill(state: 'idle' | 'active'): Promise<void> {
    const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = '${NAME}' AND ${state === 'idle' ? `state = 'idle'` : `wait_event = 'PgSleep'`}`
    await until(`a connection that is ${state} was ended`, async () => {
      const nodes = [cluster.primary, ...cluster.replicas]
      const killed = await Promise.all(nodes.map(({ adminUrl }) => runSql(adminUrl, sql)))
      return killed.flat().length > 0
    })
  }

  async function withClient<T>(pool: Pool, fn: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await pool.connect()
    try {
      return await fn(client)
    } finally {
      client.release()
    }
  }

  const one = (from: Pool | PoolClient): Promise<unknown> => outcome(() => from.query('SELECT 1 AS n'))
  const counts = (pool: Pool): number[] => [pool.totalCount, pool.idleCount, pool.waitingCount]
  const release = (client: PoolClient, error?: unknown): Promise<unknown> =>
    outcome(() => {
      client.release(error as Error)
    })

  describe('a client', () => {
    same('that is released again throws each time', async (pool) => {
      const client = await pool.connect()
      await client.query('SELECT 1')
      client.release()
      const again = [await release(client), await release(client, new Error('other'))]
      return [again, counts(pool), await one(pool)]
    })

    same('that is released again unused throws each time', async (pool) => {
      const client = await pool.connect()
      client.release()
      return [await release(client), await release(client, true), await one(pool)]
    })

    for (const error of [undefined, null, false, 0, '']) {
      same(`that is released with ${JSON.stringify(error)} keeps its connection`, async (pool) => {
        const client = await pool.connect()
        await client.query('SELECT 1')
        client.release(error as unknown as undefined)
        return counts(pool)
      })
    }

    for (const error of [new Error('problem'), true, 'text']) {
      same(`that is released with ${String(error)} loses its connection`, async (pool) => {
        const client = await pool.connect()
        await client.query('SELECT 1')
        const removed = once(pool, 'remove')
        client.release(error as Error)
        await removed
        return [counts(pool), await outcome(() => client.query('SELECT 1')), await one(pool)]
      })
    }

    same('that is used after its release gets its answer, and takes nothing', async (pool) => {
      const client = await pool.connect()
      await client.query('SELECT 1')
      client.release()
      const said = [
        await one(client),
        await calledBack((callback) => {
          client.query('SELECT 1 AS n', callback)
        }),
        await outcome(() => client.query('SELECT nonsense').catch((error: unknown) => told(error))),
        await outcome(() => client.query('DELETE FROM faulty')),
      ]
      const query = client.query(new Query('SELECT 1 AS n'))
      const [result] = (await once(query, 'end')) as unknown[]
      return [said, told(result), pool.waitingCount, await one(pool)]
    })

    same('that is ended is removed when it is released', async (pool) => {
      const client = await pool.connect()
      await client.query('SELECT 1')
      const ended = once(client, 'end')
      await (client as unknown as Client).end()
      await ended
      const said = [counts(pool), await outcome(() => client.query('SELECT 1'))]
      client.release()
      return [said, counts(pool), await one(pool)]
    })

    same('that is ended tells a callback', async (pool) =>
      withClient(pool, async (client) => {
        await client.query('SELECT 1')
        const told = await calledBack((callback) => {
          ;(client as unknown as Client).end(callback)
        })
        return told.calls.length
      }),
    )

    it('that is ended before it was used opens nothing', async () => {
      const router = createRouter({ databases: { default: postgres({ primary: cluster.primary.url }) } })
      const client = await router.pool().connect()
      await (client as unknown as Client).end()
      await expect(client.query('SELECT 1')).rejects.toThrow('Client was closed and is not queryable')
      client.release()
      expect(router.pool().totalCount).toBe(0)
      await router.pool().end()
    })

    // The driver ends its connection under them.
    it('that is given back while statements wait has them answered, though the pool ends', async () => {
      const router = createRouter({
        databases: {
          default: postgres({ primary: cluster.primary.url, replicas: [cluster.replicas[0]!.url] }),
        },
      })
      const pool = router.pool()
      await router.scope(async () => {
        const client = await pool.connect()
        const statements = [
          client.query('SELECT 1 AS n'),
          client.query('CREATE TEMP TABLE later AS SELECT 2 AS n'),
          client.query('SELECT n FROM later'),
        ]
        client.release()
        const ended = pool.end()
        const answers = await Promise.all(statements)
        expect(answers[2]?.rows).toEqual([{ n: 2 }])
        await ended
      })
      expect([pool.totalCount, pool.ended]).toEqual([0, true])
    })
  })

  describe('a connection', () => {
    same('that is lost while idle is told as the pool’s error, and is replaced', async (pool) => {
      await pool.query('SELECT 1')
      // The driver tells some losses twice, of the error and of the socket after it; the first time counts.
      const first: Record<string, unknown> = {}
      pool.on('error', (error, client) => {
        const named = (error as { client?: unknown }).client === client
        first['error'] ??= [told(error), client instanceof Client, named]
      })
      pool.on('remove', (client) => {
        first['remove'] ??= client instanceof Client
      })
      await kill('idle')
      await until('both are told', () => Object.keys(first).length === 2)
      return [first, counts(pool), await one(pool)]
    })

    same('that is lost during a statement fails it, and is replaced', async (pool) => {
      const running = outcome(() => pool.query(LONG))
      await kill('active')
      const said = await running
      return [said, counts(pool), await one(pool)]
    })

    same('that is lost during a statement with a callback fails it once', async (pool) => {
      const running = calledBack((callback) => {
        pool.query(LONG, callback)
      })
      await kill('active')
      return [await running, await one(pool)]
    })

    same('that is lost during a pg.Query of the pool fails it', async (pool) => {
      const running = outcome(() => pool.query(new Query(LONG) as unknown as string))
      await kill('active')
      return [await running, counts(pool), await one(pool)]
    })

    same('that is lost during a statement of a client fails it and what waits behind', async (pool) => {
      const client = await pool.connect()
      const heard: unknown[] = []
      client.on('error', (error) => heard.push(told(error)))
      client.on('end', () => heard.push('end'))
      const running = [LONG, 'DELETE FROM faulty'].map((text) => outcome(() => client.query(text)))
      await kill('active')
      const said = await Promise.all(running)
      await until('its end is heard', () => heard.includes('end'))
      const after = await outcome(() => client.query('DELETE FROM faulty'))
      client.release()
      return [said, heard, after, counts(pool), await one(pool)]
    })

    same('that a client loses between statements fails the next, and is replaced', async (pool) => {
      const client = await pool.connect()
      const heard: unknown[] = []
      client.on('error', (error) => heard.push(told(error)))
      await client.query('DELETE FROM faulty')
      await kill('idle')
      await until('the loss is heard', () => heard.length === 2)
      const said = [await outcome(() => client.query('DELETE FROM faulty')), counts(pool)]
      client.release()
      return [said, heard, counts(pool), await one(pool)]
    })

    same('that is lost in a transaction fails the commit', async (pool) => {
      const client = await pool.connect()
      const lost = new Promise((resolve) => client.on('error', resolve))
      const said = [
        await outcome(() => client.query('BEGIN')),
        await outcome(() => client.query('DELETE FROM faulty')),
      ]
      const running = outcome(() => client.query('SELECT pg_sleep(300)'))
      await kill('active')
      said.push(await running)
      // Before it has heard of its end, the driver sends what it is given, and says something else of it.
      await lost
      said.push(await outcome(() => client.query('COMMIT')))
      client.release()
      await until('its end is known', () => pool.totalCount === 0)
      return [said, counts(pool), await one(pool)]
    })

    same('that is lost under a cursor fails its reads', async (pool) => {
      const client = await pool.connect()
      client.on('error', () => undefined)
      const cursor = client.query(
        new Cursor('INSERT INTO faulty SELECT 1 WHERE pg_sleep(300) IS NULL RETURNING n'),
      )
      const running = outcome(() => cursor.read(1))
      await kill('active')
      const said = [await running, await outcome(() => cursor.read(1))]
      client.release()
      // The driver lends the connection again until it has heard of its end.
      await until('its end is known', () => pool.totalCount === 0)
      return [said, counts(pool), await one(pool)]
    })
  })

  describe('a server', () => {
    same(
      'that is not there fails the statement, with nothing left',
      async (pool) => [
        await outcome(() => pool.query('SELECT 1')),
        await calledBack((callback) => {
          pool.query('SELECT 1', callback)
        }),
        counts(pool),
      ],
      { host: '127.0.0.1', port: 1 },
    )

    describe('that never answers', () => {
      const sockets = new Set<Socket>()
      const server = createServer((socket) => {
        sockets.add(socket)
        socket.on('error', () => undefined)
      })

      beforeEach(async () => {
        server.listen(0, '127.0.0.1')
        await once(server, 'listening')
      })

      afterEach(async () => {
        for (const socket of sockets) socket.destroy()
        server.close()
        await once(server, 'close')
      })

      it('fails a statement after connectionTimeoutMillis, as in the driver', async () => {
        const { port } = server.address() as AddressInfo
        const options = { host: '127.0.0.1', port, user: 'app', connectionTimeoutMillis: 50 }
        const bare = new Pool(options)
        const router = createRouter({ databases: { default: postgres({ primary: options }) } })
        const pool = router.pool()
        expect(await one(pool)).toEqual(await one(bare))
        const client = await pool.connect()
        await expect(client.query('SELECT 1')).rejects.toThrow('timeout')
        client.release()
        expect(counts(pool)).toEqual([0, 0, 0])
        await Promise.all([bare.end(), pool.end()])
      })
    })

    it('that is not there fails the first statement of a client, which is borrowed without it', async () => {
      const router = createRouter({
        databases: { default: postgres({ primary: 'postgres://a@127.0.0.1:1/x' }) },
      })
      const pool = router.pool()
      const client = await pool.connect()
      await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
      client.release()
      expect(counts(pool)).toEqual([0, 0, 0])
      await pool.end()
    })
  })

  describe('a stream', () => {
    same('of rows gives them all', (pool) =>
      withClient(pool, async (client) => {
        const rows = (await client
          .query(new QueryStream(ROWS, [], { batchSize: 700 }))
          .toArray()) as unknown[]
        return [rows.length, rows[4999]]
      }),
    )

    same('of rows that is destroyed half way leaves its connection to the next', async (pool) => {
      const client = await pool.connect()
      const stream = client.query(new QueryStream(ROWS))
      const seen: unknown[] = []
      for await (const row of stream) if (seen.push(row) === 150) break
      const said = [seen.length, stream.destroyed, await one(client)]
      client.release()
      return [said, await one(pool), counts(pool)]
    })

    same('of rows that is destroyed with an error says it', async (pool) => {
      const client = await pool.connect()
      const stream = client.query(new QueryStream(ROWS))
      await once(stream, 'data')
      const failed = once(stream, 'error')
      stream.destroy(new Error('enough'))
      const [error] = (await failed) as [Error]
      client.release()
      return [told(error), await one(pool), counts(pool)]
    })

    same('of rows whose statement fails says it', async (pool) => {
      const client = await pool.connect()
      const stream = client.query(new QueryStream('SELECT 1 / (3 - n) FROM generate_series(1, 5) AS n'))
      const said = await outcome(() => stream.toArray())
      client.release()
      return [said, await one(pool), counts(pool)]
    })

    same('of rows that the pool is given ends its promise', async (pool) => {
      const stream = new QueryStream(ROWS)
      const ended = outcome(() => pool.query(stream as unknown as string))
      const rows = (await stream.toArray()) as unknown[]
      return [rows.length, await ended, await one(pool), counts(pool)]
    })

    same('of COPY TO gives the rows', (pool) =>
      withClient(pool, async (client) => {
        const stream = client.query(copyTo('COPY (SELECT 1 AS a, NULL AS b UNION ALL SELECT 2, 3) TO STDOUT'))
        const text = Buffer.concat((await stream.toArray()) as Buffer[]).toString()
        return [text, stream.rowCount, await one(client)]
      }),
    )

    same('of COPY TO that fails says it', async (pool) => {
      const client = await pool.connect()
      const stream = client.query(copyTo('COPY nowhere TO STDOUT'))
      const said = await outcome(() => stream.toArray())
      const after = await one(client)
      client.release()
      return [said, after, counts(pool)]
    })

    same('of COPY FROM takes the rows', (pool) =>
      withClient(pool, async (client) => {
        await client.query('TRUNCATE faulty')
        const stream = client.query(copyFrom('COPY faulty FROM STDIN'))
        await pipeline(Readable.from(['1\n2\n', '3\n']), stream)
        return [stream.rowCount, await outcome(() => client.query('SELECT n FROM faulty ORDER BY n'))]
      }),
    )

    same('of COPY FROM that the server refuses says it', async (pool) => {
      const client = await pool.connect()
      const stream = client.query(copyFrom('COPY faulty FROM STDIN'))
      const said = await outcome(() => pipeline(Readable.from(['one\n']), stream))
      const after = await one(client)
      client.release()
      return [said, after, counts(pool)]
    })

    same('of COPY FROM that is destroyed half way writes nothing', async (pool) => {
      const client = await pool.connect()
      await client.query('TRUNCATE faulty')
      const stream = client.query(copyFrom('COPY faulty FROM STDIN'))
      const failed = outcome(() => once(stream, 'close'))
      stream.write('1\n')
      stream.destroy(new Error('enough'))
      const said = [await failed, await outcome(() => client.query('SELECT n FROM faulty'))]
      client.release()
      return [said, counts(pool)]
    })

    // The driver gives the connection back with the rest of the rows on it, and the next statement never ends.
    it('of COPY TO that is destroyed half way costs its connection, and nobody waits for it', async () => {
      const router = createRouter({
        databases: { default: postgres({ primary: { url: cluster.primary.url, max: 1 } }) },
      })
      const pool = router.pool()
      const client = await pool.connect()
      const stream = client.query(copyTo('COPY (SELECT * FROM generate_series(1, 1000000)) TO STDOUT'))
      await once(stream, 'data')
      stream.destroy()
      client.release()
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
      await pool.end()
    })

    it('of COPY TO that is destroyed before it was sent costs nothing', async () => {
      const router = createRouter({
        databases: { default: postgres({ primary: { url: cluster.primary.url, max: 1 } }) },
      })
      const pool = router.pool()
      const client = await pool.connect()
      const stream = client.query(copyTo('COPY (SELECT 1) TO STDOUT'))
      stream.destroy()
      client.release()
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
      await pool.end()
    })
  })

  describe('a cursor', () => {
    same('gives its rows and then none', (pool) =>
      withClient(pool, async (client) => {
        const cursor = client.query(new Cursor('SELECT n FROM generate_series(1, $1::int) AS n', [5]))
        return [
          await cursor.read(3),
          await cursor.read(3),
          await cursor.read(3),
          await outcome(() => cursor.close()),
        ]
      }),
    )

    same('tells a callback of rows and result', (pool) =>
      withClient(pool, (client) => {
        const cursor = client.query(new Cursor('SELECT 1 AS n'))
        return calledBack((callback) => {
          cursor.read(3, callback)
        })
      }),
    )

    same('that is closed half way leaves its connection to the next', async (pool) => {
      const client = await pool.connect()
      const cursor = client.query(new Cursor(ROWS))
      const rows = await cursor.read(10)
      const said = [
        rows.length,
        await outcome(() => cursor.close()),
        await cursor.read(10),
        await one(client),
      ]
      client.release()
      return [said, await one(pool), counts(pool)]
    })

    same('that is closed twice, or at its end, is closed', (pool) =>
      withClient(pool, async (client) => {
        const cursor = client.query(new Cursor('SELECT 1 AS n'))
        const rows = await cursor.read(10)
        await cursor.close()
        await cursor.close()
        return [rows, await one(client)]
      }),
    )

    same('of a failing statement fails each read', async (pool) => {
      const client = await pool.connect()
      const cursor = client.query(new Cursor('SELECT nonsense FROM faulty'))
      const said = [await outcome(() => cursor.read(1)), await outcome(() => cursor.read(1))]
      await cursor.close()
      const after = await one(client)
      client.release()
      return [said, after, await one(pool), counts(pool)]
    })

    same(
      'is refused in pipeline mode',
      (pool) =>
        withClient(pool, async (client) => {
          const cursor = client.query(new Cursor('SELECT 1'))
          return [await outcome(() => cursor.read(1)), await one(client)]
        }),
      { pipeline: true },
    )
  })

  describe('over replicas', () => {
    let router: Router<{ default: PostgresDatabase }>
    let pool: Pool

    beforeEach(() => {
      const node = { max: 1, application_name: NAME }
      router = createRouter({
        databases: {
          default: postgres({
            primary: { ...node, url: cluster.primary.url },
            replicas: [{ ...node, url: cluster.replicas[0]!.url }],
          }),
        },
      })
      pool = router.pool()
    })

    afterEach(async () => {
      expect(pool.totalCount - pool.idleCount, 'every connection was given back').toBe(0)
      await router.close()
    })

    const nodeOf = (stream: Readable): Promise<string> =>
      stream.toArray().then((chunks: unknown[]) =>
        Buffer.concat(chunks as Buffer[])
          .toString()
          .trim(),
      )
    const COPY_WHO = `COPY (SELECT current_setting('cluster_name')) TO STDOUT`

    it('COPY TO is read from a replica, and COPY FROM goes to the primary', () =>
      router.scope(() =>
        withClient(pool, async (client) => {
          expect(await nodeOf(client.query(copyTo(COPY_WHO)))).toBe('replica-1')
          await pipeline(Readable.from(['1\n']), client.query(copyFrom('COPY faulty FROM STDIN')))
          expect(await nodeOf(client.query(copyTo(COPY_WHO)))).toBe('primary')
        }),
      ))

    it('a cursor, a query stream and a pg.Query go where their text goes', () =>
      router.scope(() =>
        withClient(pool, async (client) => {
          const sql = `SELECT current_setting('cluster_name') AS node`
          const seen = async (): Promise<unknown[]> => {
            const cursor = client.query(new Cursor<{ node: string }>(sql))
            const read = await cursor.read(2)
            const streamed = (await client.query(new QueryStream(sql)).toArray()) as unknown[]
            const query = client.query(new Query<{ node: string }, []>(sql))
            const rows: unknown[] = []
            query.on('row', (row) => rows.push(row))
            await once(query, 'end')
            return [...read, ...streamed, ...rows]
          }
          expect(await seen()).toEqual(Array(3).fill({ node: 'replica-1' }))
          const inserted = client.query(new Cursor('INSERT INTO faulty VALUES (1) RETURNING n'))
          expect(await inserted.read(1)).toEqual([{ n: 1 }])
          await inserted.close()
          expect(await seen()).toEqual(Array(3).fill({ node: 'primary' }))
        }),
      ))

    it('a lost connection is nobody’s error where nobody listens, idle or borrowed', async () => {
      await router.scope(async () => {
        await pool.query('SELECT 1')
        await pool.query('DELETE FROM faulty')
      })
      expect(pool.listenerCount('error')).toBe(0)
      expect(pool.totalCount).toBe(2)
      await kill('idle')
      await until('both are gone', () => pool.totalCount === 0)
      await router.scope(() =>
        withClient(pool, async (client) => {
          await client.query('DELETE FROM faulty')
          await kill('idle')
          await until('the loss is known', async () => {
            const error: unknown = await client.query('DELETE FROM faulty').catch((thrown: unknown) => thrown)
            return error instanceof Error && error.message.includes('not queryable')
          })
        }),
      )
      expect(pool.totalCount).toBe(0)
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
    })

    it('a client that moves to the primary listens no more to the connection it gave back', async () => {
      const replicaPool = new Pool({ connectionString: cluster.replicas[0]!.url, max: 1 })
      const moving = createRouter({
        databases: {
          default: postgres({ primary: { url: cluster.primary.url, max: 1 }, replicas: [replicaPool] }),
        },
      })
      await moving.scope(async () => {
        const busy = await moving.pool().connect()
        await busy.query('BEGIN')
        const client = await moving.pool('default').connect()
        await moving.scope(() => client.query('SELECT 1'))
        const inserted = client.query('DELETE FROM faulty')
        await until('it waits for the primary', () => moving.pool().waitingCount === 1)
        const next = await replicaPool.connect()
        expect(next.listenerCount('notice')).toBe(0)
        next.release()
        await busy.query('ROLLBACK')
        busy.release()
        await inserted
        client.release()
      })
      await moving.close()
      await replicaPool.end()
    })

    it('a statement of a client that waits for a connection is answered after its release', async () => {
      await router.scope(async () => {
        const first = await pool.connect()
        await first.query('BEGIN')
        const second = await pool.connect()
        const waits = second.query('DELETE FROM faulty')
        await settled()
        expect(pool.waitingCount).toBe(1)
        second.release()
        await first.query('ROLLBACK')
        first.release()
        expect(told(await waits)).toMatchObject({ command: 'DELETE' })
      })
      await until('all is given back', () => pool.totalCount === pool.idleCount)
    })
  })

  describe('in a process of its own', () => {
    /** Runs a program with the pool it is to use, and gives all that it says. */
    async function run(program: string, kind: 'bare' | 'routed'): Promise<string> {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--import', 'tsx', '--eval', PRELUDE + program],
        {
          cwd: join(__dirname, '..', '..'),
          env: {
            ...process.env,
            KIND: kind,
            PRIMARY: cluster.primary.url,
            REPLICA: cluster.replicas[0]!.url,
          },
          timeout: 30_000,
        },
      )
      return stdout
    }

    it('allowExitOnIdle lets the process end, as with the driver', async () => {
      const [bare, routed] = await Promise.all([run(EXIT_ON_IDLE, 'bare'), run(EXIT_ON_IDLE, 'routed')])
      expect(bare).toContain('done')
      expect(routed).toBe(bare)
    })

    it('a callback that throws is an uncaught exception, and costs nothing', async () => {
      // The driver stands still after some of them: their exception stops it in the middle of what it reads.
      const survived = /^(pool\.query|pool\.connect|client\.query)$/
      const [bare, routed] = await Promise.all([
        run(callbacksThrow(survived), 'bare'),
        run(callbacksThrow(/./), 'routed'),
      ])
      const said = bare.split('---').slice(0, -1)
      expect(said).toHaveLength(3)
      for (const lines of said) expect(routed).toContain(lines)
      const uncaught = routed.split('---').map((lines) => lines.trim().split('\n'))
      expect(uncaught).toEqual([
        ...USES.map((name) => [`uncaught ${name}`, `${name}: 1, 0 waiting, 0 out`]),
        ['uncaught pool.end', 'done'],
      ])
    })
  })
})

const USES = [
  ...['pool.query', 'pool.query that fails', 'pool.connect', 'client.query', 'client.query that fails'],
  ...['a listener of pg.Query', 'a row listener', 'no listener', 'cursor.read'],
]

/** Makes `pool`, which has `options`, and says what nobody caught. */
const PRELUDE = `
  const { Pool, Query } = require('pg')
  const Cursor = require('pg-cursor')
  const { createRouter } = require('./src')
  const { postgres } = require('./src/adapters/pg')
  const { KIND, PRIMARY, REPLICA } = process.env
  const open = (options) =>
    KIND === 'bare'
      ? new Pool({ connectionString: PRIMARY, ...options })
      : createRouter({
          databases: {
            default: postgres({ primary: { url: PRIMARY, ...options }, replicas: [{ url: REPLICA, ...options }] }),
          },
        }).pool()
  let caught = null
  // Whoever started it has gone.
  process.stdout.on('error', () => process.exit(1))
  process.on('unhandledRejection', (error) => console.log('unhandled rejection', error.message))
  process.on('uncaughtException', (error) => {
    console.log('uncaught', error.message)
    caught?.()
  })
  const thrown = () => new Promise((resolve) => { caught = resolve })
`

function callbacksThrow(which: RegExp): string {
  return `
  async function main() {
    const pool = open({ max: 1 })
    const borrowed = (use) => (boom) => pool.connect((error, client, release) => {
      use(client, () => { release(); boom() }, boom)
    })
    const failing = 'SELECT nonsense'
    const uses = {
      'pool.query': (boom) => pool.query('SELECT 1', boom),
      'pool.query that fails': (boom) => pool.query(failing, boom),
      'pool.connect': borrowed((client, boom) => boom()),
      'client.query': borrowed((client, boom) => client.query('SELECT 1', boom)),
      'client.query that fails': borrowed((client, boom) => client.query(failing, boom)),
      'a listener of pg.Query': borrowed((client, boom) => client.query(new Query('SELECT 1')).on('end', boom)),
      'a row listener': borrowed((client, done, boom) => {
        client.query(new Query('SELECT 1')).on('row', boom)
        client.release()
      }),
      'no listener': borrowed((client) => {
        client.query(new Query("DO 'BEGIN RAISE ''no listener''; END'"))
        client.release()
      }),
      'cursor.read': borrowed((client, boom) => {
        const cursor = client.query(new Cursor('SELECT 1'))
        cursor.read(2, boom)
      }),
    }
    for (const [name, use] of Object.entries(uses).filter(([name]) => ${String(which)}.test(name))) {
      const seen = thrown()
      use(() => { throw new Error(name) })
      await seen
      const { rowCount } = await pool.query('SELECT 1')
      const out = pool.totalCount - pool.idleCount
      console.log(name + ':', rowCount + ', ' + pool.waitingCount + ' waiting, ' + out + ' out\\n---')
    }
    const seen = thrown()
    pool.end(() => { throw new Error('pool.end') })
    await seen
    console.log('done')
  }
  main()
`
}

const EXIT_ON_IDLE = `
  const pool = open({ allowExitOnIdle: true, idleTimeoutMillis: 600000 })
  process.on('exit', () => console.log('exit', pool.totalCount))
  pool.query('SELECT 1 AS n').then(({ rows }) => console.log('done', rows))
`
