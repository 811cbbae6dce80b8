import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { EventEmitter } from 'node:events'
import { knex, type Knex } from 'knex'
import mysql2 from 'mysql2'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createRouter, type Router, type StatementEvent } from '../../src'
import { knexClient } from '../../src/adapters/knex'
import { mariadb, mysql, type MysqlOptions } from '../../src/adapters/mysql2'
import { postgres, type PostgresOptions } from '../../src/adapters/pg'
import type { Dialect } from '../../src/dialects/dialect'
import type { Cluster } from '../servers/cluster'
import { describeEachDialect } from '../servers/provided'
import { runSql } from '../servers/run-sql'
import { until } from '../servers/until'

interface Note {
  readonly id: number
  readonly body: string
}

/** As much of a query as is looked at in its events here. */
interface Asked {
  readonly sql: string
  readonly node?: string
  readonly queryContext?: unknown
  readonly __knexUid?: string
  readonly __knexTxId?: string
}

/** Knex warns of connections that were lost or could not be had, which here are so on purpose. */
const QUIET = { warn: (): void => undefined }

describeEachDialect((dialect, cluster) => {
  let router: Router
  let db: Knex
  const onPostgres = dialect === 'postgres'
  const replicas = cluster.replicas.map(({ id }) => id)
  const replicaIds = replicas.map((id) => `default:${id}`)

  beforeAll(async () => {
    router = routerOver(dialect, cluster)
    db = knex({ client: knexClient(router), asyncStackTraces: true, log: QUIET })
    await router.scope(async () => {
      await db.schema.dropTableIfExists('knex_notes')
      await db.schema.createTable('knex_notes', (table) => {
        table.increments('id')
        table.string('body').notNullable()
      })
      await db('knex_notes').insert([{ body: 'one' }, { body: 'two' }, { body: 'three' }])
      await db.schema.dropTableIfExists('knex_marks')
      await db.schema.createTable('knex_marks', (table) => table.integer('n'))
      await db('knex_marks').insert({ n: 1 })
      if (onPostgres) {
        await db.raw(`CREATE OR REPLACE FUNCTION knex_notes_add(text) RETURNS int LANGUAGE sql AS
          'INSERT INTO knex_notes (body) VALUES ($1) RETURNING id'`)
      } else {
        await dropFunction()
        await runSql(
          cluster.primary.adminUrl,
          `CREATE FUNCTION knex_notes_add(t VARCHAR(255)) RETURNS INT MODIFIES SQL DATA
           BEGIN INSERT INTO knex_notes (body) VALUES (t); RETURN LAST_INSERT_ID(); END`,
        )
      }
    })
    await cluster.caughtUp()
  })

  afterEach(() => {
    expect(db.client.pool.numPendingAcquires(), 'nobody waits for a connection').toBe(0)
    expect(db.client.pool.numUsed(), 'every connection was given back').toBe(0)
  })

  afterAll(async () => {
    await dropFunction()
    for (const table of ['knex_notes', 'knex_marks']) await db.schema.dropTableIfExists(table)
    await db.destroy()
    await router.close()
  })

  /** As the one who made it. */
  async function dropFunction(): Promise<void> {
    if (onPostgres) await db.raw('DROP FUNCTION IF EXISTS knex_notes_add(text)')
    else await runSql(cluster.primary.adminUrl, 'DROP FUNCTION IF EXISTS knex_notes_add')
  }

  const who = (queryable: Knex = db): Promise<string> => askWho(dialect, queryable)

  /** A Knex with options of its own, destroyed afterwards, when it must have given everything back. */
  async function withKnex<T>(config: Knex.Config, use: (db: Knex) => Promise<T>): Promise<T> {
    const own = knex({ log: QUIET, ...config, client: knexClient(router) })
    try {
      return await use(own)
    } finally {
      expect(own.client.pool?.numUsed() ?? 0).toBe(0)
      await own.destroy()
    }
  }

  /** The statements of `run`, by the node that they ran on. */
  async function nodesOf(run: () => Promise<unknown>): Promise<readonly { node: string; sql: string }[]> {
    const seen: { node: string; sql: string }[] = []
    const note = (query: Asked): void => {
      seen.push({ node: query.node ?? 'nowhere', sql: query.sql })
    }
    db.on('query', note)
    try {
      await run()
    } finally {
      db.removeListener('query', note)
    }
    return seen
  }

  describe('a builder', () => {
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
      expect([...seen].sort()).toEqual([...replicas].sort())
    })

    it('writes to the primary and reads its own writes', async () => {
      await router.scope(async () => {
        expect(replicas).toContain(await who())
        await db('knex_notes').insert({ body: 'mine' })
        expect(await who()).toBe('primary')
        expect(await db<Note>('knex_notes').where({ body: 'mine' }).pluck('body')).toEqual(['mine'])
        expect(await db('knex_notes').where({ body: 'mine' }).del()).toBe(1)
      })
      expect(replicas).toContain(await router.scope(() => who()))
    })

    it('takes values once, also when a replica refuses and the primary is asked', async () => {
      const before = router.stats().refusedByReplica
      const sql = `SELECT knex_notes_add(?) AS id, ${onPostgres ? `'\\?'` : `'?'`} AS mark`
      await router.scope(async () => {
        expect(replicas).toContain(await who())
        const seen = await nodesOf(() => db.raw(sql, onPostgres ? ['hidden'] : ['hidden', 'mark']))
        expect(seen.map(({ node }) => node)).toEqual([expect.stringContaining('replica'), 'default:primary'])
        expect(seen[0]!.sql).toBe(seen[1]!.sql)
        expect(await db('knex_notes').where({ body: 'hidden' }).del()).toBe(1)
      })
      expect(router.stats().refusedByReplica).toBe(before + 1)
    })

    it('compiles its SQL once, however often it is sent', async () => {
      const wrapped: string[] = []
      const config: Knex.Config = {
        wrapIdentifier: (value, wrap) => {
          wrapped.push(value)
          return wrap(value)
        },
      }
      await withKnex(config, async (own) => {
        const before = router.stats().refusedByReplica
        await router.scope(async () => {
          await own('knex_marks').first(own.raw(`knex_notes_add('compiled') AS id`))
          expect(router.stats().refusedByReplica, 'sent twice').toBe(before + 1)
          expect(wrapped).toEqual(['knex_marks'])
          await own('knex_notes').where({ body: 'compiled' }).del()
        })
      })
    })

    it('locks rows on the primary', async () => {
      for (const lock of ['forUpdate', 'forShare'] as const) {
        const seen = await nodesOf(() =>
          router.scope(() => db.transaction((trx) => trx('knex_notes')[lock]().where({ id: 1 }))),
        )
        expect(new Set(seen.map(({ node }) => node))).toEqual(new Set(['default:primary']))
      }
      const [locked] = await nodesOf(() => router.scope(() => db('knex_notes').forUpdate().where({ id: 1 })))
      expect(locked).toMatchObject({ node: 'default:primary' })
    })

    it('inserts in batches, in a transaction on the primary', async () => {
      const rows = Array.from({ length: 7 }, (_, n) => ({ body: `batch ${n}` }))
      const seen = await nodesOf(() => router.scope(() => db.batchInsert('knex_notes', rows, 3)))
      expect(seen.map(({ node }) => node)).toEqual(Array<string>(5).fill('default:primary'))
      expect(seen.filter(({ sql }) => /insert/i.test(sql))).toHaveLength(3)
      expect(await router.scope(() => db('knex_notes').where('body', 'like', 'batch %').del())).toBe(7)
    })

    it('gives an error the message and the stack that Knex gives it', async () => {
      const error = await router
        .scope(async function asksForNothing() {
          return await db('knex_nowhere').where({ id: 5 })
        })
        .catch((thrown: unknown) => thrown as Error)
      expect(error).toBeInstanceOf(Error)
      expect((error as Error).message).toMatch(/^select \* from .knex_nowhere. where .id. = (5|\$1) - /)
      expect((error as Error).stack, 'asyncStackTraces').toContain('asksForNothing')
    })

    it('runs its hooks and its listeners in the scope of the caller', async () => {
      const inside: string[] = []
      const config: Knex.Config = {
        postProcessResponse: (result: unknown, context: unknown) => {
          if (context === 'look') inside.push(router.explain('SELECT 1').rule)
          return result
        },
      }
      await withKnex(config, (own) =>
        router.scope(async () => {
          own.on('query-response', (_: unknown, { queryContext }: Asked) => {
            if (queryContext === 'look') inside.push(router.explain('SELECT 1').rule)
          })
          await own('knex_notes').insert({ body: 'hook' })
          await own('knex_notes').where({ body: 'hook' }).queryContext('look')
          await own('knex_notes').where({ body: 'hook' }).del()
        }),
      )
      expect(inside).toEqual(['own-writes', 'own-writes'])
    })

    it('runs on the connection that it is given', async () => {
      await router.scope(async () => {
        const connection = (await db.client.acquireConnection()) as object
        try {
          await db('knex_notes').insert({ body: 'held' }).connection(connection)
          expect(await db('knex_notes').where({ body: 'held' }).del().connection(connection)).toBe(1)
        } finally {
          await db.client.releaseConnection(connection)
        }
      })
    })
  })

  describe('an event', () => {
    it('names the node that served it', async () => {
      const seen: [string, Asked][] = []
      const note =
        (event: string) =>
        (...values: unknown[]): void => {
          const asked = values.find((value) => (value as Asked | null)?.__knexUid !== undefined)
          seen.push([event, asked as Asked])
        }
      const listeners = ['query', 'query-response', 'query-error'].map(
        (event) => [event, note(event)] as const,
      )
      for (const [event, listener] of listeners) db.on(event, listener)
      try {
        await router.scope(async () => {
          const builder = db('knex_notes').where({ id: 1 }).queryContext({ mine: true })
          for (const event of ['query', 'query-response'] as const)
            builder.on(event, note(`builder ${event}`))
          await builder
          await db('knex_notes').where({ id: -1 }).update({ body: '' })
          await db('knex_nowhere').catch(() => undefined)
        })
      } finally {
        for (const [event, listener] of listeners) db.removeListener(event, listener)
      }
      expect(seen.map(([event, { node }]) => [event, node?.replace(/-\d$/, '')])).toEqual([
        ['builder query', 'default:replica'],
        ['query', 'default:replica'],
        ['builder query-response', 'default:replica'],
        ['query-response', 'default:replica'],
        ['query', 'default:primary'],
        ['query-response', 'default:primary'],
        ['query', 'default:primary'],
        ['query-error', 'default:primary'],
      ])
      expect(seen[1]![1].queryContext).toEqual({ mine: true })
      expect(seen[1]![1].__knexUid).toBe(seen[3]![1].__knexUid)
    })
  })

  describe('the schema', () => {
    it('is asked for and changed on the primary, before anything was written', async () => {
      const seen = await nodesOf(async () => {
        expect(await router.scope(() => db.schema.hasTable('knex_notes'))).toBe(true)
        expect(await router.scope(() => db.schema.hasColumn('knex_notes', 'body'))).toBe(true)
        expect(Object.keys(await router.scope(() => db('knex_notes').columnInfo())).sort()).toEqual([
          'body',
          'id',
        ])
        await router.scope(() => db.schema.createTable('knex_other', (table) => table.integer('n')))
        await router.scope(() => db.schema.dropTable('knex_other'))
      })
      expect(new Set(seen.map(({ node }) => node))).toEqual(new Set(['default:primary']))
    })

    it('is that of the server from the first statement on', () => {
      const drop = (): unknown =>
        db.schema.alterTable('knex_notes', (table) => table.dropUniqueIfExists(['body'])).toSQL()
      if (dialect === 'mysql') expect(drop).toThrow('not supported for mysql')
      else expect(drop()).toHaveLength(1)
      if (onPostgres) return
      const [create] = db.schema.createTable('knex_none', (table) => table.integer('n')).toSQL()
      expect(create!.sql).not.toContain('character set')
    })

    it('leaves the reads of the scope where they were when it was only asked for', async () => {
      await router.scope(async () => {
        const pinned = await who()
        await db.schema.hasTable('knex_notes')
        expect(await who()).toBe(pinned)
      })
    })
  })

  describe('migrations and seeds', () => {
    const migrations: (Knex.Migration & { config?: { transaction: boolean } })[] = [
      {
        up: (own) => own.schema.createTable('knex_moved', (table) => table.string('body')),
        down: (own) => own.schema.dropTable('knex_moved'),
      },
      {
        config: { transaction: false },
        up: async (own) => {
          // reads before it writes
          const notes = await own<Note>('knex_notes').where({ id: 1 })
          await own('knex_moved').insert(notes.map(({ body }) => ({ body })))
        },
        down: () => Promise.resolve(),
      },
    ]
    const migrationSource: Knex.MigrationSource<number> = {
      getMigrations: () => Promise.resolve([0, 1]),
      getMigrationName: (n) => `${n}_migration`,
      getMigration: (n) => Promise.resolve(migrations[n]!),
    }
    const config = { migrationSource, tableName: 'knex_moves' }

    afterAll(async () => {
      for (const table of ['knex_moved', 'knex_moves', 'knex_moves_lock'])
        await db.schema.dropTableIfExists(table)
    })

    it('go to the primary whole, whatever they read', async () => {
      const events: StatementEvent[] = []
      const note = (message: unknown): void => {
        events.push(message as StatementEvent)
      }
      subscribe('splitpool:statement', note)
      try {
        await router.scope(async () => {
          expect(await db.migrate.list(config)).toEqual([[], [0, 1]])
        })
        await router.scope(async () => {
          expect(await db.migrate.latest(config)).toEqual([1, ['0_migration', '1_migration']])
        })
        await router.scope(async () => {
          expect(await db.migrate.currentVersion(config)).toBe('1')
        })
        await router.scope(async () => {
          expect(await db.migrate.status(config)).toBe(0)
        })
        await router.scope(() => db.migrate.down(config))
        await router.scope(() => db.migrate.up(config))
        await router.scope(() => db.migrate.rollback(config, true))
        await router.scope(() => db.seed.run(seedOf((own) => own('knex_notes').where({ id: 1 }))))
      } finally {
        unsubscribe('splitpool:statement', note)
      }
      expect(events.length).toBeGreaterThan(20)
      expect(new Set(events.map(({ decision }) => decision.nodeId))).toEqual(new Set(['default:primary']))
    })

    it('leave other reads of the scope on the replica', async () => {
      await router.scope(async () => {
        await db.migrate.currentVersion(config)
        expect(replicas).toContain(await who())
      })
    })
  })

  describe('a transaction', () => {
    it('is one connection of the primary, and commits', async () => {
      const seen = await nodesOf(() =>
        router.scope(async () => {
          expect(replicas).toContain(await who())
          await db.transaction(async (trx) => {
            expect(await who(trx)).toBe('primary')
            await trx('knex_notes').insert({ body: 'kept' })
            expect(await trx('knex_notes').where({ body: 'kept' })).toHaveLength(1)
            expect(await db('knex_notes').where({ body: 'kept' }), 'another connection').toHaveLength(0)
            expect(await who(), 'also the outer one reads from the primary').toBe('primary')
          })
          expect(await db('knex_notes').where({ body: 'kept' }).del()).toBe(1)
        }),
      )
      expect(seen.map(({ sql }) => sql)).toContain('COMMIT;')
      expect(seen.slice(1).every(({ node }) => node === 'default:primary')).toBe(true)
    })

    it('rolls back what throws, and throws the same', async () => {
      const error = new Error('no')
      await router.scope(async () => {
        await expect(
          db.transaction(async (trx) => {
            await trx('knex_notes').insert({ body: 'lost' })
            throw error
          }),
        ).rejects.toBe(error)
        expect(await db('knex_notes').where({ body: 'lost' })).toHaveLength(0)
      })
    })

    it('nests as savepoints', async () => {
      await router.scope(async () => {
        await db.transaction(async (trx) => {
          await trx('knex_notes').insert({ body: 'outer' })
          await trx
            .transaction(async (inner) => {
              await inner('knex_notes').insert({ body: 'inner' })
              throw new Error('no')
            })
            .catch(() => undefined)
          await trx.transaction((inner) => inner('knex_notes').insert({ body: 'second' }))
        })
        const bodies = await db<Note>('knex_notes')
          .whereIn('body', ['outer', 'inner', 'second'])
          .pluck('body')
        expect(bodies.sort()).toEqual(['outer', 'second'])
        await db('knex_notes').whereIn('body', bodies).del()
      })
    })

    it('is made by a provider once, and by hand', async () => {
      await router.scope(async () => {
        const provide = db.transactionProvider()
        const trx = await provide()
        expect(await provide()).toBe(trx)
        await trx('knex_notes').insert({ body: 'provided' })
        await trx.rollback()
        expect(trx.isCompleted()).toBe(true)
        expect(await db('knex_notes').where({ body: 'provided' })).toHaveLength(0)
      })
    })

    it('runs on the scope’s replica when it is declared read only, and is refused writes', async () => {
      await router.scope(async () => {
        const pinned = await who()
        const seen = await nodesOf(() =>
          db
            .transaction(
              async (trx) => {
                expect(await who(trx)).toBe(pinned)
                await expect(trx('knex_notes').insert({ body: 'no' })).rejects.toThrow(/read.only/i)
              },
              { readOnly: true },
            )
            .catch((error: unknown) => {
              // PostgreSQL has aborted it
              if (!onPostgres) throw error
            }),
        )
        expect(new Set(seen.map(({ node }) => node))).toEqual(new Set([`default:${pinned}`]))
      })
    })

    it('has the isolation level that it asks for, on a replica when it is read only', async () => {
      const level = async (trx: Knex): Promise<string> => {
        if (onPostgres) {
          const { rows } = await trx.raw<{ rows: { level: string }[] }>(
            `SELECT current_setting('transaction_isolation') AS level`,
          )
          return rows[0]!.level
        }
        // MySQL shows the level of the transaction only while it holds something
        await trx('knex_notes').where({ id: 1 })
        const [rows] = await trx.raw<[{ level: string }[]]>('SELECT @@transaction_isolation AS level')
        return rows![0]!.level.toLowerCase().replace('-', ' ')
      }
      await router.scope(async () => {
        const asked = { isolationLevel: 'repeatable read', readOnly: true } as const
        const nodes = await nodesOf(async () => {
          expect(await db.transaction((trx) => level(trx), asked)).toBe('repeatable read')
        })
        expect(new Set(nodes.map(({ node }) => node)).size).toBe(1)
        expect(nodes[0]!.node).toContain('replica')
        const serializable = await nodesOf(() =>
          db.transaction((trx) => trx('knex_notes').where({ id: 1 }), {
            isolationLevel: 'serializable',
            readOnly: true,
          }),
        )
        expect(new Set(serializable.map(({ node }) => node))).toEqual(new Set(['default:primary']))
      })
    })

    it('that has ended refuses statements in Knex’s own words', async () => {
      const trx = await router.scope(() => db.transaction())
      await trx.commit()
      await expect(trx('knex_notes')).rejects.toThrow('Transaction query already complete')
    })

    it('does not start its callback when there is no connection', async () => {
      await withKnex({ pool: { max: 1 }, acquireConnectionTimeout: 1_000 }, (own) =>
        router.scope(async () => {
          const trx = await own.transaction()
          await expect(own.transaction()).rejects.toThrow(knex.KnexTimeoutError)
          let started = false
          await expect(
            own.transaction(() => {
              started = true
              return Promise.resolve()
            }),
          ).rejects.toThrow('Knex: Timeout acquiring a connection')
          expect(started).toBe(false)
          await trx.rollback()
        }),
      )
    })
  })

  describe('a connection that is borrowed from Knex', () => {
    /** By the driver's own method. */
    const count = async (connection: object, sql: string): Promise<number> => {
      if (onPostgres) {
        const { rows } = await (connection as pg.PoolClient).query<{ n: string }>(sql)
        return Number(rows[0]!.n)
      }
      const [rows] = await (connection as mysql2.PoolConnection).promise().query<mysql2.RowDataPacket[]>(sql)
      return Number(rows[0]!['n'])
    }

    it('is the driver’s, and routed', async () => {
      await router.scope(async () => {
        const connection = (await db.client.acquireConnection()) as object
        try {
          expect(connection).toBeInstanceOf(onPostgres ? pg.Client : mysql2.PoolConnection)
          expect(await count(connection, 'SELECT count(*) AS n FROM knex_notes')).toBe(3)
          expect(replicas).toContain(await who())
        } finally {
          await db.client.releaseConnection(connection)
        }
      })
    })

    it('is the transaction’s inside one', async () => {
      await router.scope(() =>
        db.transaction(async (trx) => {
          await trx('knex_notes').insert({ body: 'unseen' })
          const connection = (await trx.client.acquireConnection()) as object
          expect(await count(connection, `SELECT count(*) AS n FROM knex_notes WHERE body = 'unseen'`)).toBe(
            1,
          )
          await trx.rollback()
        }),
      )
    })
  })

  describe('a stream', () => {
    it('reads from the scope’s replica', async () => {
      await router.scope(async () => {
        const pinned = await who()
        const bodies: string[] = []
        const seen = await nodesOf(async () => {
          const stream = db<Note>('knex_notes').orderBy('id').stream() as AsyncIterable<Note>
          for await (const { body } of stream) bodies.push(body)
        })
        expect(seen.map(({ node }) => node)).toEqual([`default:${pinned}`])
        expect(bodies).toEqual(['one', 'two', 'three'])
      })
    })

    it('tells its listeners in the frame of the reader', async () => {
      await router.using(`default:${replicas[0]!}`, async () => {
        const { rule } = router.explain('SELECT 1')
        expect(rule).not.toBe('read')
        const rules: string[] = []
        const stream = db<Note>('knex_notes').stream()
        const note = (): number => rules.push(router.explain('SELECT 1').rule)
        await new Promise((resolve, reject) => {
          stream.on('data', note).on('end', note).on('close', resolve).on('error', reject)
        })
        expect(rules).toEqual([rule, rule, rule, rule])
      })
    })

    it('of a statement that a replica refuses comes from the primary', async () => {
      const before = router.stats().refusedByReplica
      await router.scope(async () => {
        expect(replicas).toContain(await who())
        const rows: unknown[] = []
        for await (const row of db.raw(`SELECT knex_notes_add('streamed') AS id, 1 AS one`).stream())
          rows.push(row)
        expect(rows).toHaveLength(1)
        expect(await db('knex_notes').where({ body: 'streamed' }).del()).toBe(1)
      })
      expect(router.stats().refusedByReplica).toBe(before + 1)
    })

    it('emits the error of its statement, once', async () => {
      const errors: Error[] = []
      const stream = db('knex_nowhere').stream()
      stream.on('error', (error: Error) => errors.push(error))
      await until('the error', () => errors.length > 0)
      await until('the connection is given back', () => db.client.pool.numUsed() === 0)
      expect(errors).toHaveLength(1)
    })

    it('that nobody can connect emits that', async () => {
      await withKnex({ pool: { max: 1 }, acquireConnectionTimeout: 1_000 }, (own) =>
        router.scope(async () => {
          const trx = await own.transaction()
          const stream = own('knex_notes').forUpdate().stream()
          const error = await new Promise((resolve) => stream.on('error', resolve))
          expect(error).toBeInstanceOf(knex.KnexTimeoutError)
          await trx.rollback()
        }),
      )
    })

    it('that is destroyed half way gives its connection back, fit for the next', async () => {
      const many = onPostgres
        ? 'SELECT n FROM generate_series(1, 200000) AS n'
        : 'WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s WHERE n < 900) SELECT a.n FROM s a, s b'
      await withKnex({ pool: { max: 1 } }, async (own) => {
        for (let time = 0; time < 3; time++) {
          await router.using(`default:${replicas[0]!}`, async () => {
            let rows = 0
            for await (const row of own.raw(many).stream({ highWaterMark: 5 })) {
              if (row !== null && ++rows === 3) break
            }
            expect(rows).toBe(3)
            expect(await who(own)).toBe(replicas[0])
          })
        }
        await until('the connection is given back', () => own.client.pool.numUsed() === 0)
      })
    })
  })

  describe('a time-out', () => {
    const slow = (own: Knex) => own.raw(onPostgres ? 'SELECT pg_sleep(30)' : 'SELECT SLEEP(30)')
    const running = async (url: string): Promise<number> => {
      const sql = onPostgres
        ? `SELECT count(*)::int AS n FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'`
        : `SELECT count(*) AS n FROM information_schema.processlist WHERE info = 'SELECT SLEEP(30)'`
      const [row] = await runSql(url, sql)
      return Number(row!['n'])
    }

    it('cancels the statement on the server where it runs', async () => {
      await router.using(`default:${replicas[0]!}`, async () => {
        const error = await slow(db)
          .timeout(200, { cancel: true })
          .then(
            () => null,
            (thrown: unknown) => thrown as Error,
          )
        expect(error).toBeInstanceOf(knex.KnexTimeoutError)
        expect(error!.message).toBe('Defined query timeout of 200ms exceeded when running query.')
      })
      const { adminUrl } = cluster.replicas[0]!
      await until('nothing sleeps there', async () => (await running(adminUrl)) === 0, { timeoutMs: 5_000 })
    })

    it('without cancelling never uses the connection again', async () => {
      await withKnex({ pool: { max: 1 } }, (own) =>
        router.using(`default:${replicas[0]!}`, async () => {
          await expect(slow(own).timeout(100)).rejects.toThrow(knex.KnexTimeoutError)
          expect(await who(own), 'at once, on a new connection').toBe(replicas[0])
          expect(own.client.pool.numFree()).toBe(1)
        }),
      )
      const { adminUrl } = cluster.replicas[0]!
      const sleeping = onPostgres
        ? `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'`
        : `SELECT id FROM information_schema.processlist WHERE info = 'SELECT SLEEP(30)'`
      for (const { id } of await runSql(adminUrl, sleeping))
        if (!onPostgres) await runSql(adminUrl, `KILL ${String(id)}`)
    })
  })

  describe('a pool', () => {
    it('is opened by the options of Knex, one for each node', async () => {
      const created: object[] = []
      const pool: Knex.PoolConfig = {
        min: 0,
        max: 2,
        afterCreate: (connection: object, done: (error: Error | null, connection: object) => void) => {
          created.push(connection)
          done(null, connection)
        },
      }
      await withKnex({ pool }, async (own) => {
        await router.scope(() => Promise.all([1, 2, 3, 4].map(() => who(own))))
        expect(created.length, 'of one replica').toBeLessThanOrEqual(2)
        await router.primary(() => Promise.all([1, 2, 3, 4].map(() => who(own))))
        expect(created.length).toBeLessThanOrEqual(4)
        expect(own.client.pool.numFree()).toBe(created.length)
        expect(own.client.pool.max).toBe(2 * (1 + replicas.length))
      })
    })

    it('opens no connection before the first statement, and none on a node that nobody needs', async () => {
      await withKnex({ pool: { min: 2, max: 5 } }, async (own) => {
        const { pool } = own.client as { pool: Record<'numFree' | 'numUsed', () => number> }
        const open = (): number => pool.numFree() + pool.numUsed()
        const connection = (await own.client.acquireConnection()) as object
        expect(open()).toBe(0)
        await own.client.releaseConnection(connection)
        await router.primary(() => who(own))
        expect(open()).toBe(1)
      })
    })

    it('keeps no idle connection unless it is told to', async () => {
      for (const min of [undefined, 1]) {
        const pool = { idleTimeoutMillis: 20, reapIntervalMillis: 10, ...(min === undefined ? {} : { min }) }
        await withKnex({ pool }, async (own) => {
          await router.primary(() => Promise.all([who(own), who(own), who(own)]))
          await until('the idle ones are closed', () => own.client.pool.numFree() === (min ?? 0), {
            timeoutMs: 5_000,
          })
        })
      }
    })

    it('that is full gives Knex’s error, with the query that waited', async () => {
      await withKnex({ pool: { max: 1 }, acquireConnectionTimeout: 1_000 }, (own) =>
        router.scope(async () => {
          const trx = await own.transaction()
          const error = await own
            .raw('SELECT 1 FROM knex_notes WHERE id = ? FOR UPDATE', [7])
            .then(() => null)
            .catch((thrown: unknown) => thrown)
          expect(error).toBeInstanceOf(knex.KnexTimeoutError)
          expect(error).toMatchObject({
            message:
              'Knex: Timeout acquiring a connection. The pool is probably full. Are you missing a .transacting(trx) call?',
            sql: 'SELECT 1 FROM knex_notes WHERE id = ? FOR UPDATE',
            bindings: [7],
          })
          await trx.rollback()
        }),
      )
    })

    it('is destroyed and initialized again', async () => {
      await withKnex({}, async (own) => {
        expect(replicas).toContain(await router.scope(() => who(own)))
        const { pool } = own.client as { pool: { destroyed: boolean; numFree(): number } }
        expect(pool.numFree()).toBe(1)
        await own.destroy()
        expect(pool.destroyed).toBe(true)
        expect(pool.numFree(), 'closed').toBe(0)
        await expect(who(own)).rejects.toThrow('Unable to acquire a connection')
        await own.destroy()
        own.initialize()
        expect(replicas).toContain(await router.scope(() => who(own)))
      })
    })

    it('ends with the router', async () => {
      const short = routerOver(dialect, cluster)
      const own = knex({ client: knexClient(short) })
      expect(replicas).toContain(await short.scope(() => askWho(dialect, own)))
      await short.close()
      expect(own.client.pool.numFree()).toBe(0)
      await expect(askWho(dialect, own)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
      await own.destroy()
    })

    it('opens sessions on replicas read only, by the server’s own word', async () => {
      await withKnex({}, async (own) => {
        const asked = onPostgres
          ? `SELECT current_setting('default_transaction_read_only') AS readonly`
          : `SELECT @@${dialect === 'mysql' ? 'transaction_read_only' : 'tx_read_only'} AS readonly`
        const answer = async (): Promise<unknown> => {
          const result: unknown = await own.raw(asked)
          const rows = onPostgres ? (result as { rows: unknown[] }).rows : (result as unknown[][])[0]!
          return (rows[0] as { readonly: unknown }).readonly
        }
        expect(await router.scope(answer)).toBe(onPostgres ? 'on' : 1)
        expect(await router.primary(answer)).toBe(onPostgres ? 'off' : 0)
      })
    })
  })

  describe('a connection that is lost', () => {
    /** Ends the connections of a Knex on a server, and waits until it knows. */
    async function cut(url: string, natives: readonly EventEmitter[]): Promise<void> {
      const ended = natives.map(
        (native) =>
          new Promise((resolve) => {
            native.once(onPostgres ? 'end' : 'error', resolve)
          }),
      )
      const others = onPostgres
        ? `SELECT pg_terminate_backend(pid) AS id FROM pg_stat_activity WHERE usename = 'app'`
        : `SELECT id FROM information_schema.processlist WHERE user = 'app'`
      const found = await runSql(url, others)
      if (!onPostgres) for (const { id } of found) await runSql(url, `KILL ${String(id)}`)
      await Promise.all(ended)
    }

    async function withNatives(use: (own: Knex, natives: EventEmitter[]) => Promise<void>): Promise<void> {
      const natives: EventEmitter[] = []
      const pool: Knex.PoolConfig = {
        afterCreate: (connection: EventEmitter, done: (error: null, connection: object) => void) => {
          natives.push(connection)
          done(null, connection)
        },
      }
      await withKnex({ pool }, (own) => use(own, natives))
    }

    it('while it is idle is replaced', async () => {
      await withNatives((own, natives) =>
        router.using(`default:${replicas[0]!}`, async () => {
          expect(await who(own)).toBe(replicas[0])
          await cut(cluster.replicas[0]!.adminUrl, natives)
          expect(await who(own)).toBe(replicas[0])
          expect(natives).toHaveLength(2)
        }),
      )
    })

    it('in a transaction ends that, and nothing more', async () => {
      await withNatives((own, natives) =>
        router.scope(async () => {
          await expect(
            own.transaction(async (trx) => {
              await trx('knex_notes').insert({ body: 'cut' })
              await cut(cluster.primary.adminUrl, natives)
              await trx('knex_notes').insert({ body: 'never' })
            }),
          ).rejects.toThrow(/terminat|closed|lost|not queryable/i)
          expect(own.client.pool.numUsed()).toBe(0)
          expect(await own('knex_notes').whereIn('body', ['cut', 'never'])).toEqual([])
        }),
      )
    })
  })

  describe('a frame', () => {
    it('leads to another database, with connections of this Knex', async () => {
      const nodes = { primary: cluster.primary.url, replicas: cluster.replicas.map(({ url }) => url) }
      const make = { postgres, mysql, mariadb }[dialect]
      const two = createRouter({ databases: { default: make(nodes), users: make(nodes) } })
      const own = knex({ client: knexClient(two) })
      const seen: (string | undefined)[] = []
      own.on('query', ({ node }: Asked) => seen.push(node?.replace(/-\d$/, '')))
      try {
        await two.scope(() => two.using('users', () => askWho(dialect, own)))
        await two.scope(() => two.using('users', () => own.transaction((trx) => askWho(dialect, trx))))
      } finally {
        await own.destroy()
        await two.close()
      }
      expect(seen).toEqual(['users:replica', ...Array<string>(3).fill('users:primary')])
    })
  })

  it('warns once of a replica that takes writes, whose sessions refuse them all the same', async () => {
    const warnings: string[] = []
    const listen = ({ name, message }: Error): void => {
      if (name === 'SplitpoolWarning') warnings.push(message)
    }
    process.on('warning', listen)
    const url = cluster.primary.url
    const wrong = createRouter({
      databases: {
        default: { postgres, mysql, mariadb }[dialect]({ primary: url, replicas: [url] }),
      },
    })
    const own = knex({ client: knexClient(wrong), log: QUIET })
    try {
      await wrong.scope(() => Promise.all([askWho(dialect, own), askWho(dialect, own)]))
      await wrong.scope(() => own.raw(`SELECT knex_notes_add('wrong') AS id`))
      expect(wrong.stats().refusedByReplica).toBe(1)
      expect(await wrong.primary(() => own('knex_notes').where({ body: 'wrong' }).del())).toBe(1)
      await new Promise(setImmediate)
    } finally {
      process.off('warning', listen)
      await own.destroy()
      await wrong.close()
    }
    expect(warnings).toEqual([expect.stringContaining('Replica default:replica-1 takes writes: ')])
  })

  describe('a copy of a client', () => {
    it('routes as the first, with user parameters', async () => {
      const own = db.withUserParams({ tenant: 1 })
      expect(own.userParams).toEqual({ tenant: 1 })
      await router.scope(async () => {
        expect(replicas).toContain(await who(own))
        await own('knex_notes').insert({ body: 'copied' })
        expect(await who(), 'the same scope').toBe('primary')
        expect(await own.transaction((trx) => trx('knex_notes').where({ body: 'copied' }).del())).toBe(1)
      })
    })
  })

  describe('over pools that the application made', () => {
    it('takes their connections, read only on replicas, and leaves them open', async () => {
      const urls = [cluster.primary, ...cluster.replicas].map(({ url }) => url)
      const pools = urls.map((url) =>
        onPostgres ? new pg.Pool({ connectionString: url }) : mysql2.createPool({ uri: url }),
      )
      const [primary, ...others] = pools
      const nodes = { primary: primary!, replicas: others } as PostgresOptions & MysqlOptions
      const theirs = createRouter({ databases: { default: { postgres, mysql, mariadb }[dialect](nodes) } })
      const own = knex({ client: knexClient(theirs), log: QUIET })
      try {
        await theirs.scope(async () => {
          expect(replicas).toContain(await askWho(dialect, own))
          await own.transaction((trx) => trx('knex_notes').insert({ body: 'theirs' }))
          expect(await own('knex_notes').where({ body: 'theirs' }).del()).toBe(1)
        })
        await theirs.scope(async () => {
          const write = own.transaction((trx) => trx.raw('DELETE FROM knex_notes'), { readOnly: true })
          await expect(write).rejects.toThrow(/read.only/i)
        })
        expect(own.client.pool.numUsed()).toBe(0)
        await own.destroy()
        await theirs.close()
        for (const pool of pools) {
          if (pool instanceof pg.Pool) expect(pool.totalCount - pool.idleCount).toBe(0)
          else await pool.promise().query('SELECT 1')
        }
      } finally {
        for (const pool of pools) await (pool instanceof pg.Pool ? pool.end() : pool.promise().end())
      }
    })
  })

  describe('what it is given', () => {
    it('may not be a connection', () => {
      const connection = { host: 'elsewhere', password: 'secret' }
      expect(() => knex({ client: knexClient(router), connection })).toThrow(/^connection: expected nothing/)
      expect(() => knex({ client: knexClient(router), connection })).not.toThrow('secret')
    })

    it('may be a replica, which then is all there is: it refuses writes', async () => {
      const own = knex({ client: knexClient(router, replicaIds[0]), log: QUIET })
      expect(await router.scope(() => who(own))).toBe(replicas[0])
      const write = router.scope(() => own('knex_notes').where({ id: -1 }).del())
      await expect(write).rejects.toThrow(/read.only/i)
      await own.destroy()
    })

    it('may not be an alias that nobody knows', () => {
      expect(() => knexClient(router, 'nobody')).toThrow(
        expect.objectContaining({ code: 'ERR_UNKNOWN_ALIAS' }),
      )
    })
  })
})

/** One seed, without a file. */
function seedOf(seed: (own: Knex) => PromiseLike<unknown>): Knex.SeederConfig {
  const seedSource = {
    getSeeds: () => Promise.resolve(['one']),
    getSeed: () => Promise.resolve({ seed }),
  }
  return { seedSource: seedSource as unknown as Knex.SeedSource<string> }
}

function routerOver(dialect: Dialect, cluster: Cluster): Router {
  const nodes = { primary: cluster.primary.url, replicas: cluster.replicas.map(({ url }) => url) }
  const database = { postgres, mysql, mariadb }[dialect](nodes)
  return createRouter({ databases: { default: database } })
}

/** The id of the server that answers. */
async function askWho(dialect: Dialect, queryable: Knex): Promise<string> {
  if (dialect === 'postgres') {
    const { rows } = await queryable.raw<{ rows: { node: string }[] }>(
      `SELECT current_setting('cluster_name') AS node`,
    )
    return rows[0]!.node
  }
  const [rows] = await queryable.raw<[{ node: number }[]]>('SELECT @@server_id AS node')
  const id = rows![0]!.node
  return id === 1 ? 'primary' : `replica-${id - 1}`
}
