import type { PoolPort } from '../adapter'
import { Borrowed, borrowedOf, lend } from './borrowed'

/** As much of a pool of tarn's, which is Knex's, as is used here. */
interface TarnPool {
  readonly min: number
  readonly max: number
  numUsed(): number
  numFree(): number
  numPendingAcquires(): number
  numPendingValidations(): number
  numPendingCreates(): number
  on(event: string, listener: (...values: unknown[]) => void): void
  removeListener(event: string, listener: (...values: unknown[]) => void): void
  removeAllListeners(event?: string): void
}

type Count = {
  [Key in keyof TarnPool]: TarnPool[Key] extends () => number ? Key : never
}[keyof TarnPool]

/**
 * A connection as Knex sees it: the driver's client, for those who borrow it from Knex to use the driver, that chooses
 * its server at its first statement.
 */
export interface RoutedConnection {
  readonly __knexUid: string
  /** Set by Knex when the connection must not be used again. */
  readonly __knex__disposed?: unknown
}

/**
 * What stands where Knex has its pool: `knex.client.pool`. What it lends takes nothing of a pool until its first
 * statement; its counts are those of the nodes' pools together.
 */
export class RoutedPool {
  destroyed = false
  readonly #port: PoolPort
  #lent = 0

  constructor(port: PoolPort) {
    this.#port = port
  }

  acquire(): { readonly promise: Promise<RoutedConnection>; abort(): void } {
    const promise = this.destroyed ? Promise.reject(new Error('aborted')) : Promise.resolve(this.#lend())
    return { promise, abort: ignore }
  }

  /** False for what is not, or no longer, lent. */
  release(connection: RoutedConnection): boolean {
    const borrowed = borrowedOf(connection)
    if (borrowed === undefined || borrowed.released) return false
    borrowed.release(connection.__knex__disposed)
    return true
  }

  async destroy(): Promise<void> {
    this.destroyed = true
    await this.#port.end()
  }

  get min(): number {
    return this.#pools.reduce((sum, pool) => sum + pool.min, 0)
  }

  get max(): number {
    return this.#pools.reduce((sum, pool) => sum + pool.max, 0)
  }

  numUsed(): number {
    return this.#sum('numUsed')
  }

  numFree(): number {
    return this.#sum('numFree')
  }

  numPendingAcquires(): number {
    return this.#sum('numPendingAcquires')
  }

  numPendingValidations(): number {
    return this.#sum('numPendingValidations')
  }

  numPendingCreates(): number {
    return this.#sum('numPendingCreates')
  }

  /** The events of all the nodes' pools. */
  on(event: string, listener: (...values: unknown[]) => void): void {
    for (const pool of this.#pools) pool.on(event, listener)
  }

  removeListener(event: string, listener: (...values: unknown[]) => void): void {
    for (const pool of this.#pools) pool.removeListener(event, listener)
  }

  removeAllListeners(event?: string): void {
    for (const pool of this.#pools) pool.removeAllListeners(event)
  }

  /** Those that Knex made; a pool of the application's is counted where it is. */
  get #pools(): readonly TarnPool[] {
    return this.#port.connectors.flatMap(({ native }) => {
      const { pool } = native as { readonly pool?: Partial<TarnPool> }
      return pool?.numUsed === undefined ? [] : [pool as TarnPool]
    })
  }

  #sum(count: Count): number {
    return this.#pools.reduce((sum, pool) => sum + pool[count](), 0)
  }

  #lend(): RoutedConnection {
    const lease = this.#port.lease()
    return lend(this.#port.client(lease), `__knexUid${++this.#lent}`, new Borrowed(lease))
  }
}

function ignore(): void {
  // What is lent takes nothing, so there is nothing to give up.
}
