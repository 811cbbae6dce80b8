import { once } from 'node:events'
import { promisify } from 'node:util'
import type { Connection, Pool as MysqlPool, PoolConnection, RowDataPacket } from 'mysql2'
import pg from 'pg'
import mysql2 from 'mysql2'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRouter, type Router } from '../../src'
import { driverModule as mysqlModule, mysql, type MysqlDatabase } from '../../src/adapters/mysql2'
import { driverModule as pgModule, postgres, type PostgresDatabase } from '../../src/adapters/pg'
import { runSql } from '../servers'
import { describeDialect } from '../servers/provided'
import { until } from '../servers/until'

describeDialect('postgres', (cluster) => {
  const WHO = `SELECT current_setting('cluster_name') AS node`
  const APP = 'driver_module_test'
  const urls = { primary: cluster.primary.url, replicas: cluster.replicas.map(({ url }) => url) }
  const all = [cluster.primary, ...cluster.replicas]
  let router: Router<{ default: PostgresDatabase }>
  let module: typeof pg

  beforeEach(() => {
    router = createRouter({ databases: { default: postgres(urls) } })
    module = pgModule(router)
  })

  afterEach(async () => {
    await router.close()
    await until('no connection of ours is left', async () => (await connections()) === 0)
  })

  /** How many connections the servers know by our name. */
  async function connections(): Promise<number> {
    const sql = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = '${APP}'`
    const counts = await Promise.all(all.map(({ adminUrl }) => runSql(adminUrl, sql)))
    return counts.reduce((sum, [row]) => sum + (row as { n: number }).n, 0)
  }

  async function who(on: { query(sql: string): Promise<{ rows: unknown[] }> }): Promise<string> {
    return ((await on.query(WHO)).rows[0] as { node: string }).node
  }

  describe('the module', () => {
    it("is pg's but for what connects", () => {
      expect(module.types).toBe(pg.types)
      expect(module.defaults).toBe(pg.defaults)
      expect(module.escapeLiteral).toBe(pg.escapeLiteral)
      expect(module.Query).toBe(pg.Query)
      expect(module.native).toBeNull()
    })

    it('refuses what is no router, a database of another driver, and a name that is none', () => {
      const two = createRouter({
        databases: { default: postgres(urls), users: mysql({ primary: 'mysql://nobody@127.0.0.1:1/none' }) },
      })
      expect(() => pgModule(two, 'users')).toThrow(expect.objectContaining({ code: 'ERR_DIALECT_MISMATCH' }))
      expect(() => pgModule(two, 'orders')).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_ALIAS' }))
      expect(() => pgModule({} as never)).toThrow(/router: expected what createRouter returns/)
      expect(() => new module.Pool({ host: 'default:replica-9' })).toThrow(
        expect.objectContaining({ code: 'ERR_UNKNOWN_NODE' }),
      )
    })
  })

  describe('its Pool', () => {
    it('is a pg.Pool with the options it is given, at the addresses of the nodes', async () => {
      const pool = new module.Pool({ host: 'nowhere.invalid', user: 'x', max: 1, application_name: APP })
      expect(pool).toBeInstanceOf(pg.Pool)
      expect(pool.options.max).toBe(1)
      await router.scope(async () => {
        expect(await who(pool)).toMatch(/^replica/)
        await pool.query('CREATE TEMP TABLE driver_module_pool (a int)')
        expect(await who(pool)).toBe('primary')
      })
      expect(await connections()).toBe(2)
      expect(router.pool().totalCount, "the router's own pool has opened nothing").toBe(0)
      await pool.end()
      expect(await connections()).toBe(0)
      expect(await who(router.pool())).toMatch(/^replica/)
    })

    it('goes where its host says, when that is a database or a node', async () => {
      const pool = new module.Pool({ host: 'default:primary', application_name: APP })
      expect(await router.scope(() => who(pool))).toBe('primary')
      const replica = new module.Pool({ host: 'default:replica-2', application_name: APP })
      expect(await router.scope(() => who(replica))).toBe('replica-2')
    })

    it('works over a pool of the application, with connections of its own', async () => {
      const given = [cluster.primary, ...cluster.replicas].map(
        ({ url }) => new pg.Pool({ connectionString: url }),
      )
      const own = createRouter({
        databases: { default: postgres({ primary: given[0]!, replicas: given.slice(1) }) },
      })
      const { Pool } = pgModule(own)
      const pool = new Pool({ application_name: APP })
      expect(await own.scope(() => who(pool))).toMatch(/^replica/)
      expect(given.map(({ totalCount }) => totalCount)).toEqual([0, 0, 0])
      await own.close()
      await Promise.all(given.map((each) => each.end()))
    })
  })

  describe('its Client', () => {
    async function connected(config: pg.ClientConfig = {}): Promise<pg.Client> {
      const client = new module.Client({ application_name: APP, ...config })
      await client.connect()
      return client
    }

    it('is a pg.Client that connects where a read would go, and tells what its server reports', async () => {
      const client = new module.Client({ application_name: APP })
      const told: string[] = []
      const { connection } = client as unknown as { connection: NodeJS.EventEmitter }
      connection.on('parameterStatus', ({ parameterName }: { parameterName: string }) => {
        told.push(parameterName)
      })
      expect(client).toBeInstanceOf(pg.Client)
      await promisify((done: (error: Error) => void) => {
        client.connect(done)
      })()
      expect(told).toContain('server_version')
      expect(await connections()).toBe(1)
      await expect(client.connect()).rejects.toThrow('Client has already been connected')
      const ended = once(client, 'end')
      await client.end()
      await ended
      expect(await connections()).toBe(0)
      await expect(client.query('SELECT 1')).rejects.toThrow()
    })

    it('chooses its server at every statement, and begins every connection with its greeting', async () => {
      const client = await connected()
      await client.query(`SET client_min_messages TO warning; SET TIME ZONE 'Asia/Tokyo'`)
      const zone = async (): Promise<unknown> => (await client.query('SHOW TIME ZONE')).rows[0]
      for (let time = 0; time < 3; time++) {
        await router.scope(async () => {
          expect(await who(client)).toMatch(/^replica/)
          expect(await zone()).toEqual({ TimeZone: 'Asia/Tokyo' })
          await client.query('SELECT 1 FOR UPDATE')
          await client.query(`INSERT INTO nowhere VALUES (1)`).catch(() => undefined)
          expect(await who(client)).toBe('primary')
          expect(await zone()).toEqual({ TimeZone: 'Asia/Tokyo' })
        })
      }
      await client.end()
    })

    it('keeps a transaction on one connection, and reads from a replica after it', async () => {
      const client = await connected()
      await router.scope(async () => {
        await client.query('BEGIN')
        expect([await who(client), await who(client)]).toEqual(['primary', 'primary'])
        await client.query('COMMIT')
      })
      expect(await router.scope(() => who(client))).toMatch(/^replica/)
      await client.end()
    })

    it('stays on the primary when its session has something to remember', async () => {
      const client = await connected()
      await client.query('CREATE TEMP TABLE driver_module_client (a int)')
      await router.scope(async () => {
        expect((await client.query('SELECT * FROM driver_module_client')).rows).toEqual([])
      })
      await client.end()
    })

    it('keeps the sessions on replicas read only, whatever its greeting says', async () => {
      const client = await connected()
      await client.query('SET default_transaction_read_only = off')
      await router.scope(async () => {
        const { rows } = await client.query('SHOW default_transaction_read_only')
        expect([await who(client), rows[0]]).toEqual([
          expect.stringMatching(/^replica/),
          { default_transaction_read_only: 'on' },
        ])
      })
      await client.end()
    })

    it('replaces a connection that its server has closed', async () => {
      const client = await connected({ host: 'default:replica-1' })
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      client.on('error', () => undefined)
      const lost = new Promise((resolve) => client.once('end', resolve))
      await runSql(cluster.replicas[0]!.adminUrl, `SELECT pg_terminate_backend(${rows[0]!.pid})`)
      await lost
      expect(await who(client)).toBe('replica-1')
      await client.end()
    })

    it('connects, is set and writes while no replica can be reached', async () => {
      const down = createRouter({
        databases: {
          default: postgres({ primary: cluster.primary.url, replicas: ['postgres://x@127.0.0.1:1/x'] }),
        },
      })
      const { Client } = pgModule(down)
      const client = new Client({ application_name: APP })
      await client.connect()
      await client.query(`SET TIME ZONE 'Asia/Tokyo'`)
      await client.query('CREATE TEMP TABLE driver_module_down (a int)')
      expect((await client.query('SHOW TIME ZONE')).rows).toEqual([{ TimeZone: 'Asia/Tokyo' }])
      await client.end()
      await down.close()
    })

    it('refuses after its end as the driver does', async () => {
      const client = await connected()
      await client.end()
      await expect(client.query('SELECT 1')).rejects.toThrow('Client was closed and is not queryable')
    })

    it('does not replace a connection that a transaction was lost with, before it has been ended', async () => {
      const client = await connected()
      client.on('error', () => undefined)
      await client.query('BEGIN')
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      const lost = new Promise((resolve) => client.once('end', resolve))
      await runSql(cluster.primary.adminUrl, `SELECT pg_terminate_backend(${rows[0]!.pid})`)
      await lost
      await expect(client.query(WHO), 'it would run outside the transaction').rejects.toThrow()
      await expect(client.query('COMMIT')).rejects.toThrow()
      expect(await router.primary(() => who(client))).toBe('primary')
      await client.end()
    })

    it('sends a SET that is a query object once, and stays on the primary, where it was sent', async () => {
      const client = await connected()
      const query = client.query(new pg.Query(`SET TIME ZONE 'Asia/Tokyo'`))
      await once(query, 'end')
      expect(await router.scope(() => who(client))).toBe('primary')
      await client.end()
    })

    it('ends with the router, also when nobody has ended it', async () => {
      const client = await connected()
      expect(await who(client)).toBeDefined()
      await router.close()
      await expect(client.query(WHO)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
      await client.end()
    })

    it('rejects with what the driver says when its server cannot be reached', async () => {
      const dead = createRouter({
        databases: { default: postgres({ primary: 'postgres://x@127.0.0.1:1/x' }) },
      })
      const { Client } = pgModule(dead)
      await expect(new Client().connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
      await dead.close()
    })
  })
})

describeDialect('mysql', (cluster) => {
  const WHO = 'SELECT @@server_id AS node'
  const urls = { primary: cluster.primary.url, replicas: cluster.replicas.map(({ url }) => url) }
  const all = [cluster.primary, ...cluster.replicas]
  let router: Router<{ default: MysqlDatabase }>
  let module: typeof mysql2
  let before: number

  beforeEach(async () => {
    router = createRouter({ databases: { default: mysql(urls) } })
    module = mysqlModule(router)
    before = await connections()
  })

  afterEach(async () => {
    await router.close()
    await until('no connection of ours is left', async () => (await connections()) === before)
  })

  async function connections(): Promise<number> {
    const sql = `SELECT count(*) AS n FROM information_schema.processlist WHERE user = 'app'`
    const counts = await Promise.all(all.map(({ adminUrl }) => runSql(adminUrl, sql)))
    return counts.reduce((sum, [row]) => sum + (row as { n: number }).n, 0)
  }

  async function rows(on: Connection | MysqlPool, sql: string): Promise<RowDataPacket[]> {
    const [found] = await on.promise().query<RowDataPacket[]>(sql)
    return found
  }

  async function who(on: Connection | MysqlPool): Promise<unknown> {
    return (await rows(on, WHO))[0]?.['node']
  }

  async function connected(config: mysql2.ConnectionOptions = {}): Promise<Connection> {
    const connection = module.createConnection(config)
    await once(connection, 'connect')
    return connection
  }

  async function end(connection: Connection): Promise<void> {
    await new Promise<void>((resolve) => {
      connection.end(() => {
        resolve()
      })
    })
  }

  it("is mysql2's but for what connects", () => {
    expect(module.format('?', [1])).toBe('1')
    expect(module.Types).toBe(mysql2.Types)
    expect(() =>
      mysqlModule(createRouter({ databases: { default: postgres({ primary: 'postgres://x@y/z' }) } })),
    ).toThrow(expect.objectContaining({ code: 'ERR_DIALECT_MISMATCH' }))
  })

  it('makes a pool with the options it is given, at the addresses of the nodes', async () => {
    const pool = module.createPool({
      host: 'nowhere.invalid',
      user: 'x',
      rowsAsArray: true,
      connectionLimit: 1,
    })
    await router.scope(async () => {
      expect(await rows(pool, WHO)).toEqual([[expect.toSatisfy((id) => id === 2 || id === 3)]])
      expect(await rows(pool, 'SELECT @@server_id FROM (SELECT 1) t FOR UPDATE')).toEqual([[1]])
    })
    await pool.promise().end()
    await until('its connections are closed', async () => (await connections()) === before)
    expect(await router.scope(() => who(router.pool()))).not.toBe(1)
  })

  it('makes a connection that chooses its server at every statement and greets each', async () => {
    const connection = await connected({ dateStrings: true })
    await connection.promise().query(`SET time_zone = '+09:00'`)
    for (let time = 0; time < 3; time++) {
      await router.scope(async () => {
        expect(await who(connection)).not.toBe(1)
        expect(await rows(connection, 'SELECT @@time_zone AS zone, @@transaction_read_only AS ro')).toEqual([
          { zone: '+09:00', ro: 1 },
        ])
        await connection.promise().query('DO 1')
        expect(await who(connection)).toBe(1)
        expect(await rows(connection, 'SELECT @@time_zone AS zone, DATE(20000101) AS day')).toEqual([
          { zone: '+09:00', day: '2000-01-01' },
        ])
      })
    }
    await end(connection)
  })

  it('keeps a transaction on one connection, its SET TRANSACTION included', async () => {
    const connection = await connected()
    await router.scope(async () => {
      await who(connection)
      await connection.promise().query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE')
      await connection.promise().beginTransaction()
      expect(await who(connection)).toBe(1)
      await connection.promise().commit()
    })
    expect(await router.scope(() => who(connection))).not.toBe(1)
    connection.destroy()
  })

  it('runs what was sent before its end, as the driver does', async () => {
    const connection = await connected()
    const said: unknown[] = []
    for (const sql of ['DO 1', 'DO 2']) connection.query(sql, (error) => said.push(error))
    connection.query('SELECT 3 AS n', (error, found) => said.push(error, found))
    await end(connection)
    expect(said).toEqual([null, null, null, [{ n: 3 }]])
  })

  it('leaves no pool behind for connections that could not be made', async () => {
    const dead = createRouter({ databases: { default: mysql({ primary: 'mysql://x@127.0.0.1:1/x' }) } })
    for (let time = 0; time < 3; time++) await once(mysqlModule(dead).createConnection({}), 'error')
    await dead.close()
    expect(() => mysqlModule(dead).createPool({})).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  it('does not lose the transaction of the router when a borrowed connection changes its user', async () => {
    const pool = router.pool().promise()
    await pool.query('DROP TABLE IF EXISTS driver_module_t')
    await pool.query('CREATE TABLE driver_module_t (a int)')
    const inserted = router.transaction(async (tx) => {
      await tx.query('INSERT INTO driver_module_t VALUES (1)')
      for (const change of ['changeUser', 'reset'] as const) {
        const borrowed = await pool.getConnection()
        await (borrowed[change as 'changeUser'] as (options?: object) => Promise<void>).call(borrowed, {})
        borrowed.release()
      }
      const pinged = await pool.getConnection()
      await pinged.ping()
      await pinged.query('INSERT INTO driver_module_t VALUES (2)')
      pinged.release()
      throw new Error('roll back')
    })
    await expect(inserted).rejects.toThrow('roll back')
    expect((await pool.query('SELECT * FROM driver_module_t'))[0]).toEqual([])
    await pool.query('DROP TABLE driver_module_t')
  })

  it('says that it cannot connect as the driver does', async () => {
    const dead = createRouter({ databases: { default: mysql({ primary: 'mysql://x@127.0.0.1:1/x' }) } })
    const unreachable = mysqlModule(dead) as typeof mysql2 & {
      createConnectionPromise(config: object): Promise<unknown>
    }
    const [error] = (await once(unreachable.createConnection({}), 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ECONNREFUSED')
    const called = new Promise((resolve) => {
      unreachable.createConnection({}).connect(resolve)
    })
    expect(await called).toMatchObject({ code: 'ECONNREFUSED' })
    await expect(unreachable.createConnectionPromise({})).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await dead.close()
  })

  it('makes a cluster of routed pools, as TypeORM does for its master and slaves', async () => {
    const pools = module.createPoolCluster()
    pools.add('MASTER', { host: 'default:primary' })
    pools.add('SLAVE0', { host: 'default' })
    const nodeOf = (pattern: string): Promise<unknown> =>
      router.scope(async () => {
        const connection = await new Promise<PoolConnection>((resolve, reject) => {
          pools.getConnection(pattern, (error: Error | null, got) => {
            if (error === null) resolve(got)
            else reject(error)
          })
        })
        const node = await who(connection)
        connection.release()
        return node
      })
    expect(await nodeOf('MASTER')).toBe(1)
    expect(await nodeOf('SLAVE*')).not.toBe(1)
    await new Promise<void>((resolve) => {
      pools.end(() => {
        resolve()
      })
    })
  })
})
