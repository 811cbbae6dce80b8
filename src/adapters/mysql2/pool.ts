import type { Pool, Query } from 'mysql2'
import type { PoolPort, Run } from '../adapter'
import { tell, type Callback } from '../callback'
import { forwardEvents } from '../forward-events'
import { BorrowedConnection } from './client'
import { configOf, DriverPool, unconnected, UnconnectedConnection } from './driver'
import { RoutedPromisePool } from './promise'
import { routedQuery } from './query'
import type { Formatter } from './text'

const EVENTS = ['acquire', 'connection', 'enqueue', 'release'] as const

/**
 * What `router.pool()` gives: a mysql2 `Pool` to everything that takes one, which routes every statement. `format`, `escape`
 * and `escapeId` are the driver's own.
 */
export class RoutedPool extends DriverPool {
  readonly #port: PoolPort
  readonly #formatter: Formatter
  #ended: Promise<void> | null = null

  constructor(port: PoolPort) {
    const nodes = port.connectors.map(({ native }) => native as Pool)
    const config = configOf(nodes[0] as Pool)
    super({ config: unconnected(config) })
    this.config.maxIdle = config.maxIdle
    this.#port = port
    this.#formatter = Object.assign(new UnconnectedConnection(), { config: this.config.connectionConfig })
    forwardEvents(this, nodes, EVENTS)
    for (const ring of RINGS) Object.defineProperty(this, ring, { value: joined(nodes, ring) })
  }

  query(...args: unknown[]): Query {
    return routedQuery(this.#run, 'query', args, this.#formatter)
  }

  execute(...args: unknown[]): Query {
    return routedQuery(this.#run, 'execute', args, this.#formatter)
  }

  /** Borrows a connection, which takes its server at its first statement and not before. */
  getConnection(callback: Callback): void {
    if (this._closed) process.nextTick(callback, closed())
    else {
      const connection = new BorrowedConnection(this.#port.lease(), this.config.connectionConfig)
      process.nextTick(callback, null, connection)
    }
  }

  promise(promiseImpl?: PromiseConstructor): RoutedPromisePool {
    return new RoutedPromisePool(this as never, promiseImpl)
  }

  releaseConnection(connection: { release(): void }): void {
    connection.release()
  }

  /** Ends the pools of the nodes, once. */
  end(callback?: Callback): void {
    this._closed = true
    this.#ended ??= this.#port.end()
    tell(
      this.#ended.then(() => []),
      callback ?? rethrow,
    )
  }

  readonly #run: Run = (statement, attempt) =>
    this._closed ? Promise.reject(closed()) : this.#port.run(statement, attempt)
}

/** What monitoring looks at, which the driver's pool has no other place for: how many are open, idle and waited for. */
const RINGS = ['_allConnections', '_freeConnections', '_connectionQueue'] as const

interface Ring {
  readonly length: number
  get(index: number): unknown
}

/** Those of all nodes, one after the other. */
function joined(nodes: readonly Pool[], name: (typeof RINGS)[number]): Ring {
  const rings = nodes.map((node) => (node as Pool & Partial<Record<typeof name, Ring>>)[name])
  return {
    get length() {
      return rings.reduce((sum, ring) => sum + (ring?.length ?? 0), 0)
    },
    get: (index) =>
      rings.flatMap((ring) => Array.from({ length: ring?.length ?? 0 }, (_, at) => ring?.get(at)))[index],
  }
}

function closed(): Error {
  return new Error('Pool is closed.')
}

/** What the driver does with an error of `end` that has no callback. */
function rethrow(error: unknown): void {
  if (error !== undefined) throw error as Error
}
