import type { Pool, PoolConnection, Query } from 'mysql2'
import { captureContext } from '../capture-context'
import type { Run, Statement } from '../adapter'
import { tell, type Callback } from '../callback'
import { checkBindable, createQuery, type Command, type Queryable } from './driver'
import { afterRows, classifyError } from './errors'
import { sqlOf, textOf, type Formatter } from './text'

export type Method = 'query' | 'execute'

/** Emits on the command that the application holds, in the asynchronous context in which it called. */
type Say = (...event: Event) => void

type Event = readonly [name: string, ...values: unknown[]]

/** A statement as the application gave it, and the command that it gets for it. */
export interface Call {
  /** The text that decides. */
  readonly sql: unknown
  /** Calls the driver, which without a callback gives the command that emits what comes. */
  readonly send: Send
  readonly command: Command
}

export type Send = (on: Queryable, ...done: readonly Callback[]) => Command

/** `query` or `execute` of a pool: what is wrong with the arguments is found when there is a connection. */
export function routedQuery(
  run: Run,
  method: Method,
  [query, values, callback]: readonly unknown[],
  formatter: Formatter,
): Query {
  const known = method === 'execute' ? (query ?? '') : query
  const command = createQuery(known, values, callback, formatter.config)
  command.namedPlaceholders ??= formatter.config.namedPlaceholders
  const args = typeof values === 'function' ? [query] : [query, values]
  const sql = method === 'query' ? textOf(args, formatter) : sqlOf(query)
  return sendCall(run, { sql, send: (on, ...done) => on[method](...args, ...done), command })
}

/**
 * `query` of a connection. The driver makes its text at once, so that it throws at once, and that what happens to the
 * values afterwards is not sent.
 */
export function queryCall(command: Command, formatter: Connected): Call {
  const { sql, values, namedPlaceholders, _queryOptions: options } = command
  const given = { ...options, sql, values, ...(namedPlaceholders === undefined ? {} : { namedPlaceholders }) }
  const decides = textOf([given], formatter)
  formatter._resolveNamedPlaceholders(command)
  command.sql = formatter.format(
    command.sql,
    command.values === undefined ? [] : command.values,
    command.namedPlaceholders,
  )
  const formatsAgain = typeof formatter.config.queryFormat === 'function'
  const sent = formatsAgain
    ? given
    : { ...options, sql: command.sql, values: undefined, namedPlaceholders: false }
  return { sql: decides, send: (on, ...done) => on.query(sent, ...done), command }
}

/** What the driver's `execute` returns may be awaited, and what its `query` returns throws then. */
export const NO_QUERY = { then: undefined, catch: undefined } as const

/** `execute` of a connection, which throws at once what the driver throws for values that cannot be bound. */
export function executeCall([query, beside, callback]: readonly unknown[], formatter: Connected): Call {
  const command = createQuery(query, beside, callback, formatter.config)
  const own = typeof query === 'object' ? (query as { readonly values?: unknown }).values : undefined
  const given = own || (typeof beside === 'function' ? undefined : beside)
  // What is put into the array afterwards is not sent.
  const values: unknown = Array.isArray(given) ? given.slice() : given
  const options = { ...(typeof query === 'object' ? query : null), sql: sqlOf(query), values }
  formatter._resolveNamedPlaceholders(options)
  checkBindable(formatter, options)
  Object.assign(command, NO_QUERY, { sql: options.sql, values: options.values })
  return { sql: sqlOf(query), send: (on, ...done) => on.execute(options, ...done), command }
}

/** A connection, which puts named placeholders and their values in order as the driver does. */
export type Connected = Formatter & {
  _resolveNamedPlaceholders(options: object): void
}

/**
 * Runs `query` or `execute` of a routed pool or connection. Its command says what the driver's says: with a callback,
 * what came and that it has ended; without one, everything as it comes, or streams it.
 */
export function sendCall(run: Run, { sql, send, command }: Call): Query {
  const callback = command.onResult
  if (typeof callback !== 'function') emitWhatComes(run, { sql }, send, command)
  else {
    let seen: Event[] = []
    let ended = false
    const called = run({ sql }, (native) =>
      promised((done) => {
        seen = []
        const sent = send(native as Queryable, done) as Command | undefined
        // The driver's pool returns no command from `execute`.
        if (sent === undefined) return
        sent.on('fields', (...values: unknown[]) => seen.push(['fields', ...values]))
        sent.on('result', (...values: unknown[]) => seen.push(['result', ...values]))
        sent.once('end', () => {
          ended = true
          // A pool's is given its text when it is sent.
          command.sql = sent.sql
        })
      }),
    )
    tell(called, (error, ...results) => {
      for (const event of seen) command.emit(...event)
      if (error === undefined) {
        command.emit('end')
        callback(null, ...results)
        return
      }
      try {
        callback(error)
      } finally {
        // What had no connection to run on does not end.
        if (ended) command.emit('end')
      }
    })
  }
  return command
}

function emitWhatComes(run: Run, statement: Statement, send: Send, command: Command): void {
  const inContext = captureContext()
  const say: Say = (...event) => {
    inContext(() => command.emit(...event))
  }
  let early: Event[] | null = null
  const emitted = run(statement, (native) =>
    emit(native as Pool | PoolConnection, send, command, say, () => (early = [])),
  )
  tell(emitted, (error) => {
    for (const event of early ?? []) command.emit(...event)
    // With nobody to hear of it the driver's pool keeps an error to itself as well.
    if (error !== undefined && command.listenerCount('error') > 0) command.emit('error', error)
    // What had no connection to run on does not end.
    if (early !== null) command.emit('end')
  })
}

/** Calls a method of the driver that takes a callback. */
export function promised(call: (done: Callback) => unknown): Promise<readonly unknown[]> {
  return new Promise((resolve, reject) => {
    call((error, ...results) => {
      if (error === null || error === undefined) resolve(results)
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever the driver gives
      else reject(error)
    })
  })
}

/** Tells a callback as the driver does: `null` where there is no error. */
export function answer(promise: Promise<readonly unknown[]>, callback: Callback): void {
  tell(promise, (error, ...results) => {
    callback(error ?? null, ...results)
  })
}

/** Runs it without a callback; on a pool, on a connection that goes back when the statement has ended. */
async function emit(
  native: Pool | PoolConnection,
  send: Send,
  command: Command,
  say: Say,
  begin: () => Event[],
): Promise<readonly unknown[]> {
  if (!('getConnection' in native)) {
    return await passOn(native, send, command, begin(), say, () => undefined)
  }
  const [connection] = (await promised((done) => {
    native.getConnection(done)
  })) as [PoolConnection]
  return await passOn(connection, send, command, begin(), say, (error) => {
    // As the driver's pool does: a server that has become read only is not asked again on this connection.
    if (classifyError(error) === 'read-only') connection.destroy()
    else connection.release()
  })
}

/**
 * Sends the statement and hands what comes on to the command that the application holds. What comes before the first
 * row is kept in `early`, so that the refusal of a replica leaves no trace when the primary is asked next.
 */
function passOn(
  connection: PoolConnection,
  send: Send,
  command: Command,
  early: Event[],
  say: Say,
  ended: (error: unknown) => void,
): Promise<readonly unknown[]> {
  return new Promise((resolve, reject) => {
    let failure: Error | null = null
    let flowing = false
    const fail = (error: Error): void => {
      failure = flowing ? afterRows(error) : error
      reject(failure)
    }
    const end = (): void => {
      connection.off('error', fail)
      command._connection = null
      ended(failure)
    }
    // A connection that is lost tells its callbacks and its listeners, and no command that has neither.
    connection.once('error', fail)
    command._connection = connection

    let sent: Command
    try {
      sent = send(connection as unknown as Queryable)
    } catch (error) {
      end()
      throw error
    }
    command.sql = sent.sql
    sent.on('error', fail)
    sent.on('fields', (...values: unknown[]) => {
      if (flowing) say('fields', ...values)
      else early.push(['fields', ...values])
    })
    sent.on('result', (...values: unknown[]) => {
      if (failure !== null) return
      flowing = true
      for (const event of early.splice(0)) say(...event)
      say('result', ...values)
    })
    sent.once('end', () => {
      end()
      resolve([])
    })
  })
}
