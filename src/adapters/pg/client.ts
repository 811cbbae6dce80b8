import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { Client, escapeIdentifier, escapeLiteral, type PoolClient, type PoolConfig } from 'pg'
import type { Connection, Lease, TransactionPort } from '../adapter'
import { splitCallback } from '../callback'
import { answer, routedQuery } from './query'

/** What a client emits while it is borrowed; passed on from whichever connection it holds. */
const EVENTS = ['notice', 'notification', 'error', 'end', 'drain'] as const

/** pg's client class without its constructor, which would make a socket: an `instanceof Client`, all overridden below. */
const UnconnectedClient = ((): new () => EventEmitter => {
  class Unconnected extends EventEmitter {}
  Object.setPrototypeOf(Unconnected.prototype, Client.prototype)
  return Unconnected
})()

/** What is read of a client besides its methods; pg's typings leave some of it out. */
type Native = Omit<PoolClient, 'getTypeParser' | 'setTypeParser'> &
  Pick<Client, 'user' | 'host' | 'port' | 'database'> & {
    getTypeParser(...args: readonly unknown[]): unknown
    setTypeParser(...args: readonly unknown[]): void
    readonly processID: number | null
    readonly connectionParameters: unknown
    ref(): void
    unref(): void
  }

/** What `pool.connect()` gives: a `pg.PoolClient` that chooses its server at its first statement. */
export class RoutedClient extends UnconnectedClient {
  readonly #lease: Lease
  readonly #options: PoolConfig
  /** Events are the borrower's, in whose scope the connection was not opened. */
  readonly #inContext = AsyncLocalStorage.snapshot()
  /** How values are parsed, for whichever connection it gets. */
  readonly #parsers: (readonly unknown[])[] = []
  #unconnected: Native | null = null
  #released = false
  /** The connection whose events are passed on, and how that ends. */
  #heard: { readonly client: PoolClient; readonly stop: () => void } | null = null
  readonly escapeIdentifier = escapeIdentifier
  readonly escapeLiteral = escapeLiteral

  /** @param options those of the pool, until a connection is held */
  constructor(lease: Lease, options: PoolConfig) {
    super()
    this.#lease = lease
    this.#options = options
  }

  /** It counts as connected from the start. */
  connect(...args: unknown[]): Promise<never> | undefined {
    const error = new Error('Client has already been connected. You cannot reuse a client.')
    return answer(Promise.reject(error), splitCallback(args).callback)
  }

  query(...args: unknown[]): unknown {
    return routedQuery(
      (statement, attempt) =>
        this.#lease.run(statement, (native, decision) => {
          this.#hear(native as PoolClient)
          return attempt(native, decision)
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

  /** Closes the connection. It is still to be released, as with pg. */
  end(...args: unknown[]): Promise<void> | undefined {
    this.#heard?.stop()
    this.#lease.release(true)
    return answer(Promise.resolve(), splitCallback(args).callback)
  }

  setTypeParser(...args: unknown[]): void {
    this.#parsers.push(args)
    this.#native?.setTypeParser(...args)
  }

  getTypeParser(...args: unknown[]): unknown {
    return this.#settings.getTypeParser(...args)
  }

  ref(): void {
    this.#native?.ref()
  }

  unref(): void {
    this.#native?.unref()
  }

  /** The transaction status that the server last reported; `null` before the first statement. */
  getTransactionStatus(): unknown {
    return this.#native?.getTransactionStatus() ?? null
  }

  get processID(): number | null {
    return this.#native?.processID ?? null
  }

  get user(): string | undefined {
    return this.#settings.user
  }

  get host(): string {
    return this.#settings.host
  }

  get port(): number {
    return this.#settings.port
  }

  get database(): string | undefined {
    return this.#settings.database
  }

  get connectionParameters(): unknown {
    return this.#settings.connectionParameters
  }

  get #native(): Native | null {
    return this.#lease.native as Native | null
  }

  /** The connection that is held; before, one that would be opened with the options of the pool, and is not. */
  get #settings(): Native {
    if (this.#native !== null) return this.#native
    this.#unconnected ??= withParsers(new Client(this.#options), this.#parsers)
    return this.#unconnected
  }

  /** Passes on what the connection emits for as long as it is borrowed. */
  #hear(client: PoolClient): void {
    if (this.#released || this.#heard?.client === client) return
    this.#heard?.stop()
    withParsers(client, this.#parsers)
    const listeners = EVENTS.map((event) => {
      const listener = (...values: unknown[]): void => {
        // An 'error' without a listener would end the process.
        if (event === 'error' && this.listenerCount('error') === 0) return
        this.#inContext(() => this.emit(event, ...values))
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

function withParsers(client: Client | PoolClient, parsers: readonly (readonly unknown[])[]): Native {
  const native = client as unknown as Native
  for (const parser of parsers) native.setTypeParser(...parser)
  return native
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
