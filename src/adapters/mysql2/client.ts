import { AsyncLocalStorage } from 'node:async_hooks'
import type { PoolConnection, PrepareStatementInfo, Query } from 'mysql2'
import type { PoolConnection as PromisePoolConnection } from 'mysql2/promise'
import type { Connection, Lease, Run, TransactionPort } from '../adapter'
import { tell, type Callback } from '../callback'
import { createQuery, UnconnectedConnection, type ConnectionConfig } from './driver'
import { answer, promised, routedQuery } from './query'

/** What a connection emits while it is borrowed; passed on from whichever one is held. */
const EVENTS = ['error', 'end', 'warn'] as const

/** A command of the driver's, as far as it is looked at here. */
interface Command {
  readonly onResult?: Callback
}

type Native = PoolConnection & {
  readonly config: ConnectionConfig
  readonly _statements: Pick<Map<string, unknown>, 'get' | 'delete'>
  addCommand(command: Command): Command
}

/**
 * What `pool.getConnection()` gives: a mysql2 `PoolConnection` that chooses its server at its first statement. What is
 * not overridden is the driver's own: `beginTransaction`, `commit` and `rollback` are queries to it, `ping` is a command,
 * and `promise()` wraps all of them.
 */
export class RoutedConnection extends UnconnectedConnection {
  readonly #lease: Lease
  readonly #config: ConnectionConfig
  readonly #forwards: readonly (readonly [event: string, pass: (...values: unknown[]) => void])[]
  #heard: Native | null = null
  #released = false

  /** @param config that of the pool, until a connection is held */
  constructor(lease: Lease, config: ConnectionConfig, events: readonly string[] = EVENTS) {
    super()
    this.#lease = lease
    this.#config = config
    // Events are the borrower's, in whose scope the connection was not opened.
    const inContext = AsyncLocalStorage.snapshot()
    this.#forwards = events.map((event) => [
      event,
      (...values) => {
        if (event === 'error' && this.listenerCount('error') === 0) return
        inContext(() => this.emit(event, ...values))
      },
    ])
  }

  get config(): ConnectionConfig {
    return this.#native?.config ?? this.#config
  }

  get threadId(): number | null {
    return this.#native?.threadId ?? null
  }

  get state(): PoolConnection['state'] {
    return this.#native?.state ?? 'authenticated'
  }

  query(...args: unknown[]): Query {
    return routedQuery(this.#run, 'query', args, this)
  }

  execute(...args: unknown[]): Query {
    return routedQuery(this.#run, 'execute', args, this)
  }

  /** Goes by its text. The statement that comes of it runs on whichever connection is held when it is executed. */
  prepare(options: string | { readonly sql: string }, callback: Callback = ignore): Query {
    const given = typeof options === 'string' ? { sql: options } : options
    const prepared = this.#run({ sql: given.sql }, (native) =>
      promised((done) => (native as Native).prepare(given as unknown as string, done)),
    )
    answer(
      prepared.then(([statement]) => [this.#statement(given, statement as PrepareStatementInfo)]),
      callback,
    )
    return createQuery(given, undefined, undefined, this.config)
  }

  /** Where the driver's `unprepare` looks, also that of its promise wrapper. */
  get _statements(): Native['_statements'] {
    return this.#native?._statements ?? new Map()
  }

  /** Another user is for the connection to remember, so it is the primary's, as is everything after it. */
  changeUser(options: unknown, callback: Callback = ignore): void {
    const [given, done] =
      typeof options === 'function' ? [{}, options as Callback] : [options as object, callback]
    const changed = this.#run({ sql: undefined }, (native) =>
      promised((told) => {
        ;(native as Native).changeUser(given, told)
      }),
    )
    answer(changed, done)
  }

  /** Through the driver's method, which on a replica makes the session read only again. */
  reset(callback: Callback = ignore): void {
    const reset = this.#lease.connection().then((native) =>
      promised((told) => {
        ;(native as Native).reset(told)
      }),
    )
    answer(reset, callback)
  }

  /** Where the driver's own methods send what has no text: to the connection that is held, else to the primary. */
  addCommand(command: Command): Command {
    const added = this.#lease.connection().then((native) => {
      ;(native as Native).addCommand(command)
      return []
    })
    tell(added, (error) => {
      if (error !== undefined) command.onResult?.(error)
    })
    return command
  }

  /** It counts as connected from the start. */
  connect(callback?: Callback): void {
    callback?.(null, this)
  }

  pause(): void {
    this.#native?.pause()
  }

  resume(): void {
    this.#native?.resume()
  }

  /** Gives the connection back. A second time does nothing, as in the driver. */
  release(): void {
    this.#giveBack()
  }

  destroy(): void {
    this.#giveBack(true)
  }

  close(): void {
    this.destroy()
  }

  override end(callback?: (error?: unknown) => void): void {
    if (!this.config.gracefulEnd) {
      super.end(callback)
      return
    }
    this.destroy()
    if (callback !== undefined) process.nextTick(callback)
  }

  get #native(): Native | null {
    return this.#lease.native as Native | null
  }

  readonly #run: Run = (statement, attempt) =>
    this.#lease.run(statement, (native, decision) => {
      this.#listenTo(native as Native)
      return attempt(native, decision)
    })

  #giveBack(error?: true): void {
    if (this.#released) return
    this.#released = true
    this.#listenTo(null)
    this.#lease.release(error)
  }

  #listenTo(native: Native | null): void {
    // What was sent before the release may run after it.
    if (native === this.#heard || (this.#released && native !== null)) return
    for (const [event, pass] of this.#forwards) {
      this.#heard?.off(event, pass)
      native?.on(event, pass)
    }
    this.#heard = native
  }

  /** Executed by its text: the driver prepares that once per connection and keeps the handle. */
  #statement(options: object, prepared: PrepareStatementInfo): unknown {
    return Object.create(prepared, {
      // Under the driver's name: its promise wrapper looks at the config there.
      _connection: { value: this },
      execute: {
        value: (...args: unknown[]) => this.execute(options, ...args),
      },
      close: {
        value: () => this.unprepare(options),
      },
    })
  }
}

/**
 * The client that `router.transaction` hands to its callback: a promise connection over the borrowed one, whose
 * statements are reported, refused once the transaction has ended, and whose `release` and `destroy` do nothing.
 */
export function createTransactionClient(
  connection: Connection,
  { run }: TransactionPort,
): PromisePoolConnection {
  const native = connection.native as Native
  const lease: Lease = {
    native,
    run,
    connection: () => run({ sql: undefined }, (held) => Promise.resolve(held)),
    release: ignore,
  }
  // Nobody says when the last statement was, so that listeners on the connection would stay behind.
  return new RoutedConnection(lease, native.config, []).promise()
}

function ignore(): void {
  // The caller did not ask.
}
