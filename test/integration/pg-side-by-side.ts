import { Pool, type PoolConfig, type QueryResult } from 'pg'
import { expect, it } from 'vitest'
import { createRouter } from '../../src'
import { postgres } from '../../src/adapters/pg'
import type { Cluster } from '../servers/cluster'
import { until } from '../servers/until'

/** What a case says of a pool, in values that can be compared. */
export type Case = (pool: Pool) => unknown

/** Runs the same case on a bare `pg.Pool` and on pools of routers, which have to say the same. */
export type SideBySide = (title: string, fn: Case, options?: PoolConfig) => void

/**
 * @param cluster whose primary the bare pool has, and the routers with and without a replica
 * @param shared options of every pool, with a few connections so that one that is not given back is noticed
 */
export function sideBySide(cluster: Cluster, shared: PoolConfig = { max: 2 }): SideBySide {
  const nodes = [cluster.primary, cluster.replicas[0]!]
  return (title, fn, options) => {
    it(title, async () => {
      const config = { ...shared, ...options }
      const [primary, replica] = nodes.map(({ url }) => ({ ...config, url }))
      const said = await onBarePool({ ...config, connectionString: cluster.primary.url }, fn)
      expect(said, 'the driver says something').toBeDefined()
      expect(await onRoutedPool({ primary: primary! }, fn), 'a router with a primary alone').toEqual(said)
      expect(
        await onRoutedPool({ primary: primary!, replicas: [replica!] }, fn),
        'a router with a replica',
      ).toEqual(said)
    })
  }
}

async function onBarePool(config: PoolConfig, fn: Case): Promise<unknown> {
  const pool = new Pool(config)
  // What the driver throws without a listener, splitpool passes over; see `pg-faults.test.ts`.
  if (pool.listenerCount('error') === 0) pool.on('error', () => undefined)
  const said = await fn(pool)
  if (!pool.ending) await pool.end()
  return said
}

async function onRoutedPool(options: Parameters<typeof postgres>[0], fn: Case): Promise<unknown> {
  const router = createRouter({ databases: { default: postgres(options) } })
  const pool = router.pool()
  const said = await router.scope(() => fn(pool))
  await until('nobody waits and nothing is out', () => {
    return pool.waitingCount === 0 && pool.totalCount === pool.idleCount
  })
  await router.close()
  expect(pool.totalCount, 'nothing is left after the end').toBe(0)
  return said
}

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

export interface Calls {
  readonly calls: readonly unknown[]
  /** It was called before the call returned. */
  readonly inTheCall: boolean
  readonly returned: unknown
}

/** What a callback was called with, how often, and what the call returned beside. */
export async function calledBack(call: (callback: (...args: unknown[]) => void) => unknown): Promise<Calls> {
  const calls: unknown[][] = []
  let during = true
  let inTheCall = false
  const returned = call((...args) => {
    inTheCall ||= during
    calls.push(args.map(told))
  })
  during = false
  await until('the callback is called', () => calls.length > 0)
  await settled()
  return { calls, inTheCall, returned: told(returned) }
}

/** Lets everything run that has been set off, so that a second call of a callback would show. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
}

/** Results and errors as plain values. */
export function told(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(told)
  if (value instanceof Error) {
    const { name, message } = value
    const { code, severity, position, detail, constraint, routine } = value as unknown as Record<
      string,
      unknown
    >
    return {
      class: value.constructor.name,
      name,
      message,
      code,
      severity,
      position,
      detail,
      constraint,
      routine,
    }
  }
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return value
  if (!('rows' in value && 'fields' in value)) return value.constructor.name
  const { command, rowCount, oid, rows, fields } = value as QueryResult
  return {
    class: value.constructor.name,
    command,
    rowCount,
    oid,
    rows,
    fields: fields.map(({ name, dataTypeID, tableID, columnID, format }) => ({
      name,
      dataTypeID,
      tableID,
      columnID,
      format,
    })),
  }
}
