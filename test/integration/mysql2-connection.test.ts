import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import * as mysql2 from 'mysql2'
import type { Pool, PoolConnection, PrepareStatementInfo, Query } from 'mysql2'
import * as mysql2Promise from 'mysql2/promise'
import type { PoolConnection as PromisedConnection } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
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
  settle,
  settled,
  sideBySide,
  told,
  watchedRouter,
  withConnection,
  type AnyCallback,
} from './mysql2-side-by-side'

/** A method of a connection as JavaScript calls it. */
type Loose = Record<string, (...args: unknown[]) => unknown>

function loose(from: object): Loose {
  return from as unknown as Loose
}

async function withPromised<T>(pool: Pool, fn: (connection: PromisedConnection) => Promise<T>): Promise<T> {
  const connection = await pool.promise().getConnection()
  try {
    return await fn(connection)
  } finally {
    connection.release()
  }
}

async function rowsOf(from: Pick<PromisedConnection, 'query'>, sql: string): Promise<unknown> {
  return told((await from.query(sql))[0])
}

describeDialect('mysql', (cluster) => {
  const same = sideBySide(cluster)
  const COUNT = 'SELECT count(*) AS n FROM connected'

  beforeAll(async () => {
    const { url } = cluster.primary
    await runSql(url, 'DROP TABLE IF EXISTS connected')
    await runSql(url, 'CREATE TABLE connected (body varchar(20) PRIMARY KEY)')
    await cluster.caughtUp()
  })

  afterAll(async () => {
    await runSql(cluster.primary.url, 'DROP TABLE connected')
  })

  describe('a transaction', () => {
    same('is begun, committed and rolled back with promises', (pool) =>
      withPromised(pool, async (connection) => {
        const said: unknown[] = [await outcome(() => connection.beginTransaction())]
        said.push(await outcome(() => connection.query(`INSERT INTO connected VALUES ('a')`)))
        said.push(await rowsOf(connection, COUNT))
        said.push(await outcome(() => connection.rollback()), await rowsOf(connection, COUNT))
        await connection.beginTransaction()
        await connection.query(`INSERT INTO connected VALUES ('a')`)
        said.push(await outcome(() => connection.commit()), await rowsOf(connection, COUNT))
        await connection.query('DELETE FROM connected')
        return said
      }),
    )

    same('is begun, committed and rolled back with callbacks', (pool) =>
      withConnection(pool, async (connection) => {
        const from = loose(connection)
        const said: unknown[] = []
        for (const end of ['rollback', 'commit']) {
          said.push(await calledBack((done) => from['beginTransaction']!(done)))
          said.push(await calledBack((done) => from['query']!(`INSERT INTO connected VALUES ('b')`, done)))
          said.push(await calledBack((done) => from[end]!(done)))
          said.push(await rowsOf(connection.promise(), COUNT))
        }
        await connection.promise().query('DELETE FROM connected')
        return said
      }),
    )

    same('may be begun with nobody to hear of it', (pool) =>
      withConnection(pool, async (connection) => {
        const from = loose(connection)
        for (const step of ['beginTransaction', 'rollback', 'beginTransaction', 'commit']) from[step]!()
        return await rowsOf(connection.promise(), COUNT)
      }),
    )

    same('goes on after an error in it', (pool) =>
      withPromised(pool, async (connection) => {
        await connection.beginTransaction()
        await connection.query(`INSERT INTO connected VALUES ('a')`)
        const said = [
          await outcome(() => connection.query(`INSERT INTO connected VALUES ('a')`)),
          await outcome(() => connection.execute('SELECT nonsense')),
          await rowsOf(connection, COUNT),
        ]
        await connection.rollback()
        return [...said, await rowsOf(connection, COUNT)]
      }),
    )
  })

  describe('a prepared statement', () => {
    same('is executed and closed with callbacks', (pool) =>
      withConnection(pool, async (connection) => {
        const from = loose(connection)
        let statement!: PrepareStatementInfo
        const said: unknown[] = [
          await calledBack((done) => {
            const command = from['prepare']!(
              'SELECT ? + 1 AS n, ? AS t',
              (error: unknown, prepared: unknown) => {
                statement = prepared as PrepareStatementInfo
                done(error, (prepared as object).constructor.name)
              },
            ) as Query
            return [command.constructor.name, typeof (command as Partial<PromiseLike<unknown>>).then]
          }),
        ]
        const { id, columns, parameters, query } = statement as unknown as Record<string, unknown>
        said.push(typeof id, told(columns), told(parameters), query)
        const run = loose(statement)
        said.push(
          await calledBack((done) => run['execute']!([1, 'x'], done)),
          await calledBack((done) => run['execute']!([2, null], done)),
          await emitted(() => run['execute']!([3, 'y'])),
        )
        run['close']!()
        said.push(await rowsOf(connection.promise(), 'SELECT 1 AS a'))
        return said
      }),
    )

    same('is executed and closed with promises', (pool) =>
      withPromised(pool, async (connection) => {
        const statement = await connection.prepare('SELECT ? + 1 AS n')
        const said: unknown[] = [statement.constructor.name]
        for (const values of [[1], [2], [null], [undefined]]) {
          said.push(await outcome(() => statement.execute(values)))
        }
        said.push(await outcome(() => statement.close()))
        const plain = await connection.prepare('SELECT 1 AS a')
        said.push(await outcome(() => loose(plain)['execute']!()))
        await plain.close()
        return said
      }),
    )

    same('takes of its options what the driver takes', (pool) =>
      withPromised(pool, async (connection) => {
        const options = {
          sql: 'SELECT ? AS a',
          rowsAsArray: true,
          values: ['of the options'],
          nestTables: true,
        }
        const statement = await connection.prepare(options)
        const said = await outcome(() => statement.execute(['given']))
        await statement.close()
        return said
      }),
    )

    sideBySide(cluster, { namedPlaceholders: true })('knows no names', (pool) =>
      withPromised(pool, async (connection) => {
        const statement = await connection.prepare('SELECT ? AS a')
        const said = await outcome(() => statement.execute([1]))
        await statement.close()
        return said
      }),
    )

    same('says why it cannot be prepared', (pool) =>
      withConnection(pool, async (connection) => {
        const from = loose(connection)
        return [
          await calledBack((done) => void from['prepare']!('SELEC ?', done)),
          await outcome(() => connection.promise().prepare('SELECT nonsense')),
          await emitted(() => from['prepare']!('SELECT nonsense')).catch(String),
        ]
      }),
    )

    same('streams', (pool) =>
      withConnection(pool, async (connection) => {
        const statement = await new Promise<PrepareStatementInfo>((resolve, reject) => {
          connection.prepare('SELECT ? AS a UNION ALL SELECT 2', (error, prepared) => {
            if (error) reject(error)
            else resolve(prepared)
          })
        })
        const command = loose(statement)['execute']!([1]) as Query
        const rows = await command.stream().toArray()
        statement.close()
        return told(rows)
      }),
    )

    same('writes', (pool) =>
      withPromised(pool, async (connection) => {
        const statement = await connection.prepare('INSERT INTO connected VALUES (?)')
        const said = [
          await outcome(() => statement.execute(['p'])),
          await outcome(() => statement.execute(['p'])),
        ]
        await statement.close()
        await connection.query('DELETE FROM connected')
        return said
      }),
    )

    same('is forgotten by its text', (pool) =>
      withConnection(pool, async (connection) => {
        const promised = connection.promise()
        const sql = 'SELECT 1 AS forgotten'
        const said: unknown[] = [told(connection.unprepare(sql))]
        await promised.execute(sql)
        said.push(told(connection.unprepare(sql)), told(connection.unprepare(sql)))
        await promised.execute({ sql, rowsAsArray: true })
        said.push(told(loose(promised)['unprepare']!(sql)))
        said.push(told(loose(promised)['unprepare']!({ sql, rowsAsArray: true })))
        said.push(await outcome(() => promised.execute(sql)))
        return said
      }),
    )

    // The driver's handle is of no use then, and its text fails for whoever has the connection next.
    it('is prepared anew when it is executed after its end', async () => {
      const { router } = watchedRouter({ primary: cluster.primary.url, replicas: [] })
      try {
        const connection = await router.pool().promise().getConnection()
        const statement = await connection.prepare('SELECT ? AS again')
        await statement.close()
        expect((await statement.execute([1]))[0]).toEqual([{ again: 1 }])
        expect((await connection.execute('SELECT ? AS again', [2]))[0]).toEqual([{ again: 2 }])
        connection.release()
      } finally {
        await router.close()
      }
    })

    same('leaves nothing on the server', (pool) =>
      withPromised(pool, async (connection) => {
        await connection.beginTransaction()
        const open = async (): Promise<unknown> => {
          // The server reads what is sent in order, so that this is answered when all are closed.
          await connection.ping()
          return await runSql(
            cluster.primary.adminUrl,
            `SELECT count(*) AS n FROM performance_schema.prepared_statements_instances
              JOIN performance_schema.threads ON THREAD_ID = OWNER_THREAD_ID
              WHERE PROCESSLIST_ID = ${String(connection.threadId)}`,
          )
        }
        const before = await open()
        const statements = await Promise.all(
          [1, 2, 3].map((n) => connection.prepare(`SELECT ${n} AS left_open`)),
        )
        for (const statement of statements) await statement.execute([])
        const during = await open()
        for (const statement of statements) await statement.close()
        const after = await open()
        await connection.commit()
        return [before, during, after]
          .map((rows) => (rows as { n: number }[])[0]!.n)
          .map((n, _, [first]) => n - first!)
      }),
    )
  })

  describe('what has no text', () => {
    same('pings', (pool) =>
      withConnection(pool, async (connection) => {
        connection.ping()
        return [
          await calledBack((done) => void loose(connection)['ping']!(done)),
          await outcome(() => connection.promise().ping()),
          await rowsOf(connection.promise(), 'SELECT 1 AS a'),
        ]
      }),
    )

    same('resets the session', (pool) =>
      withConnection(pool, async (connection) => {
        const promised = connection.promise()
        const said: unknown[] = []
        for (const reset of [
          () => calledBack((done) => void loose(connection)['reset']!(done)),
          () => outcome(() => promised.reset()),
        ]) {
          await promised.query('SET @kept = 1')
          await promised.execute('SELECT @kept AS kept')
          said.push(await reset(), await outcome(() => promised.execute('SELECT @kept AS kept')))
        }
        return said
      }),
    )

    same('changes the user', async (pool) => {
      const promised = await pool.promise().getConnection()
      const { connection } = promised as unknown as { connection: PoolConnection }
      const admin = { user: 'admin', password: 'admin' }
      const said: unknown[] = [
        await calledBack((done) => void loose(connection)['changeUser']!(admin, done)),
        await rowsOf(promised, 'SELECT CURRENT_USER() AS who'),
        connection.config.user,
        await outcome(() => promised.changeUser({ user: 'app', password: 'app', database: 'app' })),
        await rowsOf(promised, 'SELECT CURRENT_USER() AS who, DATABASE() AS base'),
        await calledBack((done) => void loose(connection)['changeUser']!(done)),
        (pool.config as unknown as { connectionConfig: { user: string } }).connectionConfig.user,
      ]
      promised.destroy()
      said.push(await outcome(() => pool.promise().query('SELECT CURRENT_USER() AS who')))
      return said
    })

    same('does not change to a user who may not', async (pool) => {
      const nobody = { user: 'nobody', password: 'x' }
      const said: unknown[] = []
      for (const form of ['callback', 'promise']) {
        const connection = await borrow(pool)
        await connection.promise().query('DO 0')
        said.push(
          form === 'callback'
            ? await calledBack((done) => void loose(connection)['changeUser']!(nobody, done))
            : await outcome(() => connection.promise().changeUser(nobody)),
        )
        connection.destroy()
      }
      return said
    })
  })

  describe('a command', () => {
    same('of its own is sent as it is', (pool) =>
      withConnection(pool, async (connection) => {
        const said: unknown[] = []
        const { createQuery } = mysql2 as unknown as {
          readonly createQuery: (
            sql: unknown,
            values: unknown,
            done: AnyCallback | undefined,
            config: object,
          ) => Query
        }
        for (const sql of ['SELECT ? AS a', { sql: 'SELECT ? AS a', rowsAsArray: true }]) {
          said.push(
            await calledBack((done) => {
              const command = createQuery(sql, [1], done, connection.config)
              expect(loose(connection)['query']!(command)).toBe(command)
              return command
            }),
          )
        }
        const silent = createQuery('SELECT ? AS a', [2], undefined, connection.config)
        said.push(await emitted(() => loose(connection)['query']!(silent)))
        return said
      }),
    )

    same('takes its callback for values', (pool) =>
      withConnection(pool, async (connection) => [
        await calledBack((done) => loose(pool)['query']!('SELECT 1 AS a', done, undefined)),
        await calledBack((done) => void loose(pool)['execute']!('SELECT 1 AS a', done, undefined)),
        await calledBack((done) => loose(connection)['query']!('SELECT 1 AS a', done, undefined)),
        await calledBack((done) => loose(connection)['execute']!('SELECT 1 AS a', done, undefined)),
        await calledBack((done) => loose(connection)['query']!('SELECT 1 AS a', undefined, done)),
        await calledBack((done) => loose(connection)['query']!('SELECT 1 AS a', null, done)),
        await calledBack((done) => loose(pool)['query']!({ sql: 'SELECT ? AS a' }, [1], done)),
      ]),
    )

    same('has the text that is sent, at once', (pool) =>
      withConnection(pool, async (connection) => {
        const shown = ({ sql }: Query): unknown => sql
        const commands = [
          connection.query('SELECT ? AS a', ['x']),
          connection.query({ sql: 'SELECT :a AS a', namedPlaceholders: true, values: { a: 1 } }),
          connection.execute('SELECT ? AS a', ['x']),
        ]
        const said = commands.map(shown)
        await connection.promise().query('DO 0')
        const command = pool.query('SELECT ? AS a', ['x'])
        await once(command as never, 'end')
        return [...said, shown(command)]
      }),
    )

    same('sends the values it was given, whatever happens to them', (pool) =>
      withConnection(pool, async (connection) => {
        await connection.promise().query('DO 0')
        const values: unknown[] = []
        const asked = [1, 2, 3].map((n) => {
          values[0] = n
          return new Promise((resolve) => {
            connection.query('SELECT ? AS n', values, (_, rows) => {
              resolve(told(rows))
            })
          })
        })
        values[0] = 4
        return await Promise.all(asked)
      }),
    )

    it('executes the values it was given, whatever happens to them', async () => {
      const { router } = watchedRouter({ primary: cluster.primary.url, replicas: [] })
      try {
        const connection = await borrow(router.pool())
        const values = [1]
        const asked = connection.promise().execute('SELECT ? AS n', values)
        values[0] = 2
        expect((await asked)[0]).toEqual([{ n: 1 }])
        connection.release()
      } finally {
        await router.close()
      }
    })

    same('is answered in turn', (pool) =>
      withConnection(pool, async (connection) => {
        const said: unknown[] = []
        const say = (what: string) => (): void => void said.push(what)
        connection.query('SELECT 1', say('first'))
        connection.execute('SELECT 2', say('second'))
        connection.query('SELECT 3').on('end', say('third'))
        loose(connection)['ping']!(say('fourth'))
        connection.query('DO 0', say('fifth'))
        connection.query('SELECT nonsense', say('sixth'))
        connection.commit(say('seventh'))
        await until('all are answered', () => said.length === 7)
        return said
      }),
    )

    same('can be given up after a time', (pool) =>
      withConnection(pool, async (connection) => [
        await outcome(() => connection.promise().query({ sql: 'SELECT SLEEP(0.06)', timeout: 10 })),
        await outcome(() => connection.promise().query('SELECT 1 AS a')),
        await outcome(() => pool.promise().execute({ sql: 'SELECT SLEEP(0.06)', timeout: 10 })),
        await outcome(() => pool.promise().query('SELECT 1 AS a')),
      ]),
    )
  })

  describe('a connection', () => {
    same('is paused and resumed', (pool) =>
      withPromised(pool, async (promised) => {
        const { connection } = promised as unknown as { connection: PoolConnection }
        await promised.query('SELECT 1')
        const said: unknown[] = []
        for (const from of [loose(promised), loose(connection)]) {
          const answers: unknown[] = []
          const command = connection.query('SELECT 2 AS a UNION ALL SELECT 3')
          command.on('result', (row: unknown) => {
            if (answers.length === 0) from['pause']!()
            answers.push(told(row))
          })
          const ended = once(command as never, 'end')
          await until('there is an answer', () => answers.length > 0)
          const other = pool.promise().query('SELECT SLEEP(0.02)')
          await other
          said.push(answers.length)
          from['resume']!()
          await ended
          said.push(answers)
        }
        return said
      }),
    )

    same('says what it is', (pool) =>
      withPromised(pool, async (promised) => {
        const { connection } = promised as unknown as { connection: PoolConnection }
        const [[row]] = (await promised.query('SELECT CONNECTION_ID() AS id')) as unknown as [
          [{ id: number }],
        ]
        const {
          _fatalError: fatal,
          _protocolError: protocol,
          _closing: closing,
          stream,
        } = connection as unknown as {
          _fatalError: unknown
          _protocolError: unknown
          _closing: unknown
          stream: { destroyed: boolean }
        }
        return [
          promised.threadId === row.id,
          connection.threadId === row.id,
          connection.state,
          (connection.config as { user?: string }).user,
          promised.config === connection.config,
          connection instanceof mysql2.PoolConnection,
          promised instanceof mysql2Promise.PoolConnection,
          connection.promise() instanceof mysql2Promise.PoolConnection,
          fatal,
          protocol,
          Boolean(closing),
          stream.destroyed,
        ]
      }),
    )

    same('counts as connected', (pool) =>
      withConnection(pool, async (connection) => {
        const said: unknown[] = []
        connection.connect((...args) => said.push(args.map(told).map((arg) => arg === null)))
        connection.connect()
        const connected: unknown = await loose(connection.promise())['connect']!()
        said.push(connected === connection)
        return said
      }),
    )

    alone(cluster, { connectionLimit: 1 })('goes back once, however it is given back', async (pool) => {
      const said: unknown[] = []
      pool.on('release', () => said.push('release'))
      const ways: ((connection: PoolConnection) => unknown)[] = [
        (connection) => {
          connection.release()
        },
        (connection) => {
          connection.promise().release()
        },
        (connection) => {
          ;(connection as unknown as Disposable)[Symbol.dispose]()
        },
        (connection) => (connection.promise() as unknown as AsyncDisposable)[Symbol.asyncDispose](),
      ]
      for (const way of ways) {
        const connection = await borrow(pool)
        await connection.promise().query('SELECT 1')
        said.push(told(await way(connection)))
        connection.release()
        await settled()
        said.push(internals(pool)._freeConnections.length)
      }
      return said
    })

    alone(cluster, { connectionLimit: 1 })('is the same one the next time', async (pool) => {
      const ids = []
      for (let time = 0; time < 3; time++) {
        ids.push(
          await withConnection(pool, (connection) =>
            rowsOf(connection.promise(), 'SELECT CONNECTION_ID() AS id'),
          ),
        )
      }
      return new Set(ids.map((id) => JSON.stringify(id))).size
    })

    for (const way of ['destroy', 'close'] as const) {
      for (const form of ['callback', 'promise'] as const) {
        alone(cluster, { connectionLimit: 1 })(
          `is closed by ${way}, with a ${form} connection`,
          async (pool) => {
            const connection = await borrow(pool)
            const ends: unknown[] = []
            connection.on('end', () => ends.push('end'))
            await connection.promise().query('SELECT 1')
            const from = form === 'callback' ? connection : connection.promise()
            const said: unknown[] = [told(loose(from)[way]!())]
            said.push(Boolean((connection as unknown as { _closing: unknown })._closing), connection.state)
            said.push(
              await outcome(() => connection.promise().query('SELECT 1')),
              await outcome(() => connection.promise().execute('SELECT 1')),
              await outcome(() => connection.promise().beginTransaction()),
              await outcome(() => connection.promise().ping()),
              await outcome(() => connection.promise().prepare('SELECT 1')),
            )
            await until('it has left the pool', () => internals(pool)._allConnections.length === 0)
            connection.release()
            said.push(await outcome(() => pool.promise().query('SELECT 1 AS a')))
            await until('it has said so', () => ends.length > 0)
            return [...said, ends]
          },
        )
      }
    }

    alone(cluster, { connectionLimit: 1 })('is closed before it was used', async (pool) => {
      const connection = await borrow(pool)
      connection.destroy()
      connection.destroy()
      const { _closing, stream } = connection as unknown as {
        _closing: boolean
        stream: { writable: boolean }
      }
      return [
        _closing,
        stream.writable,
        connection.state,
        await outcome(() => connection.promise().query('SELECT 1')),
        internals(pool)._allConnections.length,
      ]
    })

    alone(cluster)('goes back, with a warning, when it is ended', async (pool) => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
      try {
        const connection = await borrow(pool)
        await connection.promise().query('SELECT 1')
        const said: unknown[] = []
        connection.on('warn', (...values: unknown[]) => said.push(values.map(told)))
        said.push(await calledBack((done) => loose(connection)['end']!(done)))
        await settled()
        said.push(warn.mock.calls, internals(pool)._freeConnections.length)
        return said
      } finally {
        warn.mockRestore()
      }
    })

    alone(cluster, { gracefulEnd: true })(
      'is closed when it is ended, where the pool says so',
      async (pool) => {
        const connection = await borrow(pool)
        await connection.promise().query('SELECT 1')
        const said: unknown[] = [await outcome(() => connection.promise().end())]
        await until('it has left the pool', () => internals(pool)._allConnections.length === 0)
        said.push(await outcome(() => connection.promise().query('SELECT 1')))
        return said
      },
    )

    same('passes on what its promise form is asked to hear', (pool) =>
      withPromised(pool, async (promised) => {
        const { connection } = promised as unknown as { connection: PoolConnection }
        await promised.query('SELECT 1')
        const said: unknown[] = []
        const events = ['error', 'drain', 'connect', 'end', 'enqueue']
        for (const event of events)
          promised.once(event, (...values: unknown[]) => said.push([event, ...values.map(told)]))
        for (const event of events.slice(1, 3)) connection.emit(event)
        for (const event of events) promised.removeAllListeners(event)
        return said
      }),
    )
  })

  it('holds back, when it is paused, what nobody has sent yet, and loses nothing by a release', async () => {
    const { router, natives } = watchedRouter({ primary: cluster.primary.url, replicas: [] })
    try {
      const connection = await borrow(router.pool())
      // Before it has a server, and when it has one that has nothing to do.
      for (const time of [1, 2]) {
        connection.pause()
        let answered = false
        const asked = connection
          .promise()
          .query(`SELECT ${time}`)
          .then(() => (answered = true))
        await router.pool().promise().query('SELECT SLEEP(0.02)')
        expect(answered).toBe(false)
        connection.resume()
        await asked
      }
      connection.pause()
      const late = connection.promise().query('SELECT 2')
      connection.release()
      await late
      await settle(natives)
    } finally {
      await router.close()
    }
  })

  it('calls back in the context of the caller, whatever it is asked', async () => {
    const { router } = watchedRouter({ primary: cluster.primary.url, replicas: [] })
    const context = new AsyncLocalStorage<string>()
    try {
      const connection = await borrow(router.pool())
      await connection.promise().query('SELECT 1')
      const seen = await context.run('mine', async () => {
        const from = loose(connection)
        const asked = [
          ['query', 'SELECT 1'],
          ['execute', 'SELECT 1'],
          ['prepare', 'SELECT 1'],
          ['ping'],
          ['reset'],
          ['changeUser', {}],
          ['beginTransaction'],
          ['commit'],
        ].map(
          ([method, ...args]) =>
            new Promise((resolve) => {
              from[method as string]!(...args, () => {
                resolve([method, context.getStore()])
              })
            }),
        )
        return await Promise.all(asked)
      })
      connection.release()
      expect(seen.map((one) => (one as unknown[])[1])).toEqual(Array(8).fill('mine'))
    } finally {
      await router.close()
    }
  })
})
