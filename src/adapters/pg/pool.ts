import type { EventEmitter } from 'node:events'
import { Pool, type PoolConfig } from 'pg'
import type { PoolPort } from '../adapter'
import { splitCallback, type Callback } from '../callback'
import { forwardEvents } from '../forward-events'
import { RoutedClient } from './client'
import { answer, textOf, type Queryable } from './query'

/** pg's pool class with the few members that its subclass here keeps; making one opens nothing. */
const DriverPool = Pool as unknown as new (
  options: object,
) => EventEmitter & { readonly options: PoolConfig; ending: boolean; ended: boolean }

const EVENTS = ['connect', 'acquire', 'remove', 'release', 'error'] as const

/** What `router.pool()` gives: a `pg.Pool` to everything that takes one, which routes every statement. */
export class RoutedPool extends DriverPool {
  readonly #port: PoolPort
  readonly #nodes: readonly Pool[]

  constructor(port: PoolPort) {
    const nodes = port.connectors.map(({ native }) => native as Pool)
    super({ ...nodes[0]?.options })
    this.#port = port
    this.#nodes = nodes
    forwardEvents(this, nodes, EVENTS)
  }

  query(...args: unknown[]): Promise<unknown> | undefined {
    const [query] = args
    if (typeof query === 'function') {
      const error = new Error('Passing a function as the first parameter to pool.query is not supported')
      return answer(Promise.reject(error), query as Callback)
    }
    const { callback, rest } = splitCallback(args)
    if (this.ending) return answer(Promise.reject(afterEnd()), callback)
    const result = this.#port.run({ sql: textOf(query) }, (native) => (native as Queryable).query(...rest))
    return answer(result, callback)
  }

  /** Borrows a client, which takes its connection at its first statement and not before. */
  connect(callback?: Callback): Promise<RoutedClient> | undefined {
    if (this.ending) return answer(Promise.reject(afterEnd()), callback ?? null)
    const client = new RoutedClient(this.#port.lease(), this.options)
    if (callback === undefined) return Promise.resolve(client)
    process.nextTick(callback, undefined, client, client.release)
    return undefined
  }

  end(callback?: Callback): Promise<void> | undefined {
    if (this.ending) {
      return answer(Promise.reject(new Error('Called end on pool more than once')), callback ?? null)
    }
    this.ending = true
    const ended = this.#port.end().then(() => {
      this.ended = true
    })
    return answer(ended, callback ?? null)
  }

  get totalCount(): number {
    return this.#sum('totalCount')
  }

  get idleCount(): number {
    return this.#sum('idleCount')
  }

  get waitingCount(): number {
    return this.#sum('waitingCount')
  }

  get expiredCount(): number {
    return this.#sum('expiredCount')
  }

  #sum(count: 'totalCount' | 'idleCount' | 'waitingCount' | 'expiredCount'): number {
    return this.#nodes.reduce((sum, node) => sum + node[count], 0)
  }
}

function afterEnd(): Error {
  return new Error('Cannot use a pool after calling end on the pool')
}
