import { createPool, type Pool, type PoolConnection, type PoolOptions, type Query } from 'mysql2'
import { afterAll, expect, it } from 'vitest'
import { createRouter, type Router } from '../../src'
import type { Connector } from '../../src/adapters/adapter'
import { mysql, type MysqlDatabase, type MysqlOptions } from '../../src/adapters/mysql2'
import type { Cluster } from '../servers/cluster'
import { until } from '../servers/until'

/** What a case says of a pool, in values that can be compared. */
export type Case = (pool: Pool) => unknown

/** Runs the same case on a bare mysql2 pool and on pools of routers, which have to say the same. */
export type SideBySide = (title: string, fn: Case) => void

/** A pool, what is used below it, and how it is closed. */
interface Side {
  readonly run: (fn: Case) => Promise<unknown>
  readonly end: () => Promise<void>
}

/** A few connections, so that one that is not given back is noticed. */
const SHARED: PoolOptions = { connectionLimit: 2 }

/**
 * For a `describe`: its cases share their pools.
 *
 * @param cluster whose primary the bare pool has, and the routers with and without a replica
 */
export function sideBySide(cluster: Cluster, options: PoolOptions = {}): SideBySide {
  let sides: Sides | null = null
  afterAll(() => sides?.end())
  return (title, fn) => {
    it(title, async () => {
      sides ??= new Sides(cluster, options)
      try {
        await sides.compare(fn)
      } catch (error) {
        // What it has left on its pools is not for the next case.
        sides = null
        throw error
      }
    })
  }
}

/** The same for cases that end or exhaust their pools: each has its own. */
export function alone(cluster: Cluster, options: PoolOptions = {}): SideBySide {
  return (title, fn) => {
    it(title, async () => {
      const sides = new Sides(cluster, options)
      try {
        await sides.compare(fn)
      } finally {
        await sides.end()
      }
    })
  }
}

class Sides {
  readonly #bare: Side
  readonly #routed: Readonly<Record<string, Side>>

  constructor({ primary, replicas }: Cluster, options: PoolOptions) {
    const config = { ...SHARED, ...options }
    const node = ({ url }: { url: string }): PoolOptions & { url: string } => ({ ...config, url })
    this.#bare = bareSide({ ...config, uri: primary.url })
    this.#routed = {
      'a router with a primary alone': routedSide({ primary: node(primary), replicas: [] }),
      'a router with a replica': routedSide({ primary: node(primary), replicas: [node(replicas[0]!)] }),
    }
  }

  async compare(fn: Case): Promise<void> {
    const said = await this.#bare.run(fn)
    expect(said, 'the driver says something').toBeDefined()
    for (const [name, side] of Object.entries(this.#routed)) {
      expect(await side.run(fn), name).toEqual(said)
    }
  }

  async end(): Promise<void> {
    await Promise.all([this.#bare, ...Object.values(this.#routed)].map((side) => side.end()))
  }
}

function bareSide(options: PoolOptions): Side {
  const pool = createPool(options)
  return {
    run: async (fn) => {
      const said = await fn(pool)
      await settle([pool])
      return said
    },
    end: async () => {
      if (!internals(pool)._closed) await pool.promise().end()
    },
  }
}

function routedSide(options: MysqlOptions): Side {
  const { router, natives } = watchedRouter(options)
  return {
    run: async (fn) => {
      const said = await router.scope(() => fn(router.pool()))
      await settle(natives)
      for (const [id, { inFlight }] of Object.entries(router.stats().nodes)) {
        expect(inFlight, `nothing is in flight on ${id}`).toBe(0)
      }
      return said
    },
    end: () => router.close(),
  }
}

/** A router over mysql2 pools that the tests can look into. */
export function watchedRouter(options: MysqlOptions): {
  readonly router: Router<{ default: MysqlDatabase }>
  readonly natives: readonly Pool[]
} {
  const natives: Pool[] = []
  const made = mysql(options)
  const openNode = (...args: Parameters<typeof made.adapter.openNode>): Connector => {
    const connector = made.adapter.openNode(...args)
    natives.push(connector.native as Pool)
    return connector
  }
  const router = createRouter({ databases: { default: { ...made, adapter: { ...made.adapter, openNode } } } })
  return { router, natives }
}

interface Ring {
  readonly length: number
  get(index: number): PoolConnection
}

export interface PoolInternals {
  readonly _allConnections: Ring
  readonly _freeConnections: Ring
  readonly _connectionQueue: Ring
  readonly _closed: boolean
}

/** What mysql2's typings leave out of a pool. */
export function internals(pool: Pool): PoolInternals {
  return pool as unknown as PoolInternals
}

/** Every connection comes back, nobody waits for one, and nothing that was hung on them stays. */
export async function settle(pools: readonly Pool[]): Promise<void> {
  for (const pool of pools) {
    const { _allConnections: all, _freeConnections: free, _connectionQueue: queue } = internals(pool)
    if (internals(pool)._closed) continue
    await until(
      () => `nobody waits (${queue.length}) and nothing is out (${all.length - free.length})`,
      () => queue.length === 0 && all.length === free.length,
      SOON,
    )
    for (let index = 0; index < all.length; index++) {
      for (const event of ['error', 'end', 'warn']) {
        expect(all.get(index).listenerCount(event), `listeners of '${event}' are gone`).toBeLessThanOrEqual(2)
      }
    }
  }
}

/** Long enough for anything to happen that happens. */
const SOON = { timeoutMs: 5_000, everyMs: 1 }

/** How a call went: what it returned, threw, resolved or rejected with. */
export async function outcome(call: () => unknown): Promise<unknown> {
  let returned: unknown
  try {
    returned = call()
  } catch (error) {
    return { threw: told(error) }
  }
  if (!(returned instanceof Promise)) return { returned: told(returned) }
  try {
    return { resolved: told(await returned) }
  } catch (error) {
    return { rejected: told(error) }
  }
}

export type AnyCallback = (...args: unknown[]) => void

/** What a callback was called with, how often, whether at once, and the events of the command that the call returned. */
export async function calledBack(call: (callback: AnyCallback) => unknown): Promise<unknown> {
  const said: unknown[] = []
  let called = false
  let during = true
  let returned: unknown
  try {
    returned = call((...args) => {
      said.push([during ? 'called at once' : 'called', ...withoutTrailing(args).map(told)])
      called = true
    })
  } catch (error) {
    return { threw: told(error) }
  }
  during = false
  if (isCommand(returned)) hear(returned, said)
  await until('the callback is called', () => called, SOON)
  await settled()
  return { said, returned: told(returned) }
}

/** What a command without a callback emits, up to its end, or what is said to be its last. */
export async function emitted(call: () => unknown, last = 'end'): Promise<unknown> {
  const said: unknown[] = []
  let command: Query
  try {
    command = call() as Query
  } catch (error) {
    return { threw: told(error) }
  }
  hear(command, said)
  let ended = false
  command.on(last, () => (ended = true))
  await until('the command has ended', () => ended, SOON)
  await settled()
  return said
}

const EVENTS = ['error', 'fields', 'result', 'end']

function hear(command: Query, said: unknown[]): void {
  for (const event of EVENTS) {
    command.on(event, (...values: unknown[]) => {
      // The driver says the end of a statement twice that could not be prepared.
      if (event === 'end' && said.some((one) => (one as unknown[])[0] === 'end')) return
      said.push([event, ...values.map(told)])
    })
  }
}

/** On a pool, the driver gives `undefined` for the results beside an error, on a connection nothing. */
function withoutTrailing(args: readonly unknown[]): readonly unknown[] {
  return args.slice(0, args.findLastIndex((value) => value !== undefined) + 1)
}

function isCommand(value: unknown): value is Query {
  return typeof value === 'object' && value !== null && 'onResult' in value
}

/** Lets everything run that has been set off, so that a second call of a callback would show. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
}

export async function borrow(pool: Pool): Promise<PoolConnection> {
  return await new Promise((resolve, reject) => {
    pool.getConnection((error, connection) => {
      if (error) reject(error)
      else resolve(connection)
    })
  })
}

export async function withConnection<T>(
  pool: Pool,
  fn: (connection: PoolConnection) => Promise<T>,
): Promise<T> {
  const connection = await borrow(pool)
  try {
    return await fn(connection)
  } finally {
    connection.release()
  }
}

/** Results, fields, errors and commands as plain values. */
export function told(value: unknown): unknown {
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(told)
  if (value instanceof Date || Buffer.isBuffer(value)) return value
  const name = value.constructor.name
  if (value instanceof Error) {
    const { message } = value
    const { code, errno, sqlState, sqlMessage, sql, fatal, syscall } = value as unknown as Record<
      string,
      unknown
    >
    return { class: name, name: value.name, message, code, errno, sqlState, sqlMessage, sql, fatal, syscall }
  }
  if (name === 'ColumnDefinition') {
    const { name: column, columnType, table, orgName, flags, characterSet } = value as Record<string, unknown>
    return { class: name, column, columnType, table, orgName, flags, characterSet }
  }
  if (isCommand(value)) {
    const { sql, values, onResult, then } = value as unknown as Record<string, unknown>
    return { class: 'a command', sql, values: told(values), onResult: typeof onResult, then: typeof then }
  }
  if (['Object', 'TextRow', 'BinaryRow', 'ResultSetHeader'].includes(name)) {
    return { class: name, ...Object.fromEntries(Object.entries(value).map(([key, of]) => [key, told(of)])) }
  }
  return name
}
