import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import * as mysql2 from 'mysql2'
import type { FieldPacket, Pool, PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2'
import * as mysql2Promise from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createRouter, SplitpoolError, type DecisionEvent, type Router, type StatementEvent } from '../../src'
import type { Connector } from '../../src/adapters/adapter'
import { mariadb, mysql, type MysqlOptions } from '../../src/adapters/mysql2'
import { describeEachDialect } from '../servers/provided'

/** Exported by mysql2, and missing from its typings. */
const DriverPool = (mysql2 as unknown as { Pool: new () => Pool }).Pool

const WHO = 'SELECT @@server_id AS server'

type Mysql = ReturnType<typeof mysql>

describeEachDialect(
  (dialect, cluster) => {
    const make = dialect === 'mysql' ? mysql : mariadb
    const servers = new Map<number, string>()
    const replicaIds = cluster.replicas.map(({ id }) => id)
    const last = replicaIds.at(-1)!
    /** By the server, or by the session. */
    const refused = expect.toSatisfy(({ errno }: { errno: number }) => [1290, 1792].includes(errno)) as Error
    const natives: Pool[] = []

    /** A database whose driver pools the tests can look into. */
    function database(options: Partial<MysqlOptions> = {}): Mysql {
      const made = make({
        primary: cluster.primary.url,
        replicas: cluster.replicas.map(({ url }) => url),
        ...options,
      })
      const { adapter } = made
      const openNode = (...args: Parameters<typeof adapter.openNode>): Connector => {
        const connector = adapter.openNode(...args)
        natives.push(connector.native as Pool)
        return connector
      }
      return { ...made, adapter: { ...adapter, openNode } }
    }

    async function withRouter<T>(
      options: Partial<MysqlOptions>,
      use: (router: Router<{ default: Mysql }>, db: Pool) => Promise<T>,
    ): Promise<T> {
      const own = createRouter({ databases: { default: database(options) } })
      try {
        return await use(own, own.pool())
      } finally {
        await own.close()
      }
    }

    let router: Router<{ default: Mysql }>
    let db: Pool
    let promised: mysql2Promise.Pool

    beforeAll(async () => {
      for (const node of [cluster.primary, ...cluster.replicas]) {
        const connection = await mysql2Promise.createConnection(node.url)
        const [[row]] = await connection.query<RowDataPacket[]>(WHO)
        servers.set(row!['server'] as number, node.id)
        await connection.end()
      }
      router = createRouter({ databases: { default: database() } })
      db = router.pool()
      promised = db.promise()
      await router.scope(async () => {
        await promised.query('DROP TABLE IF EXISTS mysql2_notes')
        await promised.query(
          'CREATE TABLE mysql2_notes (id int AUTO_INCREMENT PRIMARY KEY, body varchar(100) NOT NULL)',
        )
        await promised.query('DROP FUNCTION IF EXISTS mysql2_add')
        await promised.query(`CREATE FUNCTION mysql2_add(given varchar(100)) RETURNS int MODIFIES SQL DATA
          BEGIN INSERT INTO mysql2_notes (body) VALUES (given); RETURN 1; END`)
        await promised.query(`INSERT INTO mysql2_notes (body) VALUES ('first'), ('second'), ('third')`)
      })
      await cluster.caughtUp()
    })

    afterEach(async () => {
      // A connection goes back when its last answer has come, a moment after whoever asked has it.
      await new Promise((resolve) => setTimeout(resolve, 20))
      for (const native of natives) {
        const { _allConnections: all, _freeConnections: free, _connectionQueue: queue } = native as any
        if ((native as any)._closed === true) continue
        expect(queue.length, 'nobody waits for a connection').toBe(0)
        expect(all.length - free.length, 'every connection was given back').toBe(0)
        for (let index = 0; index < all.length; index++) {
          const connection = all.get(index)
          for (const event of ['error', 'end', 'warn']) {
            expect(connection.listenerCount(event), `listeners of '${event}' are gone`).toBeLessThanOrEqual(2)
          }
        }
      }
    })

    afterAll(async () => {
      await promised.query('DROP TABLE IF EXISTS mysql2_notes')
      await promised.query('DROP FUNCTION IF EXISTS mysql2_add')
      await router.close()
    })

    type Promising = Pick<mysql2Promise.Pool, 'query'>

    async function who(from: Promising = promised): Promise<string> {
      const [[row]] = await from.query<RowDataPacket[]>(WHO)
      return servers.get(row!['server'] as number)!
    }

    async function one(from: Promising, sql: string, values?: unknown[]): Promise<unknown> {
      const [[row]] = await from.query<RowDataPacket[]>({ sql, rowsAsArray: true }, values)
      return row?.[0]
    }

    /** Whether the session is read only, by the server's own word. */
    const READ_ONLY = `SELECT @@session.${dialect === 'mysql' ? 'transaction_read_only' : 'tx_read_only'} AS readOnly`

    async function note(from: Promising, body: string): Promise<ResultSetHeader> {
      const [header] = await from.query<ResultSetHeader>('INSERT INTO mysql2_notes (body) VALUES (?)', [body])
      return header
    }

    async function notes(body: string): Promise<unknown> {
      return await router.primary(() =>
        one(promised, 'SELECT count(*) FROM mysql2_notes WHERE body = ?', [body]),
      )
    }

    async function borrow(pool: Pool = db): Promise<PoolConnection> {
      return await new Promise((resolve, reject) => {
        pool.getConnection((error, connection) => {
          if (error) reject(error)
          else resolve(connection)
        })
      })
    }

    describe('a pool', () => {
      it('pings and resets a connection where nothing may be written', async () => {
        await router.with({ readOnly: true }, async () => {
          const connection = await promised.getConnection()
          await connection.ping()
          await connection.reset()
          await connection.changeUser({})
          await expect(connection.query('DO 1')).rejects.toMatchObject({ code: 'ERR_READ_ONLY' })
          connection.release()
        })
      })

      it('is a mysql2 Pool, and its promise() a PromisePool', () => {
        expect(db).toBeInstanceOf(DriverPool)
        expect(promised).toBeInstanceOf((mysql2Promise as any).PromisePool)
        expect(router.pool()).toBe(db)
        expect(db.format('a = ? and ?? = 1', ["x'y", 'b'])).toBe("a = 'x\\'y' and `b` = 1")
        expect(db.escape("x'y")).toBe("'x\\'y'")
        expect(db.escapeId('b')).toBe('`b`')
      })

      it('reads from one replica for as long as the scope lives', async () => {
        const seen = new Set<string>()
        for (let scope = 0; scope < 40; scope++) {
          const nodes = await router.scope(async () => [
            await who(),
            ...(await Promise.all([who(), who(), who()])),
          ])
          expect(new Set(nodes).size, 'one replica per scope').toBe(1)
          seen.add(nodes[0]!)
        }
        expect([...seen].sort(), 'all replicas over many scopes').toEqual([...replicaIds].sort())
      })

      it('reads its own writes at once, and other scopes read from replicas', async () => {
        await router.scope(async () => {
          expect(replicaIds).toContain(await who())
          const { insertId, affectedRows } = await note(promised, 'mine')
          expect(affectedRows).toBe(1)
          expect(await who()).toBe('primary')
          expect(await one(promised, 'SELECT body FROM mysql2_notes WHERE id = ?', [insertId])).toBe('mine')
        })
        expect(replicaIds).toContain(await router.scope(() => who()))
      })

      it('takes execute as it takes query', async () => {
        await router.scope(async () => {
          const [[row]] = await promised.execute<RowDataPacket[]>('SELECT @@server_id AS server, ? AS n', [7])
          expect(replicaIds).toContain(servers.get(row!['server'] as number))
          expect(row!['n']).toBe(7)
          const sql = 'INSERT INTO mysql2_notes (body) VALUES (?)'
          const [header] = await promised.execute<ResultSetHeader>(sql, ['executed'])
          expect(header.affectedRows).toBe(1)
          expect(await notes('executed')).toBe(1)
          await expect(promised.execute('SELECT ?', [undefined] as unknown as string[])).rejects.toThrow(
            'Bind parameters must not contain undefined',
          )
        })
      })

      it('gives callbacks what the driver gives', async () => {
        const options = { multipleStatements: true, namedPlaceholders: true }
        const native = mysql2.createPool({ uri: cluster.primary.url, ...options })
        const nodes = [cluster.primary.url, ...cluster.replicas.map(({ url }) => url)]
        const [primary, ...replicas] = nodes.map((url) => ({ url, ...options }))
        const select = 'SELECT 1 AS a, 2 AS b'
        const calls: ((pool: Pool, done: (...results: unknown[]) => void) => void)[] = [
          (pool, done) => pool.query(select, done),
          (pool, done) => pool.query('SELECT ? AS a, ? AS b', [1, 'x'], done),
          (pool, done) => pool.query({ sql: select, rowsAsArray: true }, done),
          (pool, done) => pool.query({ sql: 'SELECT ? AS a', values: [3] }, done),
          (pool, done) =>
            pool.query({ sql: 'SELECT t.id FROM mysql2_notes t LIMIT 1', nestTables: true }, done),
          (pool, done) =>
            pool.query({ sql: select, typeCast: (field) => `${field.name}!${field.string()}` }, done),
          (pool, done) => pool.query('SELECT :a AS a, :b AS b', { a: 1, b: 'x' }, done),
          (pool, done) => pool.execute('SELECT :a AS a, :b AS b', { a: 1, b: 'x' }, done),
          (pool, done) => pool.execute(select, done),
          (pool, done) => pool.execute({ sql: 'SELECT ? AS a', values: [1], rowsAsArray: true }, done),
          (pool, done) => pool.query('SELECT 1 AS a; SELECT 2 AS b', done),
          (pool, done) => pool.query('DO 0; SELECT 2 AS b', done),
          (pool, done) => pool.query("UPDATE mysql2_notes SET body = body WHERE body = 'none'", done),
          (pool, done) => pool.query('SELECT nonsense', done),
          (pool, done) => pool.execute('SELECT nonsense', done),
        ]
        const call = (pool: Pool, how: (typeof calls)[number]): Promise<unknown[]> =>
          new Promise((resolve) => {
            how(pool, (...results) => {
              resolve(results)
            })
          })
        await withRouter({ primary: primary!, replicas }, async (own, pool) => {
          for (const how of calls) {
            const [error, rows, fields, ...more] = await own.scope(() => call(pool, how))
            const [wantedError, wantedRows, wantedFields, ...none] = await call(native, how)
            expect(error, String(how)).toEqual(wantedError)
            expect(error?.constructor).toBe(wantedError?.constructor)
            expect(rows, String(how)).toEqual(wantedRows)
            expect((rows as object | undefined)?.constructor).toBe(
              (wantedRows as object | undefined)?.constructor,
            )
            const names = (of: unknown): unknown =>
              (of as (FieldPacket | undefined)[] | undefined)?.flat().map((field) => field?.name)
            expect(names(fields), String(how)).toEqual(names(wantedFields))
            expect(more).toEqual(none)
          }
        })
        await new Promise((resolve) => {
          native.end(resolve)
        })
      })

      it("throws the driver's own errors", async () => {
        await router.scope(async () => {
          const failed = { code: 'ER_BAD_FIELD_ERROR', errno: 1054, sql: 'SELECT nonsense' }
          await expect(promised.query('SELECT nonsense')).rejects.toMatchObject(failed)
          await expect(promised.execute('SELECT nonsense')).rejects.toMatchObject(failed)
          await expect(promised.query('INSERT INTO nowhere VALUES (1)')).rejects.toMatchObject({
            errno: 1146,
          })
        })
      })

      it('calls back in the scope of the caller', async () => {
        await new Promise<void>((resolve, reject) => {
          router.scope(() => {
            db.query(`INSERT INTO mysql2_notes (body) VALUES ('in scope')`, () => {
              who().then((node) => {
                expect(node, 'the scope has written').toBe('primary')
                resolve()
              }, reject)
            })
          })
        })
      })

      it('counts one statement once', async () => {
        await withRouter({}, async (own, pool) => {
          await own.scope(() => pool.promise().query(WHO))
          const { nodes } = own.stats()
          expect(Object.values(nodes).reduce((sum, { statements }) => sum + statements, 0)).toBe(1)
          expect(Object.values(nodes).every(({ inFlight }) => inFlight === 0)).toBe(true)
        })
      })

      it('sends what a replica refuses to the primary, once, and remembers the text', async () => {
        const before = router.stats().refusedByReplica
        const sql = `SELECT mysql2_add('hidden write')`
        for (const method of ['query', 'execute'] as const) {
          const text = `${sql} AS by_${method}`
          await router.scope(async () => {
            await (method === 'query' ? promised.query(text) : promised.execute(text))
            expect(await who()).toBe('primary')
          })
          await router.scope(() => (method === 'query' ? promised.query(text) : promised.execute(text)))
          expect(router.explain(text)).toMatchObject({ role: 'primary', intent: 'write' })
        }
        expect(router.stats().refusedByReplica, 'once for each text').toBe(before + 2)
        expect(await notes('hidden write')).toBe(4)
      })

      it('opens sessions on replicas read only, by the server’s own word', async () => {
        expect(await router.scope(() => one(promised, READ_ONLY))).toBe(1)
        expect(await router.primary(() => one(promised, READ_ONLY))).toBe(0)
        await expect(note(router.pool('default:replica-1').promise(), 'no')).rejects.toEqual(refused)
      })

      it('runs a read where the frame says, at any depth, and after an exception where it ran before', async () => {
        await router.scope(async () => {
          const pinned = await who()
          expect(await router.primary(() => who())).toBe('primary')
          await router.using(`default:${last}`, async () => {
            expect(await who()).toBe(last)
            await expect(
              router.primary(async () => {
                expect(await who()).toBe('primary')
                throw new Error('inside')
              }),
            ).rejects.toThrow('inside')
            expect(await who()).toBe(last)
          })
          expect(await who()).toBe(pinned)
        })
      })

      it('goes to the node that its alias names', async () => {
        expect(await who(router.pool('default:primary').promise())).toBe('primary')
        expect(await who(router.pool(`default:${last}`).promise())).toBe(last)
      })

      it('passes the events of its nodes on, and connects to none before the first statement', async () => {
        await withRouter({}, async (own, pool) => {
          const events: string[] = []
          for (const event of ['connection', 'acquire', 'release']) pool.on(event, () => events.push(event))
          const borrowed = await borrow(pool)
          borrowed.release()
          expect(events).toEqual([])
          await own.scope(() => pool.promise().query('SELECT 1'))
          expect(events).toEqual(['connection', 'acquire', 'release'])
        })
      })

      it('ends once, however often it is asked, and refuses what comes after', async () => {
        await withRouter({}, async (own, pool) => {
          await own.scope(() => Promise.all([pool.promise().query('SELECT 1'), note(pool.promise(), 'last')]))
          await pool.promise().end()
          await pool.promise().end()
          await new Promise<void>((resolve) => {
            pool.end(() => {
              resolve()
            })
          })
          await expect(pool.promise().query('SELECT 1')).rejects.toThrow('Pool is closed.')
          await expect(pool.promise().getConnection()).rejects.toThrow('Pool is closed.')
        })
      })

      it('ends before anything was connected', async () => {
        await withRouter({}, async (_, pool) => {
          await pool.promise().end()
        })
      })
    })

    describe('what the driver puts into a text', () => {
      async function decided(run: () => Promise<unknown>): Promise<DecisionEvent> {
        const events: DecisionEvent[] = []
        const listen = (event: unknown): void => void events.push(event as DecisionEvent)
        subscribe('splitpool:decision', listen)
        try {
          await router.scope(run)
        } finally {
          unsubscribe('splitpool:decision', listen)
        }
        expect(events).toHaveLength(1)
        return events[0]!
      }

      it('hides no lock in raw()', async () => {
        const values = ['first', mysql2.raw('FOR UPDATE')]
        const { sql, decision } = await decided(() =>
          promised.query('SELECT id FROM mysql2_notes WHERE body = ? ?', values),
        )
        expect(decision).toMatchObject({ role: 'primary', rule: 'not-a-read' })
        expect(sql, 'no parameter is shown').toBe('SELECT id FROM mysql2_notes WHERE body = ? FOR UPDATE')
      })

      it('is a read with a name for ??', async () => {
        const { sql, decision } = await decided(() =>
          promised.query('SELECT ?? FROM ?? WHERE body = ?', [['id', 'body'], 'mysql2_notes', 'first']),
        )
        expect(decision).toMatchObject({ role: 'replica', rule: 'read' })
        expect(sql).toBe('SELECT `id`, `body` FROM `mysql2_notes` WHERE body = ?')
      })

      it('is a read with plain values', async () => {
        const text = 'SELECT id FROM mysql2_notes WHERE body IN (?) AND id > ? AND ? IS NOT NULL'
        const { sql, decision } = await decided(() =>
          promised.query(text, [['for update', 'x'], 0, Buffer.from('; drop')]),
        )
        expect(decision).toMatchObject({ role: 'replica', rule: 'read' })
        expect(sql).toBe(text)
      })

      it('finds the database of a table that ?? names', async () => {
        const two = createRouter({
          databases: {
            default: make({ primary: cluster.primary.url }),
            notes: make({ primary: cluster.replicas[0]!.url }),
          },
          models: { Note: { table: 'mysql2_notes', bind: 'notes' } },
        })
        try {
          const sql = 'SELECT @@server_id AS server FROM ?? LIMIT 1'
          const [[row]] = await two.pool().promise().query<RowDataPacket[]>(sql, ['mysql2_notes'])
          expect(servers.get(row!['server'] as number)).toBe(replicaIds[0])
        } finally {
          await two.close()
        }
      })
    })

    describe('a command without a callback', () => {
      const SELECT = 'SELECT id, body FROM mysql2_notes ORDER BY id LIMIT 3'

      it('emits fields, rows and its end, from a replica', async () => {
        const seen: unknown[] = []
        await router.scope(
          () =>
            new Promise<void>((resolve, reject) => {
              db.query('SELECT @@server_id AS server, ? AS n', [1])
                .on('error', reject)
                .on('fields', (fields: FieldPacket[]) => seen.push(fields.map(({ name }) => name)))
                .on('result', (row: RowDataPacket) =>
                  seen.push(servers.get(row['server'] as number), row['n']),
                )
                .on('end', () => {
                  resolve()
                })
            }),
        )
        expect(seen).toEqual([['server', 'n'], expect.stringMatching(/^replica/), 1])
      })

      it('streams, also when it is slower than the server, and can be left half way', async () => {
        const sql = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i FROM n`
        await router.scope(async () => {
          let count = 0
          let waiting = 0
          const stream = db.query(sql).stream({ highWaterMark: 2 })
          for await (const row of stream) {
            if (++count % 100 === 0) await new Promise(setImmediate)
            waiting = Math.max(waiting, stream.readableLength)
            expect((row as RowDataPacket)['i']).toBe(count)
          }
          expect(count).toBe(900)
          expect(waiting, 'rows wait where they come from').toBeLessThan(10)
          for await (const row of db.query(sql).stream({ highWaterMark: 2 })) {
            if ((row as RowDataPacket)['i'] === 10) break
          }
        })
      })

      it('emits an error, and keeps quiet where nobody listens', async () => {
        await router.scope(async () => {
          const failed = new Promise((resolve) => db.query('SELECT nonsense').on('error', resolve))
          expect(await failed).toMatchObject({ errno: 1054 })
          await new Promise((resolve) =>
            db.query('SELECT nonsense').on('end', () => {
              resolve(null)
            }),
          )
          const stream = db.query('SELECT nonsense').stream()
          await expect(stream.toArray()).rejects.toMatchObject({ errno: 1054 })
        })
      })

      it('is sent to the primary when a replica refuses it before the first row, and leaves no trace', async () => {
        const before = router.stats().refusedByReplica
        const seen: unknown[] = []
        await router.scope(
          () =>
            new Promise<void>((resolve, reject) => {
              db.query(`SELECT mysql2_add('streamed') AS added`)
                .on('error', reject)
                .on('fields', (fields: FieldPacket[]) => seen.push(fields.map(({ name }) => name)))
                .on('result', (row: RowDataPacket) => seen.push({ ...row }))
                .on('end', () => {
                  resolve()
                })
            }),
        )
        expect(seen).toEqual([['added'], { added: 1 }])
        expect(router.stats().refusedByReplica).toBe(before + 1)
        expect(await notes('streamed')).toBe(1)
      })

      it('is not sent again once rows have come', async () => {
        const before = router.stats().refusedByReplica
        // Whether the server refuses it before or after the first row is the server's affair.
        const sql = `SELECT id, IF(id < 3, 0, mysql2_add('half way')) FROM
          (SELECT 1 AS id UNION ALL SELECT 2 UNION ALL SELECT 3) AS ids`
        const rows: unknown[] = []
        const error = await router.scope(
          () =>
            new Promise((resolve) => {
              db.query(sql)
                .on('error', resolve)
                .on('result', (row: RowDataPacket) => rows.push(row['id']))
                .on('end', () => {
                  resolve(null)
                })
            }),
        )
        expect(rows.length, 'no row comes twice').toBeLessThanOrEqual(new Set(rows).size)
        expect(router.stats().refusedByReplica - before).toBe(error === null ? 1 : 0)
      })

      it('works on a borrowed connection', async () => {
        await router.scope(async () => {
          const connection = await borrow()
          try {
            const rows = await connection.query(SELECT).stream().toArray()
            expect(rows.map((row) => (row as RowDataPacket)['body'])).toEqual(['first', 'second', 'third'])
            const executed = await connection.execute(SELECT).stream().toArray()
            expect(executed).toEqual(rows)
          } finally {
            connection.release()
          }
        })
      })
    })

    describe('a borrowed connection', () => {
      it('is a mysql2 PoolConnection', async () => {
        const connection = await borrow()
        expect(connection).toBeInstanceOf(mysql2.PoolConnection)
        expect(connection.promise()).toBeInstanceOf(mysql2Promise.PoolConnection)
        expect(connection.format('?', [1])).toBe('1')
        expect(connection.escapeId('a.b')).toBe('`a`.`b`')
        connection.release()
        connection.release()
        expect(
          await promised.getConnection().then((own) => {
            own.release()
            return own
          }),
        ).toBeInstanceOf(mysql2Promise.PoolConnection)
      })

      it('reads from the replica and moves to the primary for good when it writes', async () => {
        await router.scope(async () => {
          const connection = await promised.getConnection()
          try {
            expect(replicaIds).toContain(await who(connection))
            await note(connection, 'moved')
            expect(await who(connection)).toBe('primary')
            expect(connection.threadId).toBe(await one(connection, 'SELECT CONNECTION_ID()'))
          } finally {
            connection.release()
          }
        })
      })

      it('runs a transaction on the primary, on one connection', async () => {
        await router.scope(async () => {
          const connection = await promised.getConnection()
          try {
            await connection.beginTransaction()
            expect(await who(connection)).toBe('primary')
            expect(await who(), 'the outer pool while a transaction is open').toBe('primary')
            await connection.commit()
            expect(replicaIds, 'nothing was written').toContain(await who())
            await connection.beginTransaction()
            await note(connection, 'rolled back')
            await connection.rollback()
          } finally {
            connection.release()
          }
        })
        expect(await notes('rolled back')).toBe(0)
      })

      it('runs START TRANSACTION READ ONLY on a replica, whole, and refuses a write in it', async () => {
        await router.scope(async () => {
          const connection = await promised.getConnection()
          try {
            await connection.query('START TRANSACTION READ ONLY')
            expect(replicaIds).toContain(await who(connection))
            await expect(note(connection, 'no')).rejects.toEqual(refused)
            await connection.rollback()
            await note(connection, 'yes')
            expect(await who(connection)).toBe('primary')
          } finally {
            connection.release()
          }
        })
      })

      it('moves to the primary when the replica refuses what it could not know', async () => {
        await router.scope(async () => {
          const connection = await promised.getConnection()
          try {
            expect(replicaIds).toContain(await who(connection))
            await connection.query(`SELECT mysql2_add('on a lease')`)
            expect(await who(connection)).toBe('primary')
          } finally {
            connection.release()
          }
        })
        expect(await notes('on a lease')).toBe(1)
      })

      it('keeps the order of statements that nobody awaits, across a move', async () => {
        await router.scope(async () => {
          const connection = await promised.getConnection()
          const bound = once(db, 'acquire')
          const slow = connection.query<RowDataPacket[]>('SELECT @@server_id AS server, SLEEP(0.1)')
          await bound
          const order = await Promise.all([
            slow.then(([[row]]) => servers.get(row!['server'] as number)),
            connection.query('CREATE TEMPORARY TABLE mysql2_order SELECT 1 AS n').then(() => 'written'),
            one(connection, 'SELECT n FROM mysql2_order'),
            connection.query('DROP TEMPORARY TABLE mysql2_order').then(() => 'dropped'),
          ])
          connection.release()
          expect(order).toEqual([expect.stringMatching(/^replica/), 'written', 1, 'dropped'])
        })
      })

      it('prepares by text, and executes on whichever connection it holds', async () => {
        await router.scope(async () => {
          const connection = await promised.getConnection()
          try {
            const read = await connection.prepare('SELECT @@server_id AS server, ? AS n')
            const run = async (n: number): Promise<string | undefined> => {
              const [rows] = (await read.execute([n])) as [RowDataPacket[], FieldPacket[]]
              expect(rows[0]!['n']).toBe(n)
              return servers.get(rows[0]!['server'] as number)
            }
            expect(replicaIds).toContain(await run(1))
            const write = await connection.prepare('INSERT INTO mysql2_notes (body) VALUES (?)')
            await write.execute(['prepared'])
            expect(await run(2)).toBe('primary')
            connection.unprepare('SELECT @@server_id AS server, ? AS n')
            await read.close()
            await write.close()
            expect(await run(3)).toBe('primary')
          } finally {
            connection.release()
          }
        })
        expect(await notes('prepared')).toBe(1)
      })

      it('changes its user on the primary, and pings and resets what it holds', async () => {
        await withRouter({}, async (own, pool) => {
          await own.scope(async () => {
            const connection = await pool.promise().getConnection()
            expect(replicaIds).toContain(await who(connection))
            await connection.ping()
            await connection.reset()
            expect(await one(connection, READ_ONLY), 'after a reset of the session').toBe(1)
            await connection.changeUser({ user: 'admin', password: 'admin' })
            expect(await one(connection, 'SELECT CURRENT_USER()')).toBe('admin@%')
            expect(await who(connection)).toBe('primary')
            connection.destroy()
          })
        })
      })

      it('stays read only on a replica when its user changes', async () => {
        await withRouter({}, async (own, pool) => {
          await own.scope(async () => {
            const connection = await pool.promise().getConnection()
            await connection.query('START TRANSACTION READ ONLY')
            await connection.changeUser({ user: 'admin', password: 'admin' })
            expect(replicaIds).toContain(await who(connection))
            expect(await one(connection, READ_ONLY)).toBe(1)
            connection.destroy()
          })
        })
      })

      it('gives the connection back after statements that nobody awaits', async () => {
        const connection = await promised.getConnection()
        const last = note(connection, 'not awaited')
        connection.release()
        await last
        await expect(connection.query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
      })

      it('closes its connection when it is destroyed', async () => {
        await withRouter({ replicas: [] }, async (_, pool) => {
          const connection = await pool.promise().getConnection()
          const id = await one(connection, 'SELECT CONNECTION_ID()')
          connection.destroy()
          await new Promise(setImmediate)
          expect(await one(pool.promise(), 'SELECT CONNECTION_ID()')).not.toBe(id)
        })
      })

      it('tells of a lost connection, and nothing crashes where nobody listens', async () => {
        await withRouter({ replicas: [] }, async (_, pool) => {
          const errors: unknown[] = []
          for (const listens of [true, false]) {
            const connection = await pool.promise().getConnection()
            if (listens) connection.on('error', (error) => errors.push(error))
            const id = (await one(connection, 'SELECT CONNECTION_ID()')) as number
            const prepared = await connection.prepare('SELECT 1')
            const sleeping = connection.query('SELECT SLEEP(30)')
            const admin = await mysql2Promise.createConnection(cluster.primary.adminUrl)
            await Promise.all([
              expect(sleeping).rejects.toMatchObject({ fatal: true }),
              admin.query(`KILL ${id}`),
            ])
            const stuck = connection.connection as unknown as PoolConnection
            await new Promise((resolve) =>
              stuck
                .query('SELECT 1')
                .on('error', resolve)
                .on('end', () => {
                  resolve(null)
                }),
            )
            // The driver cannot send that any more, and tells the connection.
            await prepared.close()
            connection.release()
            await admin.end()
          }
          expect(errors.length).toBeGreaterThan(0)
          expect(await one(pool.promise(), 'SELECT 1')).toBe(1)
        })
      })
    })

    describe('router.transaction', () => {
      it('commits when the callback returns, and rolls back when it throws', async () => {
        await router.scope(async () => {
          const result = await router.transaction(async (tx) => {
            await note(tx, 'tx')
            return 'done'
          })
          expect(result).toBe('done')
          expect(await notes('tx')).toBe(1)
          await expect(
            router.transaction(async (tx) => {
              await note(tx, 'tx')
              throw new Error('changed my mind')
            }),
          ).rejects.toThrow('changed my mind')
          expect(await notes('tx')).toBe(1)
        })
      })

      it('takes in the statements of the outer pool', async () => {
        await router.scope(async () => {
          await router.transaction(async (tx) => {
            const id = await one(tx, 'SELECT CONNECTION_ID()')
            expect(await one(promised, 'SELECT CONNECTION_ID()')).toBe(id)
            const rows = await db.query('SELECT CONNECTION_ID() AS id').stream().toArray()
            expect(rows).toEqual([{ id }])
            tx.release()
            tx.destroy()
            expect(await who(tx)).toBe('primary')
            const prepared = await tx.prepare('SELECT CONNECTION_ID() AS id')
            expect((await prepared.execute([]))[0]).toEqual([{ id }])
            await tx.ping()
          })
        })
      })

      it('nests as savepoints, also side by side', async () => {
        await router.scope(async () => {
          await router.transaction(async (tx) => {
            await note(tx, 'outer')
            const settled = await Promise.allSettled([
              router.transaction((inner) => note(inner, 'kept')),
              router.transaction(async (inner) => {
                await note(inner, 'dropped')
                await inner.query('SELECT nonsense')
              }),
              router.transaction((inner) => note(inner, 'kept too')),
            ])
            expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
          })
        })
        expect(await Promise.all(['outer', 'kept', 'dropped', 'kept too'].map(notes))).toEqual([1, 1, 0, 1])
      })

      it('runs on the replica when it is read only', async () => {
        await router.scope(async () => {
          await router.transaction(
            async (tx) => {
              expect(replicaIds).toContain(await who(tx))
              await expect(note(tx, 'no')).rejects.toEqual(refused)
            },
            { readOnly: true, isolationLevel: 'repeatable read' },
          )
          const node = await router.transaction((tx) => who(tx), {
            readOnly: true,
            isolationLevel: 'serializable',
          })
          expect(node).toBe('primary')
        })
      })

      it('ends with an error when its connection is lost, and the next one gets another', async () => {
        await router.scope(async () => {
          const lost = router.transaction(async (tx) => {
            const prepared = await tx.prepare('SELECT 1')
            const admin = await mysql2Promise.createConnection(cluster.primary.adminUrl)
            await admin.query(`KILL ${String(await one(tx, 'SELECT CONNECTION_ID()'))}`)
            await admin.end()
            await expect(note(tx, 'lost')).rejects.toMatchObject({ fatal: true })
            // The driver cannot send that any more, and tells a connection that nobody listens to.
            await prepared.close()
          })
          await expect(lost).rejects.toMatchObject({ code: 'ERR_TRANSACTION_ABORTED' })
          expect(await router.transaction((tx) => who(tx))).toBe('primary')
        })
        expect(await notes('lost')).toBe(0)
      })

      it('refuses a statement that comes after its end', async () => {
        await router.scope(async () => {
          const escaped = await router.transaction((tx) => [tx])
          await expect(escaped[0]!.query('SELECT 1')).rejects.toMatchObject({
            code: 'ERR_TRANSACTION_CLOSED',
          })
          await expect(escaped[0]!.ping()).rejects.toMatchObject({ code: 'ERR_TRANSACTION_CLOSED' })
        })
      })
    })

    describe('sessions of replicas stay read only', () => {
      it('when the pool resets them on release', async () => {
        const replicas = [{ url: cluster.replicas[0]!.url, resetOnRelease: true, connectionLimit: 1 }]
        await withRouter({ replicas }, async (own, pool) => {
          for (let time = 0; time < 3; time++) {
            expect(await own.scope(() => one(pool.promise(), READ_ONLY))).toBe(1)
          }
          const waiting = await own.scope(() =>
            Promise.all([1, 2, 3].map(() => one(pool.promise(), READ_ONLY))),
          )
          expect(waiting).toEqual([1, 1, 1])
        })
      })

      it('when a connection of an application’s pool was open, and somebody waits for it', async () => {
        const native = mysql2.createPool({ uri: cluster.replicas[0]!.url, connectionLimit: 1 })
        const held = await borrow(native)
        await withRouter({ replicas: [native] }, async (own, pool) => {
          const waiting = own.scope(() => one(pool.promise(), READ_ONLY))
          held.release()
          expect(await waiting).toBe(1)
        })
        await native.promise().end()
      })
    })

    it('asks a replica once whether it is writable', async () => {
      const found: string[] = []
      const settings = { kind: 'options', url: cluster.primary.url, options: { typeCast: false } } as const
      const { adapter } = make({ primary: '' })
      const connector = adapter.openNode(
        settings,
        { id: 'default:replica-1', role: 'replica', dialect },
        { writableReplica: (id, what) => found.push(`${id}: ${what}`) },
      )
      expect((connector.native as any)._allConnections.length, 'nothing connects by itself').toBe(0)
      const connections = await Promise.all([1, 2, 3].map(() => connector.connect()))
      for (const connection of connections) {
        await connection.run('SELECT 1')
        connection.release()
      }
      await Promise.all([connector.end(), connector.end()])
      expect(found).toEqual(['default:replica-1: read_only is off'])
    })

    describe('an application’s own pools', () => {
      it('are refused once the routed pool has ended', async () => {
        const native = mysql2.createPool(cluster.primary.url)
        await withRouter({ primary: native, replicas: [] }, async (_, pool) => {
          await pool.promise().end()
          await expect(pool.promise().query('SELECT 1')).rejects.toThrow('Pool is closed.')
          expect(await one(native.promise(), 'SELECT 1')).toBe(1)
        })
        await native.promise().end()
      })

      it('serve as callback and as promise pools, and stay open when the router closes', async () => {
        const primary = mysql2Promise.createPool(cluster.primary.url)
        const replica = mysql2.createPool(cluster.replicas[0]!.url)
        await replica.promise().query('SELECT 1')
        const own = createRouter({
          databases: { default: make({ primary, replicas: [{ pool: replica, id: 'near', weight: 2 }] }) },
        })
        try {
          expect(await own.scope(() => one(own.pool().promise(), READ_ONLY))).toBe(1)
          expect(own.explain('SELECT 1').nodeId).toBe('default:near')
          await note(own.pool().promise(), 'own pool')
          await own.close()
          await expect(own.pool().promise().query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
          expect(await one(primary, 'SELECT 1')).toBe(1)
        } finally {
          await Promise.all([primary.end(), replica.promise().end()])
        }
      })
    })

    it('keeps no process alive and leaves the application’s options alone', async () => {
      const node = { uri: cluster.primary.url, connectionLimit: 5, maxIdle: 1 }
      await withRouter({ primary: node, replicas: [] }, async (_, pool) => {
        expect((pool as any)._removeIdleTimeoutConnectionsTimer).toBeUndefined()
        expect(pool.config.maxIdle).toBe(1)
        await pool.promise().query('SELECT 1')
      })
      expect(node).toEqual({ uri: cluster.primary.url, connectionLimit: 5, maxIdle: 1 })
    })

    describe('a writable replica', () => {
      async function warned(replica: string): Promise<Error[]> {
        const warnings: Error[] = []
        const listen = (warning: Error): void => void warnings.push(warning)
        process.on('warning', listen)
        try {
          await withRouter(
            { replicas: [{ url: replica, bigNumberStrings: true, supportBigNumbers: true }] },
            async (own, pool) => {
              for (let time = 0; time < 3; time++) await own.scope(() => pool.promise().query('SELECT 1'))
              const hidden = own.using('default:replica-1', () =>
                pool.promise().query(`SELECT mysql2_add('writable'); SELECT 1`),
              )
              await expect(hidden).rejects.toBeDefined()
              await new Promise(setImmediate)
            },
          )
        } finally {
          process.off('warning', listen)
        }
        return warnings.filter(({ name }) => name === 'SplitpoolWarning')
      }

      it('is warned of once, and its sessions are read only all the same', async () => {
        const warnings = await warned(cluster.primary.url)
        expect(warnings.map(({ message }) => message)).toEqual([
          'Replica default:replica-1 takes writes: read_only is off',
        ])
        expect(await notes('writable')).toBe(0)
      })

      it('is not warned of when it is not one', async () => {
        expect(await warned(cluster.replicas[0]!.url)).toEqual([])
      })

      if (dialect === 'mysql') {
        it('is one that privileged accounts may write to', async () => {
          const admin = await mysql2Promise.createConnection(cluster.replicas.at(-1)!.adminUrl)
          await admin.query('SET GLOBAL super_read_only = 0')
          try {
            const [warning] = await warned(cluster.replicas.at(-1)!.url)
            expect(warning?.message).toContain('super_read_only is off')
          } finally {
            await admin.query('SET GLOBAL super_read_only = 1')
            await admin.end()
          }
        })
      }
    })

    it('publishes one event for each decision and for each statement run', async () => {
      const decisions: DecisionEvent[] = []
      const statements: StatementEvent[] = []
      const onDecision = (event: unknown): void => void decisions.push(event as DecisionEvent)
      const onStatement = (event: unknown): void => void statements.push(event as StatementEvent)
      subscribe('splitpool:decision', onDecision)
      subscribe('splitpool:statement', onStatement)
      try {
        await router.scope(async () => {
          await promised.query('SELECT 1')
          await promised.execute('SELECT nonsense').catch(() => undefined)
          await db
            .query('SELECT nonsense')
            .stream()
            .toArray()
            .catch(() => undefined)
          await promised.query(`ALTER USER app IDENTIFIED BY 'app'`).catch(() => undefined)
        })
      } finally {
        unsubscribe('splitpool:decision', onDecision)
        unsubscribe('splitpool:statement', onStatement)
      }
      expect(decisions.map(({ sql, decision }) => [sql, decision.role, decision.rule])).toEqual([
        ['SELECT 1', 'replica', 'read'],
        ['SELECT nonsense', 'replica', 'read'],
        ['SELECT nonsense', 'replica', 'read'],
        [null, 'primary', 'not-a-read'],
      ])
      expect(statements.slice(0, 3).map(({ error }) => error === null)).toEqual([true, false, false])
      for (const { durationMs } of statements) expect(durationMs).toBeGreaterThan(0)
    })

    it('rejects, and does not throw, what it refuses itself', async () => {
      const sql = '/* splitpool: nowhere */ SELECT 1'
      await expect(promised.query(sql)).rejects.toBeInstanceOf(SplitpoolError)
      await expect(promised.execute(sql)).rejects.toMatchObject({ code: 'ERR_UNKNOWN_ALIAS' })
      const emitted = await new Promise((resolve) => db.query(sql).on('error', resolve))
      expect(emitted).toMatchObject({ code: 'ERR_UNKNOWN_ALIAS' })
      expect(() => createRouter({ databases: { default: make({ primary: 'postgres://db1/app' }) } })).toThrow(
        'databases.default.primary: expected a URL that begins with mysql:// or mariadb://',
      )
    })
  },
  ['mysql', 'mariadb'],
)
