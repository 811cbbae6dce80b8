import { tracingChannel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { escape, type Pool, type PoolConnection, type PoolOptions } from 'mysql2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeDialect } from '../servers/provided'
import { runSql } from '../servers/run-sql'
import { until } from '../servers/until'
import {
  alone,
  borrow,
  calledBack,
  emitted,
  internals,
  outcome,
  settled,
  sideBySide,
  told,
  watchedRouter,
  withConnection,
  type AnyCallback,
} from './mysql2-side-by-side'

/** `query` and `execute` as JavaScript calls them. */
type Loose = Record<'query' | 'execute', (...args: unknown[]) => unknown>

function loose(from: object): Loose {
  return from as Loose
}

/** Many rows, counted from 1. */
function rows(count: number): string {
  return `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n`
}

describeDialect('mysql', (cluster) => {
  beforeAll(async () => {
    const { url } = cluster.primary
    await runSql(url, 'DROP TABLE IF EXISTS pooled, pooled_written')
    await runSql(
      url,
      `CREATE TABLE pooled (id int PRIMARY KEY, body varchar(20), big bigint, price decimal(6,2), made datetime(3), doc json)`,
    )
    await runSql(
      url,
      `INSERT INTO pooled VALUES (1, 'one', 9007199254740993, 1.50, '2024-02-29 12:00:00.123', '{"a":[1]}'),
        (2, NULL, 2, 2.25, '2024-03-01 00:00:00', 'null')`,
    )
    await runSql(url, 'CREATE TABLE pooled_written (body varchar(40))')
    await runSql(cluster.primary.adminUrl, 'SET GLOBAL local_infile = 1')
    await cluster.caughtUp()
  })

  afterAll(async () => {
    await runSql(cluster.primary.adminUrl, 'SET GLOBAL local_infile = 0')
    await runSql(cluster.primary.url, 'DROP TABLE pooled, pooled_written')
  })

  describe('the options of a pool hold for whatever it runs:', () => {
    const options: Readonly<Record<string, PoolOptions>> = {
      'named placeholders': { namedPlaceholders: true },
      'rows as arrays': { rowsAsArray: true },
      'nested tables': { nestTables: true },
      'nested tables with a separator': { nestTables: '.' },
      'dates as strings': { dateStrings: true },
      'some dates as strings': { dateStrings: ['DATETIME'] },
      'big numbers': { supportBigNumbers: true },
      'big numbers as strings': { supportBigNumbers: true, bigNumberStrings: true },
      decimals: { decimalNumbers: true },
      'json as strings': { jsonStrings: true },
      'a time zone': { timezone: '+05:00' },
      'no type cast': { typeCast: false },
      'a type cast': { typeCast: (field, next) => (field.type === 'NEWDECIMAL' ? field.string() : next()) },
      'objects as strings': { stringifyObjects: true },
      'several statements': { multipleStatements: true },
      'no eval': { disableEval: true },
      'a format of its own': {
        queryFormat(sql: string, values: Record<string, unknown> | undefined) {
          return sql.replace(/\{(\w+)\}/g, (_, key: string) => escape(values?.[key] as string))
        },
      },
    }
    const calls: readonly (readonly unknown[])[] = [
      ['SELECT * FROM pooled p ORDER BY id'],
      ['SELECT ? AS a, ? AS b', [1, new Date(1700000000000)]],
      ['SELECT :a AS a, :b AS b', { a: 1, b: new Date(1700000000000) }],
      [{ sql: 'SELECT :a AS a', values: { a: 'x' }, namedPlaceholders: true }],
      [{ sql: 'SELECT :a AS a', namedPlaceholders: true }, { a: 'x' }],
      [{ sql: 'SELECT id, body FROM pooled', rowsAsArray: false, nestTables: false }],
      ['SELECT ? AS a', [{ a: 1 }]],
      ['SELECT {a} AS a', { a: `it's` }],
      ['SELECT 1 AS a; SELECT 2 AS b'],
    ]
    for (const [title, given] of Object.entries(options)) {
      const same = sideBySide(cluster, given)
      for (const method of ['query', 'execute'] as const) {
        same(`${title}, with ${method}`, async (pool) => {
          const said: unknown[] = []
          for (const args of calls) {
            said.push(
              await outcome(() => loose(pool.promise())[method](...args)),
              await withConnection(pool, (from) => calledBack((done) => loose(from)[method](...args, done))),
              // An object that is no array breaks the driver's connection with events.
              Array.isArray(args[1]) ? await emitted(() => loose(pool).query(...args)) : null,
            )
          }
          return said
        })
      }
      same(`${title}, with format and escape`, async (pool) => {
        const values = [
          1,
          "it's",
          new Date(1700000000000),
          { a: 1 },
          [1, [2, 3]],
          null,
          undefined,
          Buffer.from('x'),
        ]
        const said = (from: Pick<Pool, 'format' | 'escape' | 'escapeId'>): unknown => [
          values.map((value) => from.escape(value)),
          from.escapeId('a.b`c'),
          from.escapeId(['a', 'b'] as never),
          from.format('? ?? :a {a}', [values[2], 'x']),
          from.format('SET ?', { a: 1, b: 'x' }),
        ]
        const promised = pool.promise()
        return [
          said(pool),
          said(promised),
          await withConnection(pool, (connection) =>
            Promise.resolve([said(connection as never), said(connection.promise() as never)]),
          ),
        ]
      })
    }
  })

  describe('LOAD DATA LOCAL', () => {
    const same = sideBySide(cluster)
    const sql = `LOAD DATA LOCAL INFILE 'given' INTO TABLE pooled_written`
    const stream = (path: string): Readable => Readable.from([Buffer.from(`one\n`), Buffer.from(`${path}\n`)])
    const options = { sql, infileStreamFactory: stream }

    same('reads from the stream that a query gives', async (pool) => [
      await calledBack((done) => loose(pool).query(options, done)),
      await outcome(() => loose(pool.promise()).query(options)),
      await emitted(() => loose(pool).query(options)),
      await withConnection(pool, (from) => outcome(() => loose(from.promise()).query(options))),
    ])

    same('is refused without one', async (pool) => [
      await outcome(() => loose(pool.promise()).query(sql)),
      await outcome(() => pool.promise().query('SELECT 1')),
    ])

    same('fails when its stream does', async (pool) => {
      const broken = (): Readable =>
        new Readable({
          read() {
            this.destroy(new Error('cannot be read'))
          },
        })
      return await outcome(() => loose(pool.promise()).query({ sql, infileStreamFactory: broken }))
    })

    sideBySide(cluster, { infileStreamFactory: stream })(
      'reads from the stream that the pool gives',
      (pool) => outcome(() => loose(pool.promise()).query(sql)),
    )
  })

  describe('a stream', () => {
    const same = sideBySide(cluster)
    const sources: Readonly<
      Record<string, (pool: Pool, use: (of: Loose) => Promise<unknown>) => Promise<unknown>>
    > = {
      'a pool': (pool, use) => use({ query: (...args) => loose(pool).query(...args), execute: () => null }),
      'a connection': (pool, use) => withConnection(pool, (connection) => use(loose(connection))),
      'a connection that executes': (pool, use) =>
        withConnection(pool, (connection) =>
          use({ query: (...args) => loose(connection).execute(...args), execute: () => null }),
        ),
    }
    for (const [name, on] of Object.entries(sources)) {
      const open = (from: Loose, sql: string, options?: object): Readable =>
        (from.query(sql) as { stream(options?: object): Readable }).stream(options)

      same(`of ${name} has all rows`, (pool) =>
        on(pool, async (from) => {
          const all = await open(from, rows(500), { highWaterMark: 3 }).toArray()
          return [all.length, told(all.slice(-2))]
        }),
      )

      same(`of ${name} is piped`, (pool) =>
        on(pool, async (from) => {
          let sum = 0
          const slow = new Writable({
            objectMode: true,
            highWaterMark: 2,
            write: (row: { i: number }, _, next) => {
              sum += row.i
              setImmediate(next)
            },
          })
          await pipeline(open(from, rows(200)), slow)
          return sum
        }),
      )

      same(`of ${name} emits what the driver's emits`, (pool) =>
        on(pool, async (from) => {
          const said: unknown[] = []
          const stream = open(from, 'SELECT id FROM pooled ORDER BY id')
          for (const event of ['fields', 'result', 'data', 'end', 'close', 'error']) {
            stream.on(event, (...values: unknown[]) => said.push([event, ...values.map(told)]))
          }
          await once(stream, 'close')
          return said
        }),
      )

      same(`of ${name} can be left half way`, (pool) =>
        on(pool, async (from) => {
          let seen = 0
          for await (const row of open(from, rows(900), { highWaterMark: 2 })) {
            expect(row).toBeDefined()
            if (++seen === 5) break
          }
          const stream = open(from, rows(900), { highWaterMark: 2 })
          const said: unknown[] = []
          stream.on('error', (error) => said.push(error.message))
          stream.once('data', () => stream.destroy(new Error('enough')))
          await new Promise((resolve) => stream.once('close', resolve))
          return [seen, said, await open(from, 'SELECT 1 AS a').toArray().then(told)]
        }),
      )

      same(`of ${name} fails with the statement`, (pool) =>
        on(pool, async (from) => [
          await outcome(() => open(from, 'SELECT nonsense').toArray()),
          await outcome(() =>
            open(from, 'SELECT IF(id = 2, (SELECT 1 UNION SELECT 2), 0) FROM pooled ORDER BY id').toArray(),
          ),
        ]),
      )

      same(`of ${name} gives a write its header`, (pool) =>
        on(pool, (from) =>
          outcome(() => open(from, `DELETE FROM pooled_written WHERE body = 'none'`).toArray()),
        ),
      )
    }
  })

  describe('a full pool', () => {
    const SLEEP = 'SELECT SLEEP(0.03) AS slept'

    alone(cluster, { connectionLimit: 1 })('lets statements wait, in order', async (pool) => {
      const said: unknown[] = []
      pool.on('enqueue', () => said.push('enqueue'))
      const ask = (n: number): Promise<unknown> =>
        pool
          .promise()
          .query(n === 0 ? SLEEP : `SELECT ${n} AS n`)
          .then(() => said.push(n))
      await Promise.all([0, 1, 2, 3].map(ask))
      return [said, internals(pool)._allConnections.length]
    })

    alone(cluster, { connectionLimit: 1, waitForConnections: false })(
      'refuses what may not wait',
      async (pool) => {
        const asked = [SLEEP, 'SELECT 2'].map((sql) => outcome(() => pool.promise().query(sql)))
        return [
          await outcome(() => pool.promise().execute('SELECT 3')),
          await calledBack((done) => loose(pool).query('SELECT 4', done)),
          await emitted(() => loose(pool).query('SELECT 5'), 'error'),
          await Promise.all(asked),
          await outcome(() => pool.promise().query('SELECT 6 AS n')),
        ]
      },
    )

    alone(cluster, { connectionLimit: 1, queueLimit: 1 })('has a limit to those that wait', async (pool) => {
      const asked = [SLEEP, 'SELECT 2', 'SELECT 3', 'SELECT 4'].map((sql) =>
        outcome(() => pool.promise().query(sql)),
      )
      return [await Promise.all(asked), await outcome(() => pool.promise().execute('SELECT 5 AS n'))]
    })

    alone(cluster, { connectionLimit: 1 })('tells those that wait that it has ended', async (pool) => {
      await pool.promise().query('SELECT 0')
      const asked = [SLEEP, 'SELECT 2', 'SELECT 3'].map((sql) => outcome(() => pool.promise().query(sql)))
      await settled()
      const ended = outcome(() => pool.promise().end())
      return [await Promise.all(asked), await ended]
    })

    alone(cluster, { connectionLimit: 1 })('serves the next when a connection is destroyed', async (pool) => {
      const connection = await pool.promise().getConnection()
      await connection.query('SELECT 1')
      const waits = outcome(() => pool.promise().query('SELECT 2 AS n'))
      await settled()
      connection.destroy()
      return [await waits, internals(pool)._allConnections.length]
    })
  })

  describe('the events of a pool', () => {
    const events = ['connection', 'acquire', 'enqueue', 'release']

    alone(cluster, { connectionLimit: 1 })('come in the order of the driver', async (pool) => {
      const said: unknown[] = []
      const promised = pool.promise()
      for (const event of events) {
        pool.on(event, (...values: unknown[]) => said.push([event, ...values.map(told)]))
        promised.on(event as 'acquire', (...values: unknown[]) =>
          said.push(['promised', event, ...values.map(told)]),
        )
      }
      await Promise.all([1, 2, 3].map((n) => promised.query(`SELECT ${n}`)))
      await promised.execute('SELECT 4')
      await calledBack((done) => loose(pool).query('SELECT nonsense', done))
      await emitted(() => loose(pool).query('SELECT 5'))
      await settled()
      return said
    })

    alone(cluster)('give the connection, which can be prepared for what it is for', async (pool) => {
      const ids: unknown[] = []
      pool.on('connection', (connection: PoolConnection) => {
        ids.push(typeof connection.threadId)
        connection.query('SET SESSION group_concat_max_len = 4321')
      })
      return [await outcome(() => pool.promise().query('SELECT @@session.group_concat_max_len AS n')), ids]
    })

    alone(cluster)('come once to once, and not to who has left', async (pool) => {
      const said: unknown[] = []
      const leave = (): void => void said.push('left')
      pool.once('acquire', () => said.push('once'))
      pool.on('acquire', leave)
      pool.off('acquire', leave)
      await pool.promise().query('SELECT 1')
      await pool.promise().query('SELECT 1')
      return [said, events.map((event) => pool.listenerCount(event))]
    })

    alone(cluster)('are said by whoever emits them', (pool) => {
      const promised = pool.promise()
      const said: unknown[] = []
      for (const event of events) promised.once(event, () => said.push(event))
      for (const event of events) pool.emit(event)
      return [said, events.map((event) => pool.listenerCount(event))]
    })
  })

  describe('the connections of a pool', () => {
    alone(cluster, { connectionLimit: 3 })('are counted where monitoring counts them', async (pool) => {
      const counted = (): unknown[] => {
        const { _allConnections: all, _freeConnections: free, _connectionQueue: queue } = internals(pool)
        return [all.length, free.length, queue.length]
      }
      const said: unknown[] = [counted()]
      const held = [await borrow(pool), await borrow(pool)]
      for (const connection of held) await connection.promise().query('SELECT 1')
      said.push(counted())
      held[0]!.release()
      await settled()
      said.push(counted(), told(internals(pool)._freeConnections.get(0)))
      expect(internals(pool)._freeConnections.get(0).threadId).toBe(held[0]!.threadId)
      pool.releaseConnection(held[1]!)
      await settled()
      said.push(counted(), internals(pool)._allConnections.get(7))
      return said
    })

    alone(cluster, { connectionLimit: 3, maxIdle: 1, idleTimeout: 50 })(
      'are closed when they are idle for too long',
      async (pool) => {
        await Promise.all([1, 2, 3].map((n) => pool.promise().query(`SELECT SLEEP(0.02), ${n}`)))
        const before = internals(pool)._allConnections.length
        await until('all are closed', () => internals(pool)._allConnections.length === 0)
        return [before, await outcome(() => pool.promise().query('SELECT 4 AS n'))]
      },
    )

    alone(cluster, { connectionLimit: 1, resetOnRelease: true })('are reset on release', async (pool) => {
      await withConnection(pool, async (connection) => {
        await connection.promise().query('SET @kept = 1')
      })
      return await outcome(() => pool.promise().query('SELECT @kept AS kept'))
    })

    alone(cluster, { connectionLimit: 1 })('keep a session when they are not', async (pool) => {
      await withConnection(pool, async (connection) => {
        await connection.promise().query('SET @kept = 1')
      })
      return await outcome(() => pool.promise().query('SELECT @kept AS kept'))
    })

    alone(cluster, { connectionLimit: 1 })('go back through the pool as well', async (pool) => {
      const promised = pool.promise()
      const connection = await promised.getConnection()
      await connection.query('SELECT 1')
      promised.releaseConnection(connection)
      promised.releaseConnection({} as never)
      const other = await borrow(pool)
      pool.releaseConnection(other)
      return await outcome(() => promised.query('SELECT 2 AS n'))
    })

    alone(cluster, { password: 'wrong' })('cannot be had with a wrong password', async (pool) => [
      await outcome(() => pool.promise().query('SELECT 1')),
      await calledBack((done) => void loose(pool).execute('SELECT 1', done)),
    ])

    alone(cluster, { connectTimeout: 1000, database: 'no_such_database' })(
      'cannot be had without their database',
      (pool) => outcome(() => pool.promise().query('SELECT 1')),
    )
  })

  describe('the end of a pool', () => {
    for (const used of [false, true]) {
      const when = used ? 'after it was used' : 'before it was used'
      const prepared = async (pool: Pool): Promise<void> => {
        if (used) await pool.promise().query('SELECT 1')
      }
      alone(cluster)(`calls back ${when}`, async (pool) => {
        await prepared(pool)
        const calls: unknown[] = []
        const returned = (pool.end as (done: AnyCallback) => unknown)((...args) =>
          calls.push(args.map((arg) => arg ?? null)),
        )
        await until('it has called back', () => calls.length > 0)
        return [returned, calls.map((args) => (args as unknown[]).filter((arg) => arg !== null))]
      })

      alone(cluster)(`resolves ${when}`, async (pool) => {
        await prepared(pool)
        return await outcome(() => pool.promise().end())
      })

      alone(cluster)(`is what is said to what comes ${when}`, async (pool) => {
        await prepared(pool)
        await pool.promise().end()
        return [
          await outcome(() => pool.promise().query('SELECT 1')),
          await outcome(() => pool.promise().execute('SELECT 1')),
          await outcome(() => pool.promise().getConnection()),
          await calledBack((done) => loose(pool).query('SELECT 1', done)),
          await calledBack((done) => void loose(pool).execute('SELECT 1', done)),
          await calledBack((done) => {
            pool.getConnection(done as never)
          }),
          internals(pool)._closed,
        ]
      })

      alone(cluster)(`comes with its disposal ${when}`, async (pool) => {
        await prepared(pool)
        await (pool.promise() as unknown as AsyncDisposable)[Symbol.asyncDispose]()
        return [internals(pool)._closed, await outcome(() => pool.promise().query('SELECT 1'))]
      })

      alone(cluster)(`comes with its disposal at once ${when}`, async (pool) => {
        await prepared(pool)
        const disposable = pool as unknown as Disposable
        disposable[Symbol.dispose]()
        disposable[Symbol.dispose]()
        return [internals(pool)._closed, await outcome(() => pool.promise().query('SELECT 1'))]
      })
    }

    alone(cluster)('lets what runs come to its end', async (pool) => {
      await pool.promise().query('SELECT 1')
      const running = outcome(() => pool.promise().query('SELECT SLEEP(0.05) AS slept'))
      await settled()
      const ended = outcome(() => pool.promise().end())
      return [await running, await ended]
    })
  })

  describe('tracing', () => {
    alone(cluster)('says what the driver says', async (pool) => {
      const said: unknown[] = []
      const channels = ['mysql2:query', 'mysql2:execute'].map((name) => ({
        name,
        channel: tracingChannel(name),
      }))
      const subscribers = channels.map(({ name, channel }) => {
        const note =
          (when: string) =>
          (context: object): void => {
            const { query, values } = context as { query?: string; values?: unknown }
            // A replica's sessions are made read only.
            if (query?.startsWith('SET SESSION') || query?.startsWith('SELECT @@')) return
            said.push([name, when, query, told(values)])
          }
        const handlers = {
          start: note('start'),
          end: note('end'),
          asyncStart: note('asyncStart'),
          asyncEnd: note('asyncEnd'),
          error: note('error'),
        }
        channel.subscribe(handlers)
        return () => {
          channel.unsubscribe(handlers)
        }
      })
      try {
        await pool.promise().query('SELECT 1 AS n')
        await pool.promise().execute('SELECT 2 AS n')
        await calledBack((done) => loose(pool).query('SELECT nonsense', done))
        await withConnection(pool, async (connection) => {
          await connection.promise().query('SELECT 3 AS n')
          await connection.promise().execute('SELECT ? AS n', [4])
        })
      } finally {
        for (const unsubscribe of subscribers) unsubscribe()
      }
      return said
    })
  })

  it('opens no more connections to a node than it may', async () => {
    const options = { connectionLimit: 2 }
    const { router, natives } = watchedRouter({
      primary: { url: cluster.primary.url, ...options },
      replicas: [{ url: cluster.replicas[0]!.url, ...options }],
    })
    try {
      const pool = router.pool().promise()
      await Promise.all(
        Array.from({ length: 20 }, (_, n) => router.scope(() => pool.query(`SELECT SLEEP(0.005), ${n}`))),
      )
      expect(natives.map((native) => internals(native)._allConnections.length)).toEqual([0, 2])
      expect(internals(router.pool())._allConnections.length).toBe(2)
    } finally {
      await router.close()
    }
  })
})
