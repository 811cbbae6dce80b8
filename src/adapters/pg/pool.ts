import type { EventEmitter } from 'node:events'
import { Pool, type Client, type PoolConfig } from 'pg'
import type { PoolPort } from '../adapter'
import type { Callback } from '../callback'
import { forwardEvents } from '../forward-events'
import { clientLike, type RoutedClient } from './client'
import { answer, chosen, routedQuery, splitQuery, textOf, type Queryable } from './query'
import { isSubmittable } from './submittable'

/** pg's pool class with the few members that its subclass here keeps; making one opens nothing. */
const DriverPool = Pool as unknown as new (options: object) => EventEmitter & {
  readonly options: PoolConfig
  readonly Promise: PromiseConstructorLike
  readonly Client: typeof Client
  ending: boolean
  ended: boolean
}

const EVENTS = ['connect', 'acquire', 'remove', 'release', 'error'] as const

/** What `router.pool()` gives: a `pg.Pool` to everything that takes one, which routes every statement. */
export class RoutedPool extends DriverPool {
  readonly #port: PoolPort
  readonly #nodes: readonly Pool[]
  readonly #OwnClient: typeof RoutedClient
  /** How many clients are borrowed. */
  #out = 0
  /** What waits until none is. */
  #allBack: (() => void) | null = null

  constructor(port: PoolPort) {
    const nodes = port.connectors.map(({ native }) => native as Pool)
    super(optionsOf(nodes[0]))
    this.#port = port
    this.#nodes = nodes
    this.#OwnClient = clientLike(this.Client)
    forwardEvents(this, nodes, EVENTS)
  }

  query(...args: unknown[]): Promise<unknown> | undefined {
    const [query] = args
    if (typeof query === 'function') {
      const error = new Error('Passing a function as the first parameter to pool.query is not supported')
      return answer(Promise.reject(error), query as Callback)
    }
    const { callback, rest } = splitQuery(args)
    if (this.ending) return this.#refuse(afterEnd(), callback)
    const result = isSubmittable(query)
      ? this.#submitted(query)
      : this.#port.run({ sql: textOf(query) }, (native) => (native as Queryable).query(...rest))
    return callback === null ? chosen(result, this.Promise) : answer(result, callback)
  }

  /** Borrows a client, which takes its connection at its first statement and not before. */
  connect(callback?: Callback): Promise<RoutedClient> | undefined {
    if (this.ending) return this.#refuse(afterEnd(), callback ?? null)
    this.#out++
    const client = new this.#OwnClient(this.#port.lease(), this.options, {
      run: this.#port.run,
      over: () => {
        if (--this.#out === 0) this.#allBack?.()
      },
    })
    if (callback === undefined) return chosen(Promise.resolve(client), this.Promise)
    process.nextTick(callback, undefined, client, client.release)
    return undefined
  }

  /** Lets the clients that are borrowed finish; their nodes end after them, since they may need one more connection. */
  end(callback?: Callback): Promise<void> | undefined {
    if (this.ending) {
      return this.#refuse(new Error('Called end on pool more than once'), callback ?? null)
    }
    this.ending = true
    const ended = this.#ended()
    return callback === undefined ? chosen(ended, this.Promise) : answer(ended, callback)
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

  /** A submittable is told by itself; whoever called is told by its callback, if it had none and knows of one. */
  #submitted(query: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const told: Callback = (error, result) => {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever the driver gives
        if (error) reject(error)
        else resolve(result)
      }
      routedQuery(this.#port.run, [query, told])
    })
  }

  async #ended(): Promise<void> {
    if (this.#out > 0) {
      await new Promise<void>((resolve) => {
        this.#allBack = resolve
      })
    }
    await this.#port.end()
    this.ended = true
  }

  #refuse(error: Error, callback: Callback | null): Promise<never> | undefined {
    if (callback === null) return chosen(Promise.reject(error), this.Promise)
    callback(error)
    return undefined
  }
}

/** A pool's options, with the password that it hides. */
function optionsOf(node: Pool | undefined): PoolConfig {
  const { options } = node ?? {}
  return { ...options, ...(options?.password !== undefined && { password: options.password }) }
}

function afterEnd(): Error {
  return new Error('Cannot use a pool after calling end on the pool')
}
