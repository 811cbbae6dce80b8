import { AsyncLocalStorage } from 'node:async_hooks'
import type { Pool, PoolConnection, Query } from 'mysql2'
import type { Run } from '../adapter'
import { splitCallback, tell, type Callback } from '../callback'
import { createQuery, type Queryable } from './driver'
import { afterRows, classifyError } from './errors'
import { sqlOf, textOf, type Formatter } from './text'

export type Method = 'query' | 'execute'

/** Emits on the command that the application holds, in the asynchronous context in which it called. */
type Say = (event: string, ...values: unknown[]) => void

/**
 * `query` or `execute` over a routed pool or connection. Returns a command, as the driver does: with a callback it only
 * says when it has ended, without one it emits what comes, or streams it.
 */
export function routedQuery(run: Run, method: Method, args: readonly unknown[], formatter: Formatter): Query {
  const { callback, rest } = splitCallback(args)
  const statement = { sql: method === 'query' ? textOf(rest, formatter) : sqlOf(rest[0]) }
  const command = createQuery(rest[0], rest[1], undefined, formatter.config)
  if (callback === null) {
    const inContext = AsyncLocalStorage.snapshot()
    const say: Say = (...event) => {
      inContext(() => command.emit(...event))
    }
    const emitted = run(statement, (native) =>
      emit(native as Pool | PoolConnection, method, rest, command, say),
    )
    tell(emitted, (error) => {
      // With nobody to hear of it the driver's pool keeps an error to itself as well.
      if (error !== undefined && command.listenerCount('error') > 0) command.emit('error', error)
      command.emit('end')
    })
  } else {
    const called = run(statement, (native) =>
      promised((done) => (native as Queryable)[method](...rest, done)),
    )
    answer(called, (...results) => {
      command.emit('end')
      callback(...results)
    })
  }
  return command
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
  method: Method,
  args: readonly unknown[],
  command: Query,
  say: Say,
): Promise<readonly unknown[]> {
  if (!('getConnection' in native)) return await passOn(native, method, args, command, say, () => undefined)
  const [connection] = (await promised((done) => {
    native.getConnection(done)
  })) as [PoolConnection]
  return await passOn(connection, method, args, command, say, (error) => {
    // As the driver's pool does: a server that has become read only is not asked again on this connection.
    if (classifyError(error) === 'read-only') connection.destroy()
    else connection.release()
  })
}

/**
 * Sends the statement and hands what comes on to the command that the application holds. Nothing is handed on before
 * the first row, so that the refusal of a replica leaves no trace when the primary is asked next.
 */
function passOn(
  connection: PoolConnection,
  method: Method,
  args: readonly unknown[],
  command: Query,
  say: Say,
  ended: (error: unknown) => void,
): Promise<readonly unknown[]> {
  const held = command as Query & { _connection: PoolConnection | null }
  return new Promise((resolve, reject) => {
    let failure: Error | null = null
    let flowing = false
    let fields: readonly unknown[] = []
    const flow = (): void => {
      if (!flowing && fields.length > 0) say('fields', ...fields)
      flowing = true
    }
    const fail = (error: Error): void => {
      failure = flowing ? afterRows(error) : error
      reject(failure)
    }
    const end = (): void => {
      connection.off('error', fail)
      held._connection = null
      ended(failure)
    }
    // A connection that is lost tells its callbacks and its listeners, and no command that has neither.
    connection.once('error', fail)
    // What a stream of the command pauses and resumes.
    held._connection = connection

    let sent: Query
    try {
      sent = (connection as Queryable)[method](...args)
    } catch (error) {
      end()
      throw error
    }
    sent.on('error', fail)
    sent.on('fields', (...values: unknown[]) => {
      if (flowing) say('fields', ...values)
      else fields = values
    })
    sent.on('result', (...values: unknown[]) => {
      if (failure !== null) return
      flow()
      say('result', ...values)
    })
    sent.once('end', () => {
      if (failure === null) flow()
      end()
      resolve([])
    })
  })
}
