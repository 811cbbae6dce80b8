import { once } from 'node:events'
import mysql2, { createPool, type Pool, type PoolOptions } from 'mysql2'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createRouter, type Router } from '../..'
import { mysql, driverModule, type MysqlDatabase, type MysqlOptions } from '.'
import type { PoolPort, PoolSource } from '../adapter'
import { configOf, type PoolConfig } from './driver'
import { RoutedPool } from './pool'
import { RoutedPromisePool } from './promise'

/** Of pools that connect to nothing. */
const NODE = { host: 'primary.invalid', port: 3307, user: 'u', password: 'p', database: 'd' }

let router: Router<{ default: MysqlDatabase; users: MysqlDatabase }>
/** What the module has asked the router for. */
let opened: { readonly target: string; readonly port: PoolPort }[]

function moduleOf(options: MysqlOptions, alias?: string): typeof mysql2 {
  router = createRouter({
    databases: { default: mysql(options), users: mysql({ primary: 'mysql://users.invalid/u' }) },
  })
  const source: PoolSource = {
    describe: (target) => router.describe(target),
    close: () => router.close(),
    openPool: (target, open) => {
      const port = router.openPool(target, open)
      opened.push({ target, port })
      return port
    },
  }
  return driverModule(source, alias)
}

/** The options of the nodes' pools that were opened last. */
function configs(): PoolConfig[] {
  return opened.at(-1)!.port.connectors.map(({ native }) => configOf(native as Pool))
}

beforeEach(() => {
  opened = []
})

afterEach(() => router.close())

describe('the driver module of mysql2', () => {
  it('has all that the driver has', () => {
    const module = moduleOf({ primary: NODE })
    expect(Object.keys(module).sort()).toEqual(Object.keys(mysql2).sort())
    expect(Object.getPrototypeOf(module)).toBe(Object.getPrototypeOf(mysql2))
    expect((module as unknown as { connect: unknown }).connect).toBe(module.createConnection)
  })

  it('makes promise pools as well, and says so where it makes none', () => {
    const module = moduleOf({ primary: NODE }) as unknown as Record<string, (options?: object) => unknown>
    const made = module['createPoolPromise']!({}) as { readonly pool: unknown }
    expect(made).toBeInstanceOf(RoutedPromisePool)
    expect(made.pool).toBeInstanceOf(RoutedPool)
    expect(() => module['createPoolClusterPromise']!()).toThrow('use createPoolCluster')
  })

  describe('opens its nodes', () => {
    const elsewhere = {
      uri: 'mysql://x:y@uri.invalid:2/z',
      host: 'nowhere.invalid',
      port: 1,
      socketPath: '/nowhere',
      localAddress: '192.0.2.1',
      user: 'x',
      password: 'y',
      password1: 'y1',
      password2: 'y2',
      password3: 'y3',
      passwordSha1: 'y',
      database: 'z',
      ssl: { ca: 'x' },
      authPlugins: { x: () => () => Buffer.alloc(0) },
    } as PoolOptions

    const there = (at: object): object => ({
      localAddress: undefined,
      socketPath: undefined,
      password2: undefined,
      password3: undefined,
      passwordSha1: undefined,
      ssl: false,
      authPlugins: undefined,
      ...at,
    })

    it('at their own addresses, whatever the ORM says of one', () => {
      const module = moduleOf({
        primary: NODE,
        replicas: ['mysql://r:s@replica.invalid:3308/d', { host: 'bare.invalid' }],
      })
      module.createPool(elsewhere)
      expect(configs().map(({ connectionConfig }) => connectionConfig)).toMatchObject([
        there(NODE),
        there({ host: 'replica.invalid', port: 3308, user: 'r', password: 's', database: 'd' }),
        there({
          host: 'bare.invalid',
          port: 3306,
          user: undefined,
          password: undefined,
          database: undefined,
        }),
      ])
    })

    it.each([
      ['a pool', createPool({ ...NODE, connectionLimit: 7, rowsAsArray: true })],
      ['a promise pool', createPool({ ...NODE, connectionLimit: 7, rowsAsArray: true }).promise()],
    ])('at that of %s of the application, whose other options are its own', (_, primary) => {
      moduleOf({ primary }).createPool({ ...elsewhere, connectionLimit: 3 })
      expect(configs()).toMatchObject([
        { connectionLimit: 3, connectionConfig: there({ ...NODE, rowsAsArray: false }) },
      ])
    })

    it("with the ORM's options before theirs, and theirs where the ORM has none", () => {
      const primary = { ...NODE, connectionLimit: 7, rowsAsArray: true, dateStrings: true }
      moduleOf({ primary }).createPool({ connectionLimit: 3, rowsAsArray: false, dateStrings: undefined! })
      expect(configs()).toMatchObject([
        { connectionLimit: 3, connectionConfig: { rowsAsArray: false, dateStrings: true } },
      ])
    })

    it('with what stands behind the ? of a URL, whose host may be a database', () => {
      const module = moduleOf({ primary: NODE })
      module.createPool('mysql://x:y@users:1/z?rowsAsArray=true&timezone=%2B05:00')
      expect(opened.at(-1)!.target).toBe('users')
      expect(configs()).toMatchObject([
        { connectionConfig: { host: 'users.invalid', port: 3306, rowsAsArray: true, timezone: '+05:00' } },
      ])
    })

    it('of its own database, where the host names none', () => {
      const module = moduleOf({ primary: NODE, replicas: [NODE] }, 'users')
      for (const host of [undefined, 'nowhere.invalid', 'default', 'default:replica-1']) {
        module.createPool(host === undefined ? {} : { host })
      }
      expect(opened.map(({ target }) => target)).toEqual(['users', 'users', 'default', 'default:replica-1'])
    })
  })

  it('gives a connection one connection to each server, and what it is told besides', async () => {
    const module = moduleOf({ primary: 'mysql://nobody@127.0.0.1:1/none' })
    const connection = module.createConnection({ rowsAsArray: true, connectionLimit: 9 })
    expect(configs()).toMatchObject([{ connectionLimit: 1, connectionConfig: { rowsAsArray: true } }])
    await once(connection, 'error')
    // Nobody ends what could not connect.
    const [connector] = opened[0]!.port.connectors
    await vi.waitUntil(() => (connector!.native as { readonly _closed: boolean })._closed)
  })

  it('makes a cluster with the options it is given, of routed pools, named or not', () => {
    interface Cluster {
      readonly _canRetry: boolean
      readonly _nodes: Record<string, { readonly pool: unknown }>
      add(...args: unknown[]): void
    }
    const module = moduleOf({ primary: NODE })
    const cluster = module.createPoolCluster({ canRetry: false }) as unknown as Cluster
    cluster.add('NAMED', { host: 'users' })
    cluster.add({ host: 'default:primary' })
    cluster.add('NAMED', { host: 'default' })
    expect(cluster._canRetry).toBe(false)
    const pools = Object.values(cluster._nodes).map(({ pool }) => pool)
    expect(pools).toEqual([expect.any(RoutedPool), expect.any(RoutedPool)])
    expect(opened.map(({ target }) => target)).toEqual(['users', 'default:primary'])
  })
})
