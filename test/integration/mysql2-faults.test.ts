import { once } from 'node:events'
import type { Pool, PoolConnection, Query } from 'mysql2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeDialect } from '../servers/provided'
import { runSql } from '../servers/run-sql'
import { until } from '../servers/until'
import {
  alone,
  borrow,
  calledBack,
  internals,
  outcome,
  settle,
  settled,
  watchedRouter,
} from './mysql2-side-by-side'

type Loose = Record<string, (...args: unknown[]) => unknown>

function loose(from: object): Loose {
  return from as unknown as Loose
}

/** What nobody catches while `run` goes on, in place of the end of the process. */
async function uncaught(run: () => Promise<void>): Promise<string[]> {
  const before = process.listeners('uncaughtException')
  const seen: string[] = []
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => seen.push(error.message))
  try {
    await run()
    await settled()
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of before) process.on('uncaughtException', listener)
  }
  return seen
}

describeDialect('mysql', (cluster) => {
  const nodes = { primary: cluster.primary.url, replicas: [cluster.replicas[0]!.url] }
  let made: ReturnType<typeof watchedRouter>
  let pool: Pool

  beforeAll(() => {
    made = watchedRouter(nodes)
    pool = made.router.pool()
  })

  afterAll(() => made.router.close())

  /** In a scope; afterwards nothing is out and nothing is counted as running. */
  function works(title: string, run: () => Promise<void>): void {
    it(title, async () => {
      await made.router.scope(run)
      await settle(made.natives)
      const { nodes: counted } = made.router.stats()
      for (const [id, { inFlight }] of Object.entries(counted)) expect(inFlight, `in flight on ${id}`).toBe(0)
      const [rows] = await made.router.scope(() => pool.promise().query('SELECT 1 AS a'))
      expect(rows).toEqual([{ a: 1 }])
    })
  }

  async function kill(connection: { threadId: number | null }, node: { adminUrl: string }): Promise<void> {
    const id = String(connection.threadId)
    await runSql(node.adminUrl, `KILL ${id}`)
    await until('the server has let it go', async () => {
      const rows = await runSql(
        node.adminUrl,
        `SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ${id}`,
      )
      return (rows as unknown[]).length === 0
    })
  }

  describe('a callback that throws', () => {
    const calls: readonly [
      string,
      (on: { pool: Pool; connection: PoolConnection }, done: () => never) => unknown,
    ][] = [
      ['a query of a pool', (on, done) => on.pool.query('SELECT 1', done)],
      ['an execute of a pool', (on, done) => loose(on.pool)['execute']!('SELECT 1', done)],
      ['a query of a connection', (on, done) => on.connection.query('SELECT 1', done)],
      ['an execute of a connection', (on, done) => on.connection.execute('SELECT 1', done)],
      ['a ping', (on, done) => loose(on.connection)['ping']!(done)],
      [
        'a commit',
        (on, done) => {
          on.connection.commit(done)
        },
      ],
      ['a reset', (on, done) => loose(on.connection)['reset']!(done)],
    ]
    for (const [what, call] of calls) {
      alone(cluster, { connectionLimit: 2 })(
        `after ${what} is uncaught once, and costs no connection`,
        async (of) => {
          const connection = await borrow(of)
          await connection.promise().query('SELECT 1')
          const seen = await uncaught(async () => {
            let called = 0
            call({ pool: of, connection }, () => {
              called++
              throw new Error('of the callback')
            })
            await until('it is called', () => called > 0)
            await settled()
            expect(called).toBe(1)
          })
          const said = [seen, await outcome(() => connection.promise().query('SELECT 2 AS a'))]
          connection.release()
          return said
        },
      )
    }

    works('after an error is uncaught, and the command ends all the same', async () => {
      const connection = await borrow(pool)
      const ends: string[] = []
      const seen = await uncaught(async () => {
        for (const from of [loose(pool), loose(connection)]) {
          const command = from['query']!('SELECT nonsense', () => {
            throw new Error('of the callback')
          }) as Query
          await once(command as never, 'end')
          ends.push('end')
        }
      })
      expect([seen, ends]).toEqual([
        ['of the callback', 'of the callback'],
        ['end', 'end'],
      ])
      connection.release()
    })
  })

  describe('what is no text', () => {
    for (const [what, text] of [
      ['undefined', undefined],
      ['null', null],
      ['a number', 5],
      ['an object', {}],
      ['a symbol', Symbol('x')],
    ] as const) {
      for (const method of ['query', 'execute']) {
        works(`is an error, once, when ${what} is given to ${method}`, async () => {
          const connection = await borrow(pool)
          for (const from of [pool.promise(), connection.promise()]) {
            await expect(Promise.resolve().then(() => loose(from)[method]!(text))).rejects.toBeInstanceOf(
              Error,
            )
          }
          for (const from of [loose(pool), loose(connection)]) {
            let calls = 0
            try {
              from[method]!(text, () => calls++)
              await until('it is called back', () => calls > 0, { timeoutMs: 5_000, everyMs: 1 })
              await settled()
              expect(calls).toBe(1)
            } catch (error) {
              expect(error, 'thrown at once, and nothing else').toBeInstanceOf(TypeError)
              expect(calls).toBe(0)
            }
          }
          connection.destroy()
        })
      }
    }
  })

  describe('a connection that the server closes', () => {
    for (const listens of [true, false]) {
      const heard = listens ? 'and is listened to' : 'and nobody listens to'
      works(`while it is idle in the pool ${heard} is replaced`, async () => {
        const errors: unknown[] = []
        if (listens) pool.on('error', (error) => errors.push(error))
        await pool.promise().query('DO 1')
        const [primary] = made.natives
        const { _freeConnections: free, _allConnections: all } = internals(primary!)
        const before = all.length
        const victim = free.get(0)
        await kill(victim, cluster.primary)
        await until('it has left', () => all.length === before - 1)
        await pool.promise().query('DO 1')
        pool.removeAllListeners('error')
      })

      works(`between two statements of who has it, ${heard}, fails the second, and says so`, async () => {
        const connection = await borrow(pool)
        const errors: unknown[] = []
        if (listens) connection.on('error', (error: Error) => errors.push(error.message))
        await connection.promise().query('DO 1')
        await connection.promise().beginTransaction()
        await kill(connection, cluster.primary)
        await until('it is lost', () => connection.state !== 'authenticated')
        const { _fatalError: fatal, _protocolError: protocol } = connection as unknown as Record<
          string,
          unknown
        >
        expect(fatal ?? protocol).toBeInstanceOf(Error)
        await expect(connection.promise().query('SELECT 1')).rejects.toMatchObject({ fatal: true })
        await expect(connection.promise().rollback()).rejects.toMatchObject({ fatal: true })
        if (listens) expect(errors.length).toBeGreaterThan(0)
        connection.release()
        connection.release()
      })
    }

    for (const [form, ask] of [
      ['a promise', (from: Pool | PoolConnection, sql: string) => from.promise().query(sql)],
      [
        'a callback',
        (from: Pool | PoolConnection, sql: string) =>
          new Promise((resolve, reject) => {
            loose(from)['query']!(sql, (error: Error | null, rows: unknown) => {
              if (error) reject(error)
              else resolve(rows)
            })
          }),
      ],
      ['events', (from: Pool | PoolConnection, sql: string) => once(from.query(sql) as never, 'result')],
      ['a stream', (from: Pool | PoolConnection, sql: string) => from.query(sql).stream().toArray()],
    ] as const) {
      for (const of of ['pool', 'connection'] as const) {
        works(`during a statement of a ${of} with ${form} fails it`, async () => {
          const mark = `/* ${form} ${of} */`
          const connection = of === 'pool' ? null : await borrow(pool)
          const asked = ask(connection ?? pool, `SELECT ${mark} SLEEP(30) FROM DUAL FOR UPDATE`)
          const failed = expect(asked).rejects.toBeInstanceOf(Error)
          let id: unknown
          await until('it runs', async () => {
            const rows = (await runSql(
              cluster.primary.adminUrl,
              `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT ${mark}%'`,
            )) as { id: number }[]
            id = rows[0]?.id
            return id !== undefined
          })
          await runSql(cluster.primary.adminUrl, `KILL ${String(id)}`)
          await failed
          connection?.release()
        })
      }
    }
  })

  describe('a stream', () => {
    const many = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i FROM n`

    works('that is destroyed before there is a connection lets the statement end', async () => {
      const stream = pool.query(many).stream()
      stream.destroy()
      await once(stream, 'close')
    })

    works('of a borrowed connection that is released half way gives it back at its end', async () => {
      const connection = await borrow(pool)
      const stream = connection.query(many).stream({ highWaterMark: 2 })
      let seen = 0
      for await (const row of stream) {
        expect(row).toEqual({ i: ++seen })
        connection.release()
      }
      expect(seen).toBe(900)
    })

    works('of a borrowed connection that is destroyed half way costs nothing', async () => {
      const connection = await borrow(pool)
      const stream = connection.query(many).stream({ highWaterMark: 2 })
      stream.on('error', () => undefined)
      await once(stream, 'data')
      stream.destroy()
      connection.destroy()
    })

    works('whose listener throws fails, and costs the connection alone', async () => {
      const connection = await borrow(pool)
      const command = connection.query(many)
      const failed = once(command as never, 'error').catch((error: unknown) => [error])
      command.on('result', () => {
        throw new Error('of the listener')
      })
      expect(await failed).toMatchObject([{ message: 'of the listener' }])
      connection.release()
    })
  })

  describe('too often, or too late', () => {
    works('a connection is released, and the next borrower has one of its own', async () => {
      const first = await borrow(pool)
      await first.promise().query('DO 1')
      first.release()
      first.release()
      const [second, third] = [await borrow(pool), await borrow(pool)]
      await Promise.all([second.promise().query('DO 1'), third.promise().query('DO 1')])
      first.release()
      first.destroy()
      expect(second.threadId).not.toBe(third.threadId)
      await second.promise().query('DO 1')
      second.release()
      third.release()
    })

    // The driver runs it, on a connection that may be somebody else's by now.
    works('a connection that was released refuses', async () => {
      const connection = await borrow(pool)
      await connection.promise().query('SELECT 1')
      const id = connection.threadId
      connection.release()
      const refused = { rejected: expect.objectContaining({ code: 'ERR_CLOSED' }) as unknown }
      for (const call of [
        () => connection.promise().query('SELECT 1'),
        () => connection.promise().execute('SELECT 1'),
        () => connection.promise().commit(),
        () => connection.promise().ping(),
        () => connection.promise().reset(),
        () => connection.promise().changeUser({}),
        () => connection.promise().prepare('SELECT 1'),
      ]) {
        expect(await outcome(call)).toEqual(refused)
      }
      expect(connection.threadId).toBe(id)
      connection.pause()
      connection.resume()
      const [rows] = await pool.promise().query('SELECT 2 AS a')
      expect(rows).toEqual([{ a: 2 }])
    })

    it('a pool is ended, in every form at once, without an error', async () => {
      const { router } = watchedRouter(nodes)
      const own = router.pool()
      await router.scope(async () => {
        const connection = await borrow(own)
        await connection.promise().query('DO 1')
        await own.promise().query('SELECT 1')
        own.end()
        const ends = [own.promise().end(), own.promise().end(), router.close()]
        ends.push(
          new Promise<void>((resolve, reject) => {
            own.end((error) => {
              if (error) reject(error)
              else resolve()
            })
          }),
        )
        await Promise.all(ends)
        own.end()
        await expect(own.promise().query('SELECT 1')).rejects.toThrow('Pool is closed.')
        await expect(connection.promise().query('SELECT 1')).rejects.toBeInstanceOf(Error)
        connection.release()
        connection.destroy()
        const silent = own.query('SELECT 1')
        expect(await calledBack((done) => void own.query('SELECT 1', done as never))).toBeDefined()
        silent.on('error', () => undefined)
      })
    })

    it('a pool is ended while a connection that has no server yet is out', async () => {
      const { router } = watchedRouter(nodes)
      const connection = await borrow(router.pool())
      await router.pool().promise().end()
      await expect(connection.promise().query('SELECT 1')).rejects.toThrow(/closed/)
      connection.release()
      await router.close()
    })
  })
})
