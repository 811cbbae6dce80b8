import { EventEmitter } from 'node:events'
import { Client, escapeIdentifier, escapeLiteral, type PoolClient, type PoolConfig } from 'pg'
import type { Connection, Lease, Run, TransactionPort } from '../adapter'
import { splitCallback } from '../callback'
import { ConnectionEvents } from '../forward-events'
import { answer, routedQuery } from './query'

/** What a client emits while it is borrowed; passed on from whichever connection it holds. */
const EVENTS: readonly unknown[] = ['notice', 'notification', 'error', 'end', 'drain']

/** pg's client class without its constructor, which would make a socket: an `instanceof Client`, all overridden below. */
const UnconnectedClient = ((): new () => EventEmitter => {
  class Unconnected extends EventEmitter {}
  Object.setPrototypeOf(Unconnected.prototype, Client.prototype)
  return Unconnected
})()

/** What is read of a client besides its methods; pg's typings leave some of it out. */
type Native = Omit<PoolClient, 'getTypeParser' | 'setTypeParser'> & {
  getTypeParser(...args: readonly unknown[]): unknown
  setTypeParser(...args: readonly unknown[]): void
  readonly processID: number | null
  readonly secretKey: number | null
  end(): Promise<void>
  ref(): void
  unref(): void
} & Readonly<Record<(typeof SETTINGS)[number], unknown>>

type Listener = Parameters<EventEmitter['on']>[1]

/** What a client has from its options. */
const SETTINGS = [
  ...(['user', 'host', 'port', 'database', 'connectionParameters', 'ssl', 'sslNegotiation'] as const),
  ...(['replication', 'binary', 'pipeline', 'enableChannelBinding', 'connection'] as const),
]

/** What a client asks of the pool that lent it. */
interface Lender {
  /** Runs what comes after its release, as the driver does. */
  readonly run: Run
  /** It has been released, and all that it was sent has ended. */
  readonly over: () => void
}

/** What `pool.connect()` gives: a `pg.PoolClient` that chooses its server at its first statement. */
export class RoutedClient extends UnconnectedClient {
  readonly #lease: Lease
  readonly #options: PoolConfig
  readonly #lender: Lender | null
  readonly #events = new ConnectionEvents(this, EVENTS)
  /** How values are parsed, for whichever connection it gets. */
  readonly #parsers: (readonly unknown[])[] = []
  #unconnected: Native | null = null
  #released = false
  /** Its connection was closed. */
  #closed = false
  readonly escapeIdentifier = escapeIdentifier
  readonly escapeLiteral = escapeLiteral

  static {
    for (const name of SETTINGS) {
      const get = function (this: RoutedClient): unknown {
        return this.#settings[name]
      }
      Object.defineProperty(this.prototype, name, { get, configurable: true })
    }
  }

  /**
   * @param options those of the pool, until a connection is held
   * @param lender the pool, if it is one that takes it back
   */
  constructor(lease: Lease, options: PoolConfig, lender: Lender | null = null) {
    super()
    this.#lease = lease
    this.#options = options
    this.#lender = lender
    // Whoever gets the connection next has things to be told that are not for us.
    lease.onMove = () => {
      this.#events.source = null
    }
    if (lender !== null) lease.onOver = lender.over
  }

  /** It counts as connected from the start. */
  connect(...args: unknown[]): Promise<never> | undefined {
    const error = new Error('Client has already been connected. You cannot reuse a client.')
    return answer(Promise.reject(error), splitCallback(args).callback)
  }

  query(...args: unknown[]): unknown {
    return routedQuery(this.#run, args, this.#options.Promise)
  }

  readonly #run: Run = (statement, attempt) => {
    if (this.#closed) return Promise.reject(new Error('Client was closed and is not queryable'))
    if (this.#released && this.#lender !== null) return this.#lender.run(statement, attempt)
    return this.#lease.run(statement, (native, decision) => {
      if (this.#events.source !== native) this.#hold(native as PoolClient)
      return attempt(native, decision)
    })
  }

  /** Gives the connection back; with an error or `true`, closes it. Once only. A bare function, as pg's is. */
  readonly release = (error?: Error | boolean): void => {
    if (this.#released)
      throw new Error('Release called on client which has already been released to the pool.')
    this.#released = true
    // Whatever is falsy is no error: a callback's `null` is often handed on.
    if (error) this.#closed = true
    this.#events.source = null
    this.#lease.release(error ? error : undefined)
  }

  /** Closes the connection, if there is one yet. It is still to be released, as with pg. */
  end(...args: unknown[]): Promise<void> | undefined {
    this.#closed = true
    const ended = this.#native === null ? Promise.resolve() : this.#native.end()
    return answer(ended, splitCallback(args).callback)
  }

  setTypeParser(...args: unknown[]): void {
    this.#parsers.push(args)
    this.#native?.setTypeParser(...args)
    this.#unconnected?.setTypeParser(...args)
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

  get secretKey(): number | null {
    return this.#native?.secretKey ?? null
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

  override on(event: string | symbol, listener: Listener): this {
    this.#events.wanted(event)
    return super.on(event, listener)
  }

  override addListener(event: string | symbol, listener: Listener): this {
    return this.on(event, listener)
  }

  override prependListener(event: string | symbol, listener: Listener): this {
    this.#events.wanted(event)
    return super.prependListener(event, listener)
  }

  /** It has a connection, or another one. */
  #hold(client: PoolClient): void {
    // What was sent before the release may run after it.
    if (this.#released) return
    if (this.#parsers.length > 0) withParsers(client, this.#parsers)
    this.#events.source = client
  }
}

/**
 * The class of the clients of a pool whose own class is `Own`: an application's has methods of its own, which call
 * `this.query` and are routed.
 */
export function clientLike(Own: typeof Client): typeof RoutedClient {
  if (Own === Client) return RoutedClient
  class OwnRoutedClient extends RoutedClient {}
  const own = Object.getOwnPropertyDescriptors(RoutedClient.prototype)
  Object.setPrototypeOf(OwnRoutedClient.prototype, Object.create(Own.prototype, own) as object)
  return OwnRoutedClient
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
