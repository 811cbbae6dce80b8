import { promisify } from 'node:util'
import { createPool, raw, type Pool, type PoolOptions } from 'mysql2'
import { describe, expect, it, vi } from 'vitest'
import type { Lease, PoolPort, Statement } from '../adapter'
import { RoutedPool } from './pool'

const OPTIONS = { host: 'nowhere.invalid', connectionLimit: 5, maxIdle: 5 }

function natives(options: PoolOptions = {}): [Pool, Pool] {
  return [createPool({ ...OPTIONS, ...options }), createPool(OPTIONS)]
}

/** A pool that sends nothing, and what it has asked for. */
function pooled(nodes: readonly Pool[] = natives()): {
  readonly pool: RoutedPool
  readonly sent: unknown[]
  readonly end: () => Promise<void>
} {
  const sent: unknown[] = []
  const end = vi.fn(() => Promise.resolve())
  const port: Partial<PoolPort> = {
    connectors: nodes.map((native) => ({ native }) as never),
    run: ({ sql }: Statement) => {
      sent.push(sql)
      return Promise.resolve([]) as never
    },
    lease: () => ({ native: null, release: () => undefined }) as unknown as Lease,
    end,
  }
  return { pool: new RoutedPool(port as PoolPort), sent, end }
}

describe('a pool of mysql2 that routes', () => {
  it('shows the options of its nodes', () => {
    const { config } = pooled(natives({ maxIdle: 2, rowsAsArray: true })).pool
    expect(config).toMatchObject({ connectionLimit: 5, maxIdle: 2, connectionConfig: { rowsAsArray: true } })
  })

  it('is decided by the text that its nodes’ options make', () => {
    const { pool, sent } = pooled(natives({ namedPlaceholders: true }))
    pool.query('SELECT 1 :lock', { lock: raw('FOR UPDATE') })
    expect(sent).toEqual(['SELECT 1 FOR UPDATE'])
  })

  it('calls back with a connection on a turn of its own, as the driver does', async () => {
    const { pool } = pooled()
    const callback = vi.fn()
    pool.getConnection(callback)
    expect(callback).not.toHaveBeenCalled()
    await vi.waitUntil(() => callback.mock.calls.length > 0)
    expect(callback.mock.calls).toEqual([[null, expect.anything()]])
  })

  it('gives promises of the kind it is asked for', async () => {
    class Own<T> extends Promise<T> {}
    const asked = pooled().pool.promise(Own).getConnection()
    expect(asked).toBeInstanceOf(Own)
    expect(await asked).toMatchObject({ Promise: Own })
  })

  it('ends its nodes once, and sends nothing afterwards, also to a pool that the application goes on with', async () => {
    const { pool, sent, end } = pooled()
    const closed = { message: 'Pool is closed.' }
    for (let time = 0; time < 2; time++) await promisify(pool.end.bind(pool) as never)()
    expect(end).toHaveBeenCalledOnce()
    await expect(pool.promise().getConnection()).rejects.toMatchObject(closed)
    for (const method of ['query', 'execute'] as const) {
      const refused = new Promise((resolve) => pool[method]('SELECT 1', resolve))
      await expect(refused).resolves.toMatchObject(closed)
    }
    expect(sent).toEqual([])
  })

  it('counts the connections of all its nodes', () => {
    const nodes = natives()
    const rings = [['a', 'b'], ['c']].map((all) => ({ length: all.length, get: (at: number) => all[at] }))
    for (const [at, node] of nodes.entries()) Object.assign(node, { _allConnections: rings[at] })
    const { _allConnections: all } = pooled(nodes).pool as unknown as { _allConnections: (typeof rings)[0] }
    expect(all.length).toBe(3)
    expect([0, 1, 2, 3].map((at) => all.get(at))).toEqual(['a', 'b', 'c', undefined])
  })
})
