import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createRouter, SplitpoolError, type DecisionEvent, type Router, type StatementEvent } from '../../src'
import { postgres } from '../../src/adapters/pg'
import { describeDialect } from '../servers/provided'
import { until } from '../servers/until'

const WHO = `SELECT current_setting('cluster_name') AS node`

describeDialect('postgres', (cluster) => {
  let router: Router<{ default: ReturnType<typeof postgres> }>
  let db: Pool
  const replicaIds = cluster.replicas.map(({ id }) => id)
  const last = replicaIds.at(-1)!

  beforeAll(async () => {
    router = createRouter({
      databases: {
        default: postgres({
          primary: cluster.primary.url,
          replicas: cluster.replicas.map(({ url }) => url),
        }),
      },
    })
    db = router.pool()
    await router.scope(async () => {
      await db.query('DROP TABLE IF EXISTS pg_notes')
      await db.query('CREATE TABLE pg_notes (id serial PRIMARY KEY, body text NOT NULL)')
      await db.query(`CREATE OR REPLACE FUNCTION pg_notes_add(text) RETURNS int LANGUAGE sql AS
        'INSERT INTO pg_notes (body) VALUES ($1) RETURNING id'`)
    })
    await cluster.caughtUp()
  })

  afterEach(() => {
    expect(db.waitingCount, 'nobody waits for a connection').toBe(0)
    expect(db.totalCount - db.idleCount, 'every connection was given back').toBe(0)
  })

  afterAll(async () => {
    await db.query('DROP TABLE IF EXISTS pg_notes CASCADE')
    await router.close()
  })

  async function who(queryable: { query(sql: string): Promise<{ rows: unknown[] }> } = db): Promise<string> {
    const { rows } = await queryable.query(WHO)
    return (rows[0] as { node: string }).node
  }

  describe('a pool', () => {
    it('is a pg.Pool', () => {
      expect(db).toBeInstanceOf(Pool)
      expect(router.pool()).toBe(db)
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
        const { rows } = await db.query<{ id: number }>(
          `INSERT INTO pg_notes (body) VALUES ('mine') RETURNING id`,
        )
        expect(await who()).toBe('primary')
        const found = await db.query('SELECT body FROM pg_notes WHERE id = $1', [rows[0]!.id])
        expect(found.rows).toEqual([{ body: 'mine' }])
      })
      expect(replicaIds).toContain(await router.scope(() => who()))
    })

    it('takes text, config, values, row mode, a named statement and a callback', async () => {
      await router.scope(async () => {
        expect((await db.query('SELECT $1::int AS n', [1])).rows).toEqual([{ n: 1 }])
        expect((await db.query({ text: 'SELECT $1::int AS n', values: [2] })).rows).toEqual([{ n: 2 }])
        expect((await db.query({ text: 'SELECT 3 AS n', rowMode: 'array' })).rows).toEqual([[3]])
        for (let time = 0; time < 3; time++) {
          const named = { name: 'four', text: 'SELECT $1::int AS n', values: [4] }
          expect((await db.query(named)).rows).toEqual([{ n: 4 }])
        }
        const rows = await new Promise((resolve, reject) => {
          db.query('SELECT $1::int AS n', [5], (error, result) => {
            if (error as Error | undefined) reject(error)
            else resolve(result.rows)
          })
        })
        expect(rows).toEqual([{ n: 5 }])
      })
    })

    it("throws the driver's own errors", async () => {
      await router.scope(async () => {
        await expect(db.query('SELECT nonsense')).rejects.toMatchObject({ code: '42703', severity: 'ERROR' })
        await expect(db.query('INSERT INTO nowhere VALUES (1)')).rejects.toMatchObject({ code: '42P01' })
      })
    })

    it('sends what a replica refuses to the primary, once, and remembers the text', async () => {
      const before = router.stats().refusedByReplica
      const sql = `SELECT pg_notes_add('hidden write')`
      const count = `SELECT count(*)::int AS n FROM pg_notes WHERE body = 'hidden write'`
      await router.scope(async () => {
        await db.query(sql)
        expect(await who()).toBe('primary')
        expect((await db.query(count)).rows).toEqual([{ n: 1 }])
      })
      expect(router.stats().refusedByReplica).toBe(before + 1)
      await router.scope(() => db.query(sql))
      expect(router.stats().refusedByReplica, 'the text is known now').toBe(before + 1)
      expect(router.explain(sql)).toMatchObject({ role: 'primary', intent: 'write' })
    })

    it('does not repeat several statements in one text', async () => {
      const sql = `SELECT 1; SELECT pg_notes_add('several')`
      await expect(router.scope(() => db.query(sql))).rejects.toMatchObject({ code: '25006' })
    })

    it('opens sessions on replicas read only, by the server’s own word', async () => {
      const { rows } = await router.scope(() => db.query('SHOW default_transaction_read_only'))
      expect(rows).toEqual([{ default_transaction_read_only: 'on' }])
      const { rows: onPrimary } = await router.primary(() => db.query('SHOW default_transaction_read_only'))
      expect(onPrimary).toEqual([{ default_transaction_read_only: 'off' }])
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
      expect(await who(router.pool('default:primary'))).toBe('primary')
      expect(await who(router.pool(`default:${last}`))).toBe(last)
    })

    it('keeps concurrent scopes apart', async () => {
      const writes = router.scope(async () => {
        await db.query(`INSERT INTO pg_notes (body) VALUES ('apart')`)
        return await who()
      })
      const reads = Array.from({ length: 10 }, () => router.scope(() => who()))
      expect(await writes).toBe('primary')
      for (const node of await Promise.all(reads)) expect(replicaIds).toContain(node)
    })

    it('passes the events of its nodes on', async () => {
      const fresh = createRouter({
        databases: {
          default: postgres({ primary: cluster.primary.url, replicas: [cluster.replicas[0]!.url] }),
        },
      })
      const pool = fresh.pool()
      const events: string[] = []
      for (const event of ['connect', 'acquire', 'release', 'remove'] as const) {
        pool.on(event as 'connect', () => events.push(event))
      }
      expect(pool.totalCount).toBe(0)
      await pool.query('SELECT 1')
      expect(pool.totalCount).toBe(1)
      const removed = new Promise((resolve) => pool.once('remove', resolve))
      await pool.end()
      await removed
      expect(events).toEqual(['connect', 'acquire', 'release', 'remove'])
      await expect(pool.end()).rejects.toThrow('Called end on pool more than once')
      await expect(pool.query('SELECT 1')).rejects.toThrow('Cannot use a pool after calling end on the pool')
    })
  })

  describe('a borrowed client', () => {
    it('reads from the replica and moves to the primary for good when it writes', async () => {
      await router.scope(async () => {
        const client = await db.connect()
        try {
          expect(replicaIds).toContain(await who(client))
          await client.query(`INSERT INTO pg_notes (body) VALUES ('moved')`)
          expect(await who(client)).toBe('primary')
        } finally {
          client.release()
        }
      })
    })

    it('runs BEGIN and all after it on the primary, on one connection', async () => {
      await router.scope(async () => {
        const client = await db.connect()
        const pid = async (): Promise<number> =>
          (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid
        try {
          await client.query('BEGIN')
          expect(await who(client)).toBe('primary')
          expect(await who(), 'the outer pool while a transaction is open').toBe('primary')
          const [first, second] = [await pid(), await pid()]
          expect(first).toBe(second)
          await client.query('ROLLBACK')
        } finally {
          client.release()
        }
        expect(replicaIds, 'nothing was written').toContain(await who())
      })
    })

    it('runs BEGIN READ ONLY on a replica, whole, and refuses a write in it', async () => {
      await router.scope(async () => {
        const client = await db.connect()
        try {
          await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY')
          expect(replicaIds).toContain(await who(client))
          await expect(client.query(`INSERT INTO pg_notes (body) VALUES ('no')`)).rejects.toMatchObject({
            code: '25006',
          })
          await client.query('ROLLBACK')
          await client.query(`INSERT INTO pg_notes (body) VALUES ('yes')`)
          expect(await who(client)).toBe('primary')
        } finally {
          client.release()
        }
      })
    })

    it('keeps the order of statements that nobody awaits, across a move', async () => {
      await router.scope(async () => {
        const client = await db.connect()
        expect(replicaIds).toContain(await who(client))
        const order = await Promise.all([
          client.query('SELECT 0').then(() => 'read'),
          client.query(`CREATE TEMP TABLE pg_order AS SELECT 1 AS n`).then(() => 'written'),
          client.query('SELECT n FROM pg_order').then(({ rows }) => rows.length),
          client.query('DROP TABLE pg_order').then(() => 'dropped'),
        ])
        client.release()
        expect(order).toEqual(['read', 'written', 1, 'dropped'])
      })
    })

    it('gives the connection back after statements that nobody awaits', async () => {
      const client = await db.connect()
      const last = client.query(`INSERT INTO pg_notes (body) VALUES ('not awaited')`)
      client.release()
      await last
      expect(() => {
        client.release()
      }).toThrow('Release called on client which has already been released to the pool.')
      await new Promise(setImmediate)
    })

    it('passes on what its connection emits, and listens no longer than it is borrowed', async () => {
      const client = await db.connect()
      const notices: (string | undefined)[] = []
      client.on('notice', ({ message }) => notices.push(message))
      await client.query(`DO $$ BEGIN RAISE NOTICE 'hello'; END $$`)
      client.release()
      expect(notices).toEqual(['hello'])
      for (let time = 0; time < 20; time++) {
        const next = await db.connect()
        await next.query(`DO $$ BEGIN RAISE NOTICE 'again'; END $$`)
        next.release()
      }
      const acquired = new Promise<{ listenerCount(event: string): number }>((resolve) => {
        db.once('acquire', resolve)
      })
      await db.query('DELETE FROM pg_notes WHERE false')
      const native = await acquired
      expect(native.listenerCount('notice')).toBe(0)
      expect(notices).toEqual(['hello'])
    })

    it('closes its connection when it is released with an error', async () => {
      const client = await db.connect()
      const { rows } = await client.query<{ pid: number }>(`SELECT pg_backend_pid() AS pid`)
      const gone = new Promise((resolve) => db.once('remove', resolve))
      client.release(true)
      await gone
      expect(rows).toHaveLength(1)
    })
  })

  describe('router.transaction', () => {
    it('commits when the callback returns, and rolls back when it throws', async () => {
      const count = async (): Promise<unknown> =>
        (await db.query(`SELECT count(*)::int AS n FROM pg_notes WHERE body = 'tx'`)).rows[0]
      await router.scope(async () => {
        const result = await router.transaction(async (tx) => {
          await tx.query(`INSERT INTO pg_notes (body) VALUES ('tx')`)
          return 'done'
        })
        expect(result).toBe('done')
        expect(await count()).toEqual({ n: 1 })
        await expect(
          router.transaction(async (tx) => {
            await tx.query(`INSERT INTO pg_notes (body) VALUES ('tx')`)
            throw new Error('changed my mind')
          }),
        ).rejects.toThrow('changed my mind')
        expect(await count()).toEqual({ n: 1 })
      })
    })

    const pidOf = async (from: { query(sql: string): Promise<{ rows: unknown[] }> }): Promise<number> =>
      ((await from.query('SELECT pg_backend_pid() AS pid')).rows[0] as { pid: number }).pid

    it('takes in the statements of the outer pool', async () => {
      await router.scope(async () => {
        await router.transaction(async (tx) => {
          expect(await pidOf(db)).toBe(await pidOf(tx))
        })
        expect(replicaIds, 'nothing was written').toContain(await who())
      })
    })

    it('takes in a client that is borrowed inside, unless it opens a transaction itself', async () => {
      await router.scope(() =>
        router.transaction(async (tx) => {
          const client = await db.connect()
          try {
            expect(await pidOf(client)).toBe(await pidOf(tx))
            await client.query('BEGIN')
            expect(await who(client)).toBe('primary')
            expect(await pidOf(client)).not.toBe(await pidOf(tx))
            await client.query('COMMIT')
          } finally {
            client.release()
          }
          expect(await pidOf(db), 'the release did not touch the transaction').toBe(await pidOf(tx))
        }),
      )
    })

    it('keeps what the scope does beside it away from replicas', async () => {
      await router.scope(async () => {
        let entered: () => void = () => undefined
        const inside = new Promise<void>((resolve) => {
          entered = resolve
        })
        let leave: () => void = () => undefined
        const done = new Promise<void>((resolve) => {
          leave = resolve
        })
        const transaction = router.transaction(async () => {
          entered()
          await done
        })
        await inside
        expect(await who()).toBe('primary')
        leave()
        await transaction
        expect(replicaIds, 'nothing was written').toContain(await who())
      })
    })

    it('knows that nothing was kept when its connection is lost before COMMIT', async () => {
      const admin = new Pool({ connectionString: cluster.primary.adminUrl })
      const run = router.scope(() =>
        router.transaction(async (tx) => {
          await tx.query(`INSERT INTO pg_notes (body) VALUES ('killed')`)
          await admin.query('SELECT pg_terminate_backend($1)', [await pidOf(tx)])
          await tx.query('SELECT 1').catch(() => undefined)
          await tx.query('SELECT 1').catch(() => undefined)
        }),
      )
      await expect(run).rejects.toMatchObject({ code: 'ERR_TRANSACTION_ABORTED' })
      const { rows } = await admin.query(`SELECT count(*)::int AS n FROM pg_notes WHERE body = 'killed'`)
      expect(rows).toEqual([{ n: 0 }])
      await admin.end()
    })

    it('names the outcome unknown when the connection is lost while COMMIT is under way', async () => {
      const admin = new Pool({ connectionString: cluster.primary.adminUrl })
      await admin.query(`CREATE OR REPLACE FUNCTION pg_notes_wait() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_sleep(30); RETURN NULL; END'`)
      await db.query(`CREATE TABLE pg_slow (id int)`)
      await admin.query(`CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON pg_slow
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pg_notes_wait()`)
      try {
        let pid = 0
        const run = router.scope(() =>
          router.transaction(async (tx) => {
            pid = await pidOf(tx)
            await tx.query('INSERT INTO pg_slow VALUES (1)')
          }),
        )
        const ended = expect(run).rejects.toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN' })
        await until('COMMIT is under way', async () => {
          const { rows } = await admin.query(
            `SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND query = 'COMMIT' AND state = 'active'`,
            [pid],
          )
          return rows.length === 1
        })
        await admin.query('SELECT pg_terminate_backend($1)', [pid])
        await ended
      } finally {
        await db.query('DROP TABLE pg_slow')
        await admin.query('DROP FUNCTION pg_notes_wait')
        await admin.end()
      }
    })

    it('nests as savepoints, also side by side', async () => {
      await router.scope(async () => {
        await router.transaction(async (tx) => {
          await tx.query(`INSERT INTO pg_notes (body) VALUES ('outer')`)
          const settled = await Promise.allSettled([
            router.transaction(async (inner) => {
              await inner.query(`INSERT INTO pg_notes (body) VALUES ('kept')`)
            }),
            router.transaction(async (inner) => {
              await inner.query(`INSERT INTO pg_notes (body) VALUES ('dropped')`)
              await inner.query('SELECT 1/0')
            }),
            router.transaction(async (inner) => {
              await inner.query(`INSERT INTO pg_notes (body) VALUES ('kept too')`)
            }),
          ])
          expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
        })
        const { rows } = await db.query(
          `SELECT body FROM pg_notes WHERE body IN ('outer', 'kept', 'dropped', 'kept too') ORDER BY id`,
        )
        expect(rows).toEqual([{ body: 'outer' }, { body: 'kept' }, { body: 'kept too' }])
      })
    })

    it('runs on the replica when it is read only', async () => {
      await router.scope(async () => {
        await router
          .transaction(
            async (tx) => {
              expect(replicaIds).toContain(await who(tx))
              await expect(tx.query(`DELETE FROM pg_notes`)).rejects.toMatchObject({ code: '25006' })
            },
            { readOnly: true, isolationLevel: 'repeatable read' },
          )
          .catch((error: unknown) => {
            expect(error).toMatchObject({ code: 'ERR_TRANSACTION_ABORTED' })
          })
        const level = await router.transaction(
          async (tx) => [await who(tx), (await tx.query('SHOW transaction_isolation')).rows[0]],
          { readOnly: true, isolationLevel: 'serializable' },
        )
        expect(level).toEqual(['primary', { transaction_isolation: 'serializable' }])
      })
    })

    it('says so when the server rolled back what it was asked to commit', async () => {
      const swallowed = router.scope(() =>
        router.transaction(async (tx) => {
          await tx.query(`INSERT INTO pg_notes (body) VALUES ('lost')`)
          await tx.query('SELECT 1/0').catch(() => undefined)
        }),
      )
      await expect(swallowed).rejects.toMatchObject({ code: 'ERR_TRANSACTION_ABORTED' })
    })

    it('refuses a statement that comes after its end', async () => {
      await router.scope(async () => {
        const escaped = await router.transaction((tx) => tx)
        await expect(escaped.query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_TRANSACTION_CLOSED' })
      })
    })
  })

  describe('an application’s own pools', () => {
    it('serve, with read-only sessions on the replica, and stay open when the router closes', async () => {
      const primary = new Pool({ connectionString: cluster.primary.url })
      const replica = new Pool({ connectionString: cluster.replicas[0]!.url })
      await replica.query('SELECT 1')
      const own = createRouter({
        databases: { default: postgres({ primary, replicas: [{ pool: replica, id: 'near', weight: 2 }] }) },
      })
      try {
        const { rows } = await own.scope(() => own.pool().query('SHOW default_transaction_read_only'))
        expect(rows).toEqual([{ default_transaction_read_only: 'on' }])
        expect(own.explain('SELECT 1').nodeId).toBe('default:near')
        await own.close()
        await expect(own.pool().query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
        expect((await primary.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
      } finally {
        await Promise.all([primary.end(), replica.end()])
      }
    })
  })

  it('warns once when a replica is writable', async () => {
    const warnings: Error[] = []
    const listen = (warning: Error): void => void warnings.push(warning)
    process.on('warning', listen)
    const wrong = createRouter({
      databases: { default: postgres({ primary: cluster.primary.url, replicas: [cluster.primary.url] }) },
    })
    try {
      await wrong.scope(() => wrong.pool().query('SELECT 1'))
      await wrong.scope(() => wrong.pool().query('SELECT 1'))
      await expect(
        wrong.scope(() => wrong.pool('default:replica-1').query(`INSERT INTO pg_notes (body) VALUES ('no')`)),
        'the session is read only all the same',
      ).rejects.toMatchObject({ code: '25006' })
      await new Promise(setImmediate)
      expect(warnings.filter(({ name }) => name === 'SplitpoolWarning')).toHaveLength(1)
      expect(warnings.find(({ name }) => name === 'SplitpoolWarning')?.message).toContain('default:replica-1')
    } finally {
      process.off('warning', listen)
      await wrong.close()
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
        await db.query('SELECT 1')
        await db.query('SELECT nonsense').catch(() => undefined)
        await db.query(`ALTER ROLE app PASSWORD 'app'`)
      })
    } finally {
      unsubscribe('splitpool:decision', onDecision)
      unsubscribe('splitpool:statement', onStatement)
    }
    expect(decisions.map(({ sql, decision }) => [sql, decision.role, decision.rule])).toEqual([
      ['SELECT 1', 'replica', 'read'],
      ['SELECT nonsense', 'replica', 'read'],
      [null, 'primary', 'not-a-read'],
    ])
    expect(statements.map(({ error }) => error === null)).toEqual([true, false, true])
    for (const { durationMs } of statements) expect(durationMs).toBeGreaterThan(0)
  })

  it('rejects, and does not throw, what it refuses itself', async () => {
    const refused = router.using('default', () => router.pool().query('/* splitpool: nowhere */ SELECT 1'))
    await expect(refused).rejects.toBeInstanceOf(SplitpoolError)
    await expect(refused).rejects.toMatchObject({ code: 'ERR_UNKNOWN_ALIAS' })
  })
})
