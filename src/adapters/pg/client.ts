import { EventEmitter } from 'node:events'
import { escapeIdentifier, escapeLiteral, types, type Client, type PoolClient } from 'pg'
import type { Connection, Lease, TransactionPort } from '../adapter'
import { routedQuery } from './query'

/** What a client emits while it is borrowed; passed on from whichever connection it holds. */
const EVENTS = ['notice', 'notification', 'error', 'end', 'drain'] as const

/** What `pool.connect()` gives: a `pg.PoolClient` that chooses its server at its first statement. */
export class RoutedClient extends EventEmitter {
  readonly #lease: Lease
  #released = false
  /** The connection whose events are passed on, and how that ends. */
  #heard: { readonly client: PoolClient; readonly stop: () => void } | null = null
  readonly escapeIdentifier = escapeIdentifier
  readonly escapeLiteral = escapeLiteral

  constructor(lease: Lease) {
    super()
    this.#lease = lease
  }

  query(...args: unknown[]): unknown {
    return routedQuery(
      (statement, attempt) =>
        this.#lease.run(statement, (native) => {
          this.#hear(native as PoolClient)
          return attempt(native)
        }),
      args,
    )
  }

  /** Gives the connection back; with an error or `true`, closes it. Once only. A bare function, as pg's is. */
  readonly release = (error?: Error | boolean): void => {
    if (this.#released)
      throw new Error('Release called on client which has already been released to the pool.')
    this.#released = true
    this.#heard?.stop()
    this.#lease.release(error === false || error === undefined ? undefined : error)
  }

  getTypeParser(...args: unknown[]): unknown {
    const { getTypeParser } = (this.#lease.native ?? types) as {
      getTypeParser: (...args: unknown[]) => unknown
    }
    return getTypeParser.apply(this.#lease.native, args)
  }

  /** The transaction status that the server last reported; `null` before the first statement. */
  getTransactionStatus(): unknown {
    return (this.#lease.native as Client | null)?.getTransactionStatus() ?? null
  }

  get processID(): number | null {
    return (this.#lease.native as { processID?: number } | null)?.processID ?? null
  }

  /** Passes on what the connection emits for as long as it is borrowed. */
  #hear(client: PoolClient): void {
    if (this.#released || this.#heard?.client === client) return
    this.#heard?.stop()
    const listeners = EVENTS.map((event) => {
      const listener = (...values: unknown[]): void => {
        // An 'error' without a listener would end the process.
        if (event !== 'error' || this.listenerCount('error') > 0) this.emit(event, ...values)
      }
      client.on(event as 'notice', listener)
      return () => client.off(event, listener)
    })
    this.#heard = {
      client,
      stop: () => {
        for (const stop of listeners) stop()
      },
    }
  }
}

/**
 * The client that `router.transaction` hands to its callback: the borrowed `pg.PoolClient` itself, whose statements are
 * reported, refused once the transaction has ended, and whose `release` does nothing.
 */
export function createTransactionClient(connection: Connection, port: TransactionPort): PoolClient {
  const client = connection.native as PoolClient
  const replaced: Readonly<Record<PropertyKey, unknown>> = {
    query: (...args: unknown[]) => routedQuery(port.run, args),
    release: () => undefined,
  }
  return new Proxy(client, {
    get(target, key) {
      if (Object.hasOwn(replaced, key)) return replaced[key]
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
