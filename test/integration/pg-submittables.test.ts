import { once, type EventEmitter } from 'node:events'
import { Client, Pool, Query, types, type Submittable } from 'pg'
import Cursor from 'pg-cursor'
import { to as copyTo } from 'pg-copy-streams'
import QueryStream from 'pg-query-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src'
import { postgres } from '../../src/adapters/pg'
import { describeDialect } from '../servers/provided'
import { until } from '../servers/until'

const ROWS = 'SELECT * FROM generate_series(1, 1000) AS n'

describeDialect('postgres', (cluster) => {
  // One connection to each, so that one which is not given back, or given back too early, is noticed.
  const router = createRouter({
    databases: {
      default: postgres({
        primary: { url: cluster.primary.url, max: 1 },
        replicas: cluster.replicas.slice(0, 1).map(({ url }) => ({ url, max: 1 })),
      }),
    },
  })
  const db = router.pool()

  beforeAll(async () => {
    await db.query('DROP TABLE IF EXISTS submitted')
    await db.query('CREATE TABLE submitted (id serial)')
    await db.query(`CREATE OR REPLACE FUNCTION submitted_add() RETURNS int LANGUAGE sql AS
      'INSERT INTO submitted DEFAULT VALUES RETURNING id'`)
    await cluster.caughtUp()
  })

  afterAll(async () => {
    await db.query('DROP TABLE IF EXISTS submitted CASCADE')
    await router.close()
  })

  describe('a submittable', () => {
    it('keeps its connection until it is over', async () => {
      await router.scope(async () => {
        const client = await db.connect()
        const cursor = client.query(new Cursor(ROWS))
        expect(await cursor.read(10)).toHaveLength(10)
        client.release()
        let answered = false
        const other = router.scope(() => db.query('SELECT 1')).then(() => (answered = true))
        // It can still be read, while the other waits for the connection.
        expect(await cursor.read(10)).toHaveLength(10)
        expect(answered).toBe(false)
        await cursor.close()
        expect(await other).toBe(true)
      })
    })

    it('that is closed before it was sent leaves the connection usable', async () => {
      await router.scope(async () => {
        const client = await db.connect()
        const cursor = client.query(new Cursor(ROWS))
        const read = cursor.read(1)
        await cursor.close()
        expect(await read).toEqual([])
        client.release()
        expect((await db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
      })
    })

    it('that is destroyed before it was sent leaves the connection usable', async () => {
      await router.scope(async () => {
        const client = await db.connect()
        const stream = client.query(new QueryStream(ROWS))
        stream.destroy()
        await once(stream, 'close')
        client.release()
        expect((await db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
      })
    })

    it('pg.Query that a pool is given and a replica refuses is answered by the primary, and leaves no connection out', async () => {
      await router.scope(async () => {
        const query = new Query('SELECT submitted_add() IS NULL AS no /* pool */') as unknown as string
        expect((await db.query(query)).rows).toEqual([{ no: false }])
        expect(db.totalCount - db.idleCount).toBe(0)
        expect((await router.scope(() => db.query('SELECT 1 AS one'))).rows).toEqual([{ one: 1 }])
      })
    })

    it('pg.Query that a replica refuses is answered by the primary', async () => {
      await router.scope(async () => {
        const client = await db.connect()
        const rows: unknown[] = []
        const query = client.query(new Query('SELECT submitted_add() AS id'))
        query.on('row', (row) => rows.push(row))
        await once(query, 'end')
        client.release()
        expect(rows).toEqual([{ id: expect.any(Number) as number }])
      })
    })

    it('cursor that a replica refuses is answered by the primary, with the rows it was asked for', async () => {
      await router.scope(async () => {
        const client = await db.connect()
        const sql = 'SELECT submitted_add() IS NULL AS no FROM generate_series(1, 3) /* cursor */'
        const refused = router.stats().refusedByReplica
        const cursor = client.query(new Cursor(sql))
        expect(await cursor.read(2)).toEqual([{ no: false }, { no: false }])
        expect(await cursor.read(2)).toEqual([{ no: false }])
        expect(router.stats().refusedByReplica).toBe(refused + 1)
        client.release()
        expect((await router.scope(() => db.query('SELECT 1 AS one'))).rows).toEqual([{ one: 1 }])
      })
    })

    it('cursor that a replica refuses, and that is closed before the primary has it, is never sent there', async () => {
      const holder = await db.connect()
      await holder.query('BEGIN')
      await router.scope(async () => {
        const client = await db.connect()
        const cursor = client.query(
          new Cursor('SELECT submitted_add() FROM generate_series(1, 3) /* closed */'),
        )
        const read = cursor.read(1)
        await until('it waits for the primary', () => db.waitingCount === 1)
        const closed = cursor.close()
        await holder.query('ROLLBACK')
        holder.release()
        await closed
        expect(await read).toEqual([])
        client.release()
      })
      expect((await router.primary(() => db.query('SELECT 1 AS one'))).rows).toEqual([{ one: 1 }])
    })

    it('COPY TO that a replica refuses says so, and the connection goes on', async () => {
      await router.scope(async () => {
        const client = await db.connect()
        const stream = client.query(copyTo('COPY (SELECT submitted_add()) TO STDOUT'))
        await expect(stream.toArray()).rejects.toMatchObject({ code: '25006' })
        client.release()
        expect((await db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
      })
    })

    it('query stream that a replica refuses is answered by the primary', async () => {
      await router.scope(async () => {
        const client = await db.connect()
        const sql = 'SELECT submitted_add() IS NULL AS no FROM generate_series(1, 3) /* stream */'
        const refused = router.stats().refusedByReplica
        const stream = client.query(new QueryStream(sql, [], { batchSize: 2 }))
        expect(await stream.toArray()).toEqual([{ no: false }, { no: false }, { no: false }])
        expect(router.stats().refusedByReplica).toBe(refused + 1)
        client.release()
      })
    })

    it('cursor that is refused after a row was delivered fails, and the connection goes on', async () => {
      await router.scope(async () => {
        const client = await db.connect()
        const cursor = client.query(
          new Cursor('SELECT CASE n WHEN 2 THEN submitted_add() END FROM generate_series(1, 2) AS n'),
        )
        expect(await cursor.read(1)).toHaveLength(1)
        await expect(cursor.read(1)).rejects.toMatchObject({ code: '25006' })
        client.release()
        expect((await db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
      })
    })

    it('cursor that is refused where nothing may move fails, and the connection goes on', async () => {
      await router.scope(async () => {
        const client = await db.connect()
        await client.query('BEGIN READ ONLY')
        const cursor = client.query(new Cursor('SELECT submitted_add() FROM generate_series(1, 2)'))
        await expect(cursor.read(1)).rejects.toMatchObject({ code: '25006' })
        await expect(cursor.read(1)).rejects.toMatchObject({ code: '25006' })
        await cursor.close()
        await client.query('ROLLBACK')
        client.release()
        expect((await db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
      })
    })

    it('query stream that is refused where nothing may move ends with the error', async () => {
      await router.scope(async () => {
        const client = await db.connect()
        await client.query('BEGIN READ ONLY')
        const stream = client.query(new QueryStream('SELECT submitted_add() FROM generate_series(1, 2)'))
        await expect(stream.toArray()).rejects.toMatchObject({ code: '25006' })
        await client.query('ROLLBACK')
        client.release()
        expect((await db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
      })
    })

    it.each([
      ['pg.Query', (): EventEmitter & Submittable => new Query(ROWS), 'row'],
      ['query stream', (): EventEmitter & Submittable => new QueryStream(ROWS), 'data'],
    ])('%s emits in the scope of its caller', async (_name, make, event) => {
      const fresh = createRouter({
        databases: {
          default: postgres({
            primary: cluster.primary.url,
            replicas: cluster.replicas.map(({ url }) => ({ url, max: 1 })),
          }),
        },
      })
      const pool = fresh.pool()
      // Scopes that have written open the connections, and would send what follows in them to the primary.
      for (let scope = 0; scope < 20; scope++) {
        await fresh.scope(async () => {
          await pool.query('SELECT 1')
          await pool.query('CREATE TABLE IF NOT EXISTS submitted_scope (id int)')
        })
      }
      await fresh.scope(async () => {
        const mine = fresh.explain('SELECT 1').nodeId
        const client = await pool.connect()
        const query = client.query(make())
        const seen = new Set<string>()
        query.on(event, () => seen.add(fresh.explain('SELECT 1').nodeId))
        query.on('end', () => seen.add(fresh.explain('SELECT 1').nodeId))
        await once(query, 'end')
        expect([...seen]).toEqual([mine])
        client.release()
      })
      await pool.query('DROP TABLE submitted_scope')
      await fresh.close()
    })

    it('pg.Query tells its callback once, without an error', async () => {
      const client = await db.connect()
      const told = await new Promise<unknown[]>((resolve) => {
        const query = new Query<unknown[], []>('SELECT 1 AS one') as unknown as string
        client.query(query, (...values: unknown[]) => {
          resolve(values)
        })
      })
      client.release()
      expect(told).toMatchObject([null, { rows: [{ one: 1 }] }])
    })
  })

  it('tells errors of a lost server to listeners, and is no unhandled rejection', async () => {
    const down = createRouter({
      databases: { default: postgres({ primary: 'postgres://a@127.0.0.1:1/x' }) },
    })
    const client = await down.pool().connect()
    const query = client.query(new Query('SELECT 1'))
    const [error] = (await once(query, 'error')) as [Error]
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
    client.release()
    await down.close()
  })

  describe('a client', () => {
    it('is a pg.Client, and has its members before and after it is bound', async () => {
      const client = await db.connect()
      expect(client).toBeInstanceOf(Client)
      const asked = client as unknown as Client
      const { port } = new URL(cluster.primary.url)
      expect([asked.host, asked.port, asked.database]).toEqual(['127.0.0.1', Number(port), 'app'])
      client.setTypeParser(types.builtins.INT4, (text) => `parsed ${text}`)
      expect((await client.query('SELECT 1::int AS one')).rows).toEqual([{ one: 'parsed 1' }])
      expect(asked.user).toBe('app')
      await asked.end()
      client.release()
      await until('the connection is gone', () => db.totalCount - db.idleCount === 0)
    })

    it('tells a callback as pg does: null from a client, undefined from a pool', async () => {
      const client = await db.connect()
      const said = (query: (callback: (error: unknown) => void) => unknown): Promise<unknown> =>
        new Promise((resolve) => {
          query(resolve)
        })
      expect(
        await said((callback) => {
          client.query('SELECT 1', callback)
        }),
      ).toBeNull()
      expect(await said((callback) => client.query({ text: 'SELECT 1', callback } as never))).toBeNull()
      client.release()
      expect(
        await said((callback) => {
          db.query('SELECT 1', callback)
        }),
      ).toBeUndefined()
    })
  })

  it('leaves nothing behind on a pool of the application', async () => {
    const own = new Pool({ connectionString: cluster.replicas[0]!.url })
    const verify = own.options.verify
    for (let time = 0; time < 3; time++) {
      const over = createRouter({
        databases: { default: postgres({ primary: cluster.primary.url, replicas: [own] }) },
      })
      await over.scope(() => over.pool().query('SELECT 1'))
      await over.close()
    }
    expect(
      ['connect', 'acquire', 'error', 'remove', 'release'].map((event) => own.listenerCount(event)),
    ).toEqual([0, 0, 0, 0, 0])
    expect(own.options.verify).toBe(verify)
    await own.end()
  })

  it('forwards events of a pool only to those who listen', async () => {
    const [node] = cluster.replicas
    const own = new Pool({ connectionString: node!.url })
    const over = createRouter({ databases: { default: postgres({ primary: own }) } })
    const listener = (): void => undefined
    over.pool().on('release', listener)
    expect(own.listenerCount('release')).toBe(1)
    over.pool().off('release', listener)
    expect(own.listenerCount('release')).toBe(0)
    const [connected] = await Promise.all([once(over.pool(), 'connect'), over.pool().query('SELECT 1')])
    expect(connected[0]).toBeInstanceOf(Client)
    await over.close()
    await own.end()
  })
})
