import { once, type EventEmitter } from 'node:events'
import { Client, Pool, Query, types, type CustomTypesConfig, type PoolClient } from 'pg'
import { afterAll, beforeAll, describe } from 'vitest'
import { describeDialect } from '../servers/provided'
import { runSql } from '../servers/run-sql'
import { until } from '../servers/until'
import { calledBack, outcome, settled, sideBySide, told } from './pg-side-by-side'

/** With a callback: what is thrown at once, and what the driver tells twice, of an error and of an end. */
const NOT_TOLD = ['null', 'nothing', 'a value that cannot be made']

type Loose = (...args: unknown[]) => unknown

/** `query` as JavaScript calls it. */
function loose(from: Pool | PoolClient): Loose {
  return (...args) => (from.query as unknown as Loose).apply(from, args)
}

async function withClient<T>(pool: Pool, fn: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    return await fn(client)
  } finally {
    client.release()
  }
}

describeDialect('postgres', (cluster) => {
  const same = sideBySide(cluster)

  beforeAll(async () => {
    await runSql(cluster.primary.url, 'DROP TABLE IF EXISTS dropped_in')
    await runSql(cluster.primary.url, 'CREATE TABLE dropped_in (id int PRIMARY KEY, body text NOT NULL)')
    await runSql(cluster.primary.url, `INSERT INTO dropped_in VALUES (1, 'one'), (2, 'two')`)
    await cluster.caughtUp()
  })

  afterAll(async () => {
    await runSql(cluster.primary.url, 'DROP TABLE dropped_in')
  })

  describe.each([
    ['a pool', (pool: Pool, fn: (from: Pool | PoolClient) => Promise<unknown>) => fn(pool)],
    ['a client', (pool: Pool, fn: (from: Pool | PoolClient) => Promise<unknown>) => withClient(pool, fn)],
  ])('query of %s', (_name, on) => {
    const queries: readonly [what: string, ...args: readonly unknown[]][] = [
      ['text', 'SELECT id, body FROM dropped_in ORDER BY id'],
      ['text without rows', 'SELECT id FROM dropped_in WHERE false'],
      ['empty text', ''],
      ['values', 'SELECT $1::int AS n, $2::text AS t', [1, null]],
      ['values that are undefined', 'SELECT $1::int AS n', [undefined]],
      ['no values', 'SELECT 1 AS n', []],
      ['a config', { text: 'SELECT $1::int AS n', values: [2] }],
      ['a config with values beside', { text: 'SELECT $1::int AS n' }, [3]],
      ['a named statement', { name: 'four', text: 'SELECT $1::int AS n', values: [4] }],
      ['rows as arrays', { text: 'SELECT 5 AS a, 6 AS a', rowMode: 'array' }],
      ['several statements', 'SELECT 1 AS a; SELECT 2 AS b'],
      [
        'a date, a bigint, json and bytes',
        `SELECT '2020-01-01'::date d, 9e18::bigint b, '{"a":1}'::json j, '\\x00ff'::bytea y`,
      ],
      ['an array and a numeric', `SELECT ARRAY[1,2] AS a, 1.50::numeric AS n, NULL AS nothing, true AS yes`],
      ['binary', { text: 'SELECT $1::int AS n', values: [7], binary: true }],
      ['the extended protocol', { text: 'SELECT 8 AS n', queryMode: 'extended' }],
      ['an insert', `INSERT INTO dropped_in VALUES (1, 'x') ON CONFLICT DO NOTHING`],
      ['an insert that returns', `UPDATE dropped_in SET body = body WHERE id = 2 RETURNING id, body`],
      ['DDL', 'CREATE TABLE IF NOT EXISTS dropped_in (id int)'],
      ['a duplicate key', `INSERT INTO dropped_in VALUES (1, 'again')`],
      ['an unknown column', 'SELECT nonsense FROM dropped_in'],
      ['a syntax error', 'SELEC 1'],
      ['a division by zero', 'SELECT 1 / $1::int', [0]],
      ['a value of the wrong type', 'SELECT $1::int', ['x']],
      ['too few values', 'SELECT $1::int, $2::int', [1]],
      ['values that are no array', 'SELECT $1::text', 'foo'],
      [
        'a value that cannot be made',
        'SELECT $1::text',
        [
          {
            toPostgres: () => {
              throw new Error('no')
            },
          },
        ],
      ],
      ['null', null],
      ['nothing'],
      ['a config without text', {}],
      ['a config whose text is none', { text: {} }],
      ['a number', 5],
      ['undefined after the values', 'SELECT $1::int AS n', [9], undefined],
    ]
    for (const [what, ...args] of queries) {
      same(`takes ${what}`, (pool) => on(pool, (from) => outcome(() => loose(from)(...args))))
    }

    for (const [what, ...args] of queries.filter(([what]) => !NOT_TOLD.includes(what))) {
      same(`tells a callback of ${what}`, (pool) =>
        on(pool, (from) =>
          calledBack((callback) => loose(from)(...args.filter((arg) => arg !== undefined), callback)),
        ),
      )
    }

    same('takes a callback that undefined follows', (pool) =>
      on(pool, (from) => calledBack((callback) => loose(from)('SELECT 1 AS n', callback, undefined))),
    )
    same('takes a callback after values that are undefined', (pool) =>
      on(pool, (from) => calledBack((callback) => loose(from)('SELECT 1 AS n', undefined, callback))),
    )

    same('names a statement once, and refuses another text under its name', (pool) => {
      let parsed = 0
      pool.on('connect', (client) => {
        const { connection } = client as unknown as { connection: EventEmitter }
        connection.on('parseComplete', () => parsed++)
      })
      return on(pool, async (from) => {
        const run = (text: string): Promise<unknown> => outcome(() => loose(from)({ name: 'mine', text }))
        return [
          await run('SELECT 1 AS n'),
          await run('SELECT 1 AS n'),
          await run('SELECT 2 AS n'),
          await run('SELECT 1 AS n'),
          parsed,
        ]
      })
    })

    same('names a statement, and goes on after one that failed', (pool) =>
      on(pool, async (from) => {
        const run = (values: unknown[]): Promise<unknown> =>
          outcome(() => loose(from)({ name: 'div', text: 'SELECT 1 / $1::int AS n', values }))
        return [await run([1]), await run([0]), await run([1])]
      }),
    )

    const shouted = { getTypeParser: () => (value: unknown) => `${String(value)}!` }
    same('parses with the types of the query', (pool) =>
      on(pool, (from) =>
        outcome(() => loose(from)({ text: 'SELECT 1 AS n, $1::text AS t', values: ['a'], types: shouted })),
      ),
    )
    same(
      'parses with the types of the pool',
      (pool) => on(pool, (from) => outcome(() => loose(from)('SELECT 1 AS n, now() IS NULL AS no'))),
      { types: shouted as unknown as CustomTypesConfig },
    )

    same('leaves the config as it was', (pool) =>
      on(pool, async (from) => {
        const config = Object.freeze({ text: 'SELECT $1::int AS n', values: Object.freeze([1]) })
        return [await outcome(() => loose(from)(config)), await outcome(() => loose(from)(config))]
      }),
    )

    same('shows who asked in the stack of an error', (pool) =>
      on(pool, async (from) => {
        async function theOneWhoAsked(): Promise<void> {
          await loose(from)('SELECT nonsense FROM dropped_in')
        }
        const error: unknown = await theOneWhoAsked().catch((thrown: unknown) => thrown)
        return (error as Error).stack?.includes('theOneWhoAsked')
      }),
    )

    same('gives up a statement that takes too long', (pool) =>
      on(pool, (from) => outcome(() => loose(from)({ text: 'SELECT pg_sleep(1)', query_timeout: 20 }))),
    )
    same(
      'gives up a statement that the server ends',
      (pool) => on(pool, (from) => outcome(() => loose(from)('SELECT pg_sleep(5)'))),
      { statement_timeout: 20 },
    )
  })

  describe('a pool', () => {
    same('refuses a function in place of a query', (pool) => calledBack((callback) => loose(pool)(callback)))
    same('takes the callback of a config for none', async (pool) => {
      let called = false
      const callback = (): void => void (called = true)
      return [await outcome(() => loose(pool)({ text: 'SELECT 1 AS n', callback })), called]
    })
    same('answers a pg.Query with a promise', (pool) =>
      outcome(() => loose(pool)(new Query('SELECT 1 AS n'))),
    )
    same('answers a pg.Query with a callback', (pool) =>
      calledBack((callback) => loose(pool)(new Query('SELECT 1 AS n'), callback)),
    )
    same('rejects for a pg.Query that fails', (pool) =>
      outcome(() => loose(pool)(new Query('SELECT nonsense FROM dropped_in'))),
    )

    same('gives a client to a promise', async (pool) => {
      const promise = pool.connect()
      const client = await promise
      const said = [promise instanceof Promise, client instanceof Client, typeof client.release]
      client.release()
      return said
    })

    same('gives a client and its release to a callback, and nothing back', (pool) =>
      calledBack((callback) =>
        (pool.connect as Loose).call(pool, (error: unknown, client: PoolClient, release: () => void) => {
          release()
          callback(error, client instanceof Client, release)
        }),
      ),
    )

    same('takes back a client whose release is called alone, once', async (pool) => {
      const client = await pool.connect()
      const release = client.release.bind(null)
      release()
      return outcome(() => {
        release()
      })
    })

    same('runs more at a time than it has connections', async (pool) => {
      const results = await Promise.all(
        Array.from({ length: 30 }, (_, n) => pool.query<{ n: number }>('SELECT $1::int AS n', [n])),
      )
      return [results.map(({ rows }) => rows[0]!.n), pool.totalCount, pool.idleCount, pool.waitingCount]
    })

    same('counts what is out, idle and waiting', async (pool) => {
      const counts = (): number[] => [pool.totalCount, pool.idleCount, pool.waitingCount, pool.expiredCount]
      const said = [counts()]
      const clients = await Promise.all([pool.connect(), pool.connect()])
      for (const client of clients) await client.query('SELECT 1')
      said.push(counts())
      const waiting = pool.query('SELECT 1')
      said.push(counts())
      clients[0].release()
      await waiting
      said.push(counts())
      clients[1].release()
      said.push(counts())
      return said
    })

    same('closes the connection of a failed statement of its own, and goes on', async (pool) => {
      const said: unknown[] = []
      for (let time = 0; time < 5; time++) {
        said.push(await outcome(() => pool.query('nonsense')), pool.totalCount)
      }
      said.push(await outcome(() => pool.query('SELECT 1 AS n')), pool.totalCount)
      return said
    })

    same('emits connect, acquire, release and remove in their order', async (pool) => {
      const events: unknown[] = []
      for (const event of ['connect', 'acquire', 'release', 'remove']) {
        pool.on(event as 'release', (...args: unknown[]) => {
          events.push([event, args.map((arg) => (arg instanceof Client ? 'a client' : told(arg)))])
        })
      }
      await pool.query('SELECT 1')
      await withClient(pool, (client) => client.query('SELECT 1'))
      await pool.query('SELECT nonsense').catch(() => undefined)
      await until('it is removed', () => events.length === 8)
      const client = await pool.connect()
      await client.query('SELECT 1')
      client.release(new Error('problem'))
      await until('it is removed', () => events.length === 12)
      return events
    })

    same('has the methods, fields and options of a pool', (pool) => {
      const { options } = pool
      return [
        pool instanceof Pool,
        Object.keys(options)
          .filter((key) => key !== 'connectionString' && key !== 'url')
          .sort(),
        options.max,
        options.idleTimeoutMillis,
        pool.ending,
        pool.ended,
        (['on', 'once', 'off', 'query', 'connect', 'end'] as const).map((name) => typeof pool[name]),
      ]
    })

    same(
      'keeps the password in its options, where nobody sees it by chance',
      (pool) => [
        (pool.options as { password?: string }).password,
        Object.keys(pool.options).includes('password'),
      ],
      { password: 'app' },
    )
  })

  describe('a pool that ends', () => {
    same('ends unused, with a promise', async (pool) => [
      await outcome(() => pool.end()),
      pool.ending,
      pool.ended,
    ])
    same('ends unused, with a callback', async (pool) => [
      // The driver calls back before `end` returns, we after.
      (await calledBack((callback) => (pool.end as Loose).call(pool, callback))).calls.length,
      pool.ended,
    ])
    same('lets its statements finish', async (pool) => {
      const queries = [pool.query('SELECT 1 AS n'), pool.query('SELECT 2 AS n')]
      await pool.end()
      return [(await Promise.all(queries)).map(told), pool.totalCount, pool.ended]
    })
    same('waits for a client that is out, which can be used until it is released', async (pool) => {
      const client = await pool.connect()
      const order: unknown[] = []
      const ended = pool.end().then(() => order.push('ended'))
      await settled()
      order.push(pool.ending, pool.ended)
      order.push(await outcome(() => client.query('SELECT 1 AS n')))
      order.push(await outcome(() => client.query('CREATE TEMP TABLE late AS SELECT 1')))
      order.push('released')
      client.release()
      await ended
      return [order, pool.ended]
    })
    same('refuses what comes after, by promise', async (pool) => {
      await pool.end()
      return [
        await outcome(() => pool.query('SELECT 1')),
        await outcome(() => pool.connect()),
        await outcome(() => pool.end()),
      ]
    })
    same('refuses what comes after, by callback', async (pool) => {
      await pool.end()
      const ends = pool.end.bind(pool) as Loose
      const connects = pool.connect.bind(pool) as Loose
      return [
        await calledBack((callback) => loose(pool)('SELECT 1', callback)),
        await calledBack((callback) => connects(callback)),
        await calledBack((callback) => ends(callback)),
      ]
    })
  })

  describe('the options of a pool', () => {
    same(
      'max is the most that it opens',
      async (pool) => {
        await Promise.all(Array.from({ length: 9 }, () => pool.query('SELECT 1')))
        return pool.totalCount
      },
      { max: 3 },
    )
    same(
      'idleTimeoutMillis closes what nobody uses',
      async (pool) => {
        const removed = once(pool, 'remove')
        await pool.query('SELECT 1')
        await removed
        return [pool.totalCount, pool.idleCount]
      },
      { idleTimeoutMillis: 5 },
    )
    same(
      'min is kept open',
      async (pool) => {
        const removed = once(pool, 'remove')
        await Promise.all([pool.query('SELECT 1'), pool.query('SELECT 1')])
        await removed
        return [pool.totalCount, pool.idleCount]
      },
      { idleTimeoutMillis: 5, min: 1 },
    )
    same(
      'connectionTimeoutMillis ends the waiting for a free one',
      async (pool) => {
        const client = await pool.connect()
        await client.query('SELECT 1')
        const said = await outcome(() => pool.query('SELECT 1'))
        client.release()
        return [said, await outcome(() => pool.query('SELECT 1 AS n'))]
      },
      { max: 1, connectionTimeoutMillis: 500 },
    )
    same(
      'maxUses closes what was used so often',
      async (pool) => {
        const pids = new Set<unknown>()
        for (let time = 0; time < 6; time++) {
          const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
          pids.add(rows[0]!.pid)
        }
        return pids.size
      },
      { maxUses: 2 },
    )
    same(
      'maxLifetimeSeconds closes what is so old',
      async (pool) => {
        const removed = once(pool, 'remove')
        await pool.query('SELECT 1')
        await removed
        return [pool.totalCount, pool.expiredCount]
      },
      { maxLifetimeSeconds: 0.05 },
    )
    same(
      'onConnect sees a new connection before anybody else',
      async (pool) => {
        const said = await outcome(() => pool.query('SHOW application_name'))
        return [
          said,
          await withClient(pool, async (client) => told(await client.query('SHOW application_name'))),
        ]
      },
      {
        onConnect: (client: PoolClient) =>
          client.query(`SET application_name = 'hooked'`).then(() => undefined),
      } as object,
    )
    same(
      'onConnect that throws fails the statement, and the pool goes on',
      async (pool) => [await outcome(() => pool.query('SELECT 1')), pool.totalCount, pool.idleCount],
      {
        onConnect: () => {
          throw new Error('not today')
        },
      },
    )
    same(
      'verify that refuses fails the statement',
      async (pool) => [await outcome(() => pool.query('SELECT 1')), pool.totalCount],
      {
        verify: (_client, done) => {
          done(new Error('nope'))
        },
      },
    )
    const logged: unknown[] = []
    same(
      'log is told',
      async (pool) => {
        logged.length = 0
        await pool.query('SELECT 1')
        return logged.length > 0
      },
      { log: (message) => logged.push(message) },
    )
    same(
      'application_name and options reach the server',
      (pool) =>
        outcome(() =>
          pool.query(`SELECT current_setting('application_name') a, current_setting('work_mem') w`),
        ),
      { application_name: 'dropped in', options: '-c work_mem=5MB' },
    )
    same(
      'pipeline sends statements together, and refuses a cursor',
      (pool) =>
        withClient(pool, async (client) => {
          const said = await Promise.all([1, 2, 3].map((n) => client.query('SELECT $1::int AS n', [n])))
          return [said.map(told), (client as unknown as { pipeline: boolean }).pipeline]
        }),
      { pipeline: true },
    )
    same(
      'binary is seen on the client',
      (pool) =>
        withClient(pool, async (client) => [
          (client as unknown as { binary: boolean }).binary,
          await outcome(() => client.query('SELECT 1::int AS n, $1::text AS t', ['a'])),
        ]),
      { binary: true } as object,
    )

    class Chatty extends Client {
      async one(text: string): Promise<unknown> {
        return (await this.query<Record<string, unknown>>(text)).rows[0]
      }
    }
    same(
      'Client is the class of its clients',
      (pool) =>
        withClient(pool, async (client) => [
          client instanceof Chatty,
          await (client as unknown as Chatty).one('SELECT 1 AS n'),
          (pool as unknown as { Client: unknown }).Client === Chatty,
        ]),
      { Client: Chatty },
    )

    class Promised<T> extends Promise<T> {}
    same(
      'Promise is the class of its promises',
      async (pool) => {
        const promises: Promise<unknown>[] = [
          pool.query('SELECT 1'),
          pool.query('SELECT nonsense'),
          pool.connect().then((client) => {
            client.release()
          }),
          pool.end(),
          pool.end(),
          pool.query('SELECT 1'),
          pool.connect(),
        ]
        await Promise.allSettled(promises)
        return promises.map((promise) => promise instanceof Promised)
      },
      { max: 5, Promise: Promised as unknown as PromiseConstructor },
    )
    same(
      'Promise is the class of the promises of its clients',
      (pool) =>
        withClient(pool, async (client) => {
          const promise = client.query('SELECT 1')
          await promise
          return promise instanceof Promised
        }),
      { Promise: Promised as unknown as PromiseConstructor },
    )
  })

  describe('a client', () => {
    same('escapes', (pool) =>
      withClient(pool, (client) =>
        Promise.resolve([client.escapeLiteral(`it's a \\`), client.escapeIdentifier('a "b"')]),
      ),
    )

    same('has the members of a pg.Client', (pool) =>
      withClient(pool, async (client) => {
        const members = [
          ...[
            'query',
            'release',
            'connect',
            'end',
            'on',
            'once',
            'off',
            'emit',
            'removeListener',
            'ref',
            'unref',
          ],
          ...['escapeLiteral', 'escapeIdentifier', 'getTypeParser', 'setTypeParser', 'getTransactionStatus'],
          ...[
            'user',
            'host',
            'database',
            'port',
            'binary',
            'pipeline',
            'replication',
            'ssl',
            'connectionParameters',
          ],
        ]
        const have = (): string[] =>
          members.map((name) => typeof (client as unknown as Record<string, unknown>)[name])
        const before = have()
        await client.query('SELECT 1')
        return [before, have(), typeof (client as unknown as Client & { processID: unknown }).processID]
      }),
    )

    same('refuses to connect again', (pool) =>
      withClient(pool, async (client) => [
        await outcome(() => (client as unknown as Client).connect()),
        await calledBack((callback) => {
          ;(client as unknown as Client).connect(callback)
        }),
      ]),
    )

    same('throws at once what is no query', (pool) =>
      withClient(pool, async (client) => [
        await outcome(() => loose(client)(null)),
        await outcome(() => loose(client)()),
        await outcome(() => loose(client)('SELECT 1', [], 'no function')),
      ]),
    )

    same('hears notices', (pool) =>
      withClient(pool, async (client) => {
        const heard: unknown[] = []
        client.on('notice', ({ message, severity, name, length }) =>
          heard.push([message, severity, name, length]),
        )
        await client.query(`DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; END $$`)
        return heard
      }),
    )

    same('hears notifications', (pool) =>
      withClient(pool, async (client) => {
        const heard: unknown[] = []
        client.on('notification', ({ channel, payload }) => heard.push([channel, payload]))
        await client.query('LISTEN dropped_in')
        await pool.query(`SELECT pg_notify('dropped_in', 'hello')`)
        await pool.query(`NOTIFY dropped_in, 'again'`)
        await until('both are heard', () => heard.length === 2)
        await client.query('UNLISTEN *')
        return heard
      }),
    )

    same('parses as it is told, and no other does', (pool) =>
      withClient(pool, async (client) => {
        const before = client.getTypeParser(types.builtins.INT4)('7')
        client.setTypeParser(types.builtins.INT4, (text) => `<${text}>`)
        const said = [before, client.getTypeParser(types.builtins.INT4)('7')]
        said.push((await client.query('SELECT 1::int AS n')).rows)
        said.push(client.getTypeParser(types.builtins.INT4)('7'))
        said.push((await withClient(pool, (other) => other.query('SELECT 1::int AS n'))).rows)
        return said
      }),
    )

    same('runs what nobody awaits in its order, and drains once', (pool) =>
      withClient(pool, async (client) => {
        let drained = 0
        client.on('drain', () => drained++)
        const order: unknown[] = []
        await Promise.all(
          [1, 2, 3].map((n) => client.query('SELECT $1::int AS n', [n]).then(({ rows }) => order.push(rows))),
        )
        await settled()
        return [order, drained]
      }),
    )

    same('runs what callbacks ask inside each other', (pool) =>
      withClient(
        pool,
        (client) =>
          new Promise((resolve) => {
            client.query('SELECT 1 AS a', (_error, first) => {
              client.query('SELECT 2 AS b', (_error, second) => {
                resolve([first.rows, second.rows])
              })
            })
          }),
      ),
    )

    same('runs a transaction', async (pool) =>
      withClient(pool, async (client) => {
        const status = (): unknown => (client as unknown as Client).getTransactionStatus()
        const said: unknown[] = []
        const step = async (text: string, expected: string): Promise<void> => {
          said.push(await outcome(() => client.query(text)))
          // It comes behind an error, in the same packet or in one of its own.
          await until(`the status is ${expected}`, () => status() === expected)
        }
        await step('BEGIN', 'T')
        await step(`INSERT INTO dropped_in VALUES (99, 'in')`, 'T')
        await step('SELECT body FROM dropped_in WHERE id = 99', 'T')
        await step('SAVEPOINT s', 'T')
        await step(`INSERT INTO dropped_in VALUES (99, 'twice')`, 'E')
        await step('SELECT 1', 'E')
        await step('ROLLBACK TO s', 'T')
        await step('ROLLBACK', 'I')
        await step('SELECT count(*)::int AS n FROM dropped_in WHERE id = 99', 'I')
        return said
      }),
    )

    same('keeps its session', (pool) =>
      withClient(pool, async (client) => {
        await client.query(`CREATE TEMP TABLE mine (n int)`)
        void client.query('INSERT INTO mine VALUES (1)')
        void client.query({ name: 'ins', text: 'INSERT INTO mine VALUES ($1)', values: [2] })
        return (await client.query('SELECT n FROM mine ORDER BY n')).rows
      }),
    )

    same('tells a pg.Query’s listeners of rows and end', (pool) =>
      withClient(pool, async (client) => {
        const said: unknown[] = []
        const query = new Query('SELECT id FROM dropped_in ORDER BY id')
        for (const event of ['row', 'end', 'error']) {
          query.on(event as 'row', (value: unknown) => said.push([event, told(value)]))
        }
        said.push(client.query(query) === query)
        await once(query, 'end')
        return said
      }),
    )
    same('tells the callback that a pg.Query has already, and no other', (pool) =>
      withClient(pool, async (client) => {
        let other = 0
        const own = await calledBack((callback) => {
          const query = new Query({ text: 'SELECT 1 AS n', callback } as never)
          loose(client)(query, () => other++)
        })
        return [own.calls, other]
      }),
    )
    same('tells a pg.Query’s listeners of an error', (pool) =>
      withClient(pool, async (client) => {
        const said: unknown[] = []
        const query = client.query(new Query('SELECT nonsense FROM dropped_in'))
        for (const event of ['row', 'end', 'error']) {
          query.on(event as 'row', (value: unknown) => said.push([event, told(value)]))
        }
        await until('it is told', () => said.length > 0)
        return [said, await outcome(() => client.query('SELECT 1 AS n'))]
      }),
    )
  })
})
