import { Socket } from 'node:net'
import type { PoolConnection, PrepareStatementInfo, Query } from 'mysql2'
import type { PoolConnection as PromisePoolConnection } from 'mysql2/promise'
import { captureContext } from '../capture-context'
import type { Connection, Lease, Run, TransactionPort } from '../adapter'
import { tell, type Callback } from '../callback'
import { ConnectionEvents } from '../forward-events'
import {
  createPrepare,
  createQuery,
  isCommand,
  UnconnectedConnection,
  type ConnectionConfig,
  type Queryable,
} from './driver'
import { RoutedPromiseConnection } from './promise'
import { answer, executeCall, NO_QUERY, promised, queryCall, sendCall, type Send } from './query'

/** What a connection emits while it is borrowed; passed on from whichever one is held. */
const EVENTS: readonly string[] = ['error', 'end', 'warn']

type Listener = Parameters<PoolConnection['on']>[1]

/** A command of the driver's without a text. */
interface OtherCommand {
  onResult?: Callback | undefined
}

type Native = PoolConnection & {
  readonly config: ConnectionConfig
  readonly stream: { readonly destroyed: boolean }
  readonly _closing?: boolean
  readonly _command?: object | null
  readonly _fatalError: Error | null
  readonly _protocolError: Error | null
  readonly _statements: Pick<Map<string, unknown>, 'get' | 'delete'>
  addCommand(command: OtherCommand): OtherCommand
}

/**
 * What `pool.getConnection()` gives: a mysql2 `PoolConnection` that chooses its server at its first statement. What is
 * not overridden is the driver's own: `beginTransaction`, `commit` and `rollback` are queries to it, `ping` is a command,
 * and `promise()` wraps all of them.
 */
export class RoutedConnection extends UnconnectedConnection {
  readonly #lease: Lease
  readonly #config: ConnectionConfig
  readonly #events: ConnectionEvents
  #last: Native | null = null
  #paused = false
  #released = false
  #destroyed = false

  /** @param config that of the pool, until a connection is held */
  constructor(lease: Lease, config: ConnectionConfig, events: readonly string[] = EVENTS) {
    super()
    this.#lease = lease
    this.#config = config
    this.#events = new ConnectionEvents(this, events)
    // Whoever gets the connection next has things to be told that are not for us.
    lease.onMove = () => {
      this.#events.source = null
    }
  }

  get config(): ConnectionConfig {
    return this.known?.config ?? this.#config
  }

  get threadId(): number | null {
    return this.known?.threadId ?? null
  }

  get state(): PoolConnection['state'] {
    return this.known?.state ?? (this.#destroyed ? 'disconnected' : 'authenticated')
  }

  /** What pools of connections look at to learn whether one is of use. */
  get _fatalError(): Error | null {
    return this.known?._fatalError ?? null
  }

  get _protocolError(): Error | null {
    return this.known?._protocolError ?? null
  }

  query(...[query, values, callback]: unknown[]): Query {
    const command = isCommand(query) ? query : createQuery(query, values, callback, this.config)
    return sendCall(this.#run, queryCall(command, this))
  }

  execute(...given: unknown[]): Query {
    return sendCall(this.#run, executeCall(given, this))
  }

  /** Goes by its text. The statement that comes of it runs on whichever connection is held when it is executed. */
  prepare(options: string | { readonly sql: string }, callback?: Callback): Query {
    const given = typeof options === 'string' ? { sql: options } : options
    const command = createPrepare(given)
    const prepared = this.#run({ sql: given.sql }, (native) =>
      promised((done) => (native as Native).prepare(given as unknown as string, done)),
    )
    tell(prepared, (error, statement) => {
      if (error === undefined) callback?.(null, this.#statement(given, statement as PrepareStatementInfo))
      else if (callback !== undefined) callback(error)
      else if (command.listenerCount('error') > 0) command.emit('error', error)
      command.emit('end')
    })
    return command
  }

  /** Where the driver's `unprepare` looks, also that of its promise wrapper. */
  get _statements(): Native['_statements'] {
    return this.#native?._statements ?? new Map()
  }

  /** Another user is for the connection to remember, so it is the primary's, as is everything after it. */
  changeUser(options: unknown, callback: Callback = ignore): void {
    const [given, done] =
      typeof options === 'function' ? [{}, options as Callback] : [options as object, callback]
    const changed = this.#run({ sql: undefined, textless: true }, (native) =>
      promised((told) => {
        ;(native as Native).changeUser(given, told)
      }),
    )
    answer(changed, done)
  }

  /** Through the driver's method, which on a replica makes the session read only again. */
  reset(callback: Callback = ignore): void {
    const reset = this.#connection(
      (native) =>
        promised((told) => {
          ;(native as Native).reset(told)
        }),
      true,
    )
    answer(reset, callback)
  }

  /** Where the driver's own methods send what has no text: to the connection that is held, else to the primary. */
  addCommand(command: OtherCommand): OtherCommand {
    // The connection would call back in its own context.
    const { onResult } = command
    if (typeof onResult === 'function') {
      const inContext = captureContext()
      command.onResult = (...values) => {
        inContext(() => {
          onResult.apply(command, values)
        })
      }
    }
    const added = this.#connection((native) => {
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

  /** What is sent afterwards is sent, and its answer waits. */
  pause(): void {
    this.#paused = true
    // The driver never sends what comes to a connection that was paused while it had nothing to do.
    if (this.#native?._command) this.#native.pause()
  }

  resume(): void {
    this.#paused = false
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

  override promise(promiseImpl?: PromiseConstructor): PromisePoolConnection {
    return new RoutedPromiseConnection(this as never, promiseImpl) as never
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

  get #native(): Native | null {
    return this.#lease.native as Native | null
  }

  protected get destroyed(): boolean {
    return this.#destroyed
  }

  /** The connection that is held, or the last one that was. */
  protected get known(): Native | null {
    return this.#native ?? this.#last
  }

  readonly #run: Run = (statement, attempt) =>
    this.#destroyed
      ? Promise.reject(closedState())
      : this.#lease.run(statement, (native, decision) => {
          // What was sent before the release may run after it.
          if (!this.#released) this.#events.source = native as Native
          const attempted = attempt(native, decision)
          if (this.#paused) (native as Native).pause()
          return attempted
        })

  /** The connection for what has no text. */
  #connection<T>(use: (native: unknown) => T | Promise<T>, alone = false): Promise<T> {
    return this.#destroyed ? Promise.reject(closedState()) : this.#lease.connection(use, alone)
  }

  #giveBack(error?: true): void {
    if (this.#released) return
    if (this.#paused) this.resume()
    this.#released = true
    this.#destroyed = error === true
    this.#last = this.#native
    // One that is closed has something to say yet, and nobody else to say it to.
    if (!this.#destroyed) this.#events.source = null
    this.#lease.release(error)
  }

  /** Executed as it is where it was prepared, elsewhere by its text, which the driver prepares there. */
  #statement(options: { readonly sql: string }, prepared: PrepareStatementInfo): unknown {
    const { _connection: home } = prepared as PrepareStatementInfo & { readonly _connection: unknown }
    let closed = false
    const execute = (given?: unknown, told?: unknown): Query => {
      const [values, callback] = typeof given === 'function' ? [[], given] : [given, told]
      const send: Send = (on, ...done) => {
        if (on === home && !closed)
          return (prepared.execute as Queryable['execute']).call(prepared, values, ...done)
        return on.execute({ sql: options.sql, namedPlaceholders: false, values }, ...done)
      }
      const command = Object.assign(createQuery(undefined, values, callback, this.config), NO_QUERY)
      return sendCall(this.#run, { sql: options.sql, send, command })
    }
    const close = (): void => {
      closed = true
      this.unprepare(options)
    }
    // The connection is under the driver's name: its promise wrapper looks at the config there.
    return Object.create(prepared, {
      _connection: { value: this },
      execute: { value: execute },
      close: { value: close },
    })
  }
}

/** What the driver says to whoever goes on after `destroy`. */
function closedState(): Error {
  const error = new Error("Can't add new command when connection is in closed state")
  return Object.assign(error, { fatal: true })
}

/** A connection that a pool has lent, which is looked at to learn whether it is still of use. */
export class BorrowedConnection extends RoutedConnection {
  #unconnected: Socket | null = null

  /** Before the first statement there is none, and one that was never connected stands for it. */
  get stream(): { readonly destroyed: boolean } {
    return this.known?.stream ?? (this.#unconnected ??= new Socket())
  }

  get _closing(): boolean {
    return this.destroyed || this.known?._closing === true
  }

  override destroy(): void {
    super.destroy()
    if (this.known === null) (this.#unconnected ??= new Socket()).destroy()
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
    connection: (use) => run({ sql: undefined, textless: true }, async (held) => use(held)),
    onMove: null,
    onOver: null,
    release: ignore,
  }
  // Nobody says when the last statement was, so that listeners on the connection would stay behind.
  return new RoutedConnection(lease, native.config, []).promise()
}

function ignore(): void {
  // The caller did not ask.
}
