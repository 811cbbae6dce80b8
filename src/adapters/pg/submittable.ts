import { AsyncLocalStorage } from 'node:async_hooks'
import { Query } from 'pg'
import type { Run } from '../adapter'
import type { Callback } from '../callback'
import { afterDelivery, classifyError } from './errors'

/**
 * What `client.query` takes besides text and config: an object that sends itself and is told of what comes back
 * (`pg.Query`, a pg-cursor, a pg-query-stream around one).
 */
export interface Submittable {
  submit(connection: unknown): unknown
  handleError(error: unknown, connection: unknown): void
  handleReadyForQuery(connection: unknown): void
  handleRowDescription(message: unknown): void
  callback?: Callback | undefined
  /** A pg-query-stream's. */
  readonly cursor?: Cursor
}

/** A pg-cursor, as far as it is looked at here. */
interface Cursor {
  close?(callback?: Callback): unknown
  /** The reads that wait until it has been submitted. */
  readonly _queue?: [rows: number, callback: Callback][]
}

interface Native {
  query(query: unknown): unknown
}

export function isSubmittable(query: unknown): query is Submittable {
  return (
    typeof query === 'object' &&
    query !== null &&
    typeof (query as Partial<Submittable>).submit === 'function'
  )
}

/** Runs a submittable, which tells its own listeners how it goes, in the asynchronous context of this call. */
export function submit(run: Run, sql: unknown, query: Submittable): void {
  const inContext = AsyncLocalStorage.snapshot()
  const early = noteEarlyClose(query)
  let told = false
  const tellOfError = (error: unknown, connection: unknown): void => {
    told = true
    inContext(() => {
      query.handleError(error, connection)
    })
  }
  run({ sql, repeatable: false }, (native) => sendThrough(native as Native, query, { inContext, early, tellOfError })).catch(
    (error: unknown) => {
      // On a turn of its own, as pg does it: with no listener it is an uncaught exception, and never a rejection.
      if (!told) process.nextTick(tellOfError, error, null)
    },
  )
}

interface Delivery {
  readonly inContext: <T>(call: () => T) => T
  readonly early: EarlyClose
  readonly tellOfError: (error: unknown, connection: unknown) => void
}

/**
 * Hands the driver a stand-in of the query, which passes everything on to it, and settles when the query is over: a
 * connection with an open cursor is in use. The refusal of a replica is kept back from a `pg.Query` that has not been
 * told of a row yet, so that it may be sent once more, to the primary; a cursor has to answer the error on the wire.
 */
function sendThrough(native: Native, query: Submittable, delivery: Delivery): Promise<void> {
  const { inContext, early, tellOfError } = delivery
  return new Promise((resolve, reject) => {
    /** pg's own, which stops the clock of `query_timeout`; the application's stays with the query. */
    let callback: Callback | undefined
    let fresh = query instanceof Query
    let ended = false
    let described: unknown

    const passOn = (call: () => void): void => {
      fresh = false
      inContext(() => {
        if (described !== undefined) query.handleRowDescription(described)
        described = undefined
        call()
      })
    }
    const fail = (error: unknown, connection: unknown): void => {
      const kept = fresh && classifyError(error) === 'read-only'
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever the driver gives
      reject(kept ? error : afterDelivery(error))
      if (!kept) tellOfError(error, connection)
    }
    const replaced: Record<PropertyKey, unknown> = {
      // An error that is returned makes pg go on to its next query.
      submit: (connection: unknown) => {
        if (early.closed) return CLOSED
        early.over()
        return query.submit(connection)
      },
      handleRowDescription: (message: unknown) => {
        described = message
        if (!fresh) passOn(() => undefined)
      },
      handleError: (error: unknown, connection: unknown) => {
        if (ended) return
        ended = true
        callback?.(error)
        if (error !== CLOSED) fail(error, connection)
        else {
          resolve()
          inContext(() => {
            early.finish()
          })
        }
      },
      handleReadyForQuery: (connection: unknown) => {
        if (ended) return
        ended = true
        callback?.(null)
        resolve()
        passOn(() => {
          query.handleReadyForQuery(connection)
        })
      },
    }
    const standIn = new Proxy(query, {
      get(target, key) {
        if (key === 'callback') return callback
        if (Object.hasOwn(replaced, key)) return replaced[key]
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function' || !String(key).startsWith('handle')) return value
        return (...values: unknown[]) => {
          passOn(() => {
            value.apply(target, values)
          })
        }
      },
      set(target, key, value) {
        if (key === 'callback') callback = value as Callback
        else return Reflect.set(target, key, value, target)
        return true
      },
    })
    native.query(standIn)
  })
}

const CLOSED = new Error('The cursor was closed before it was sent')

interface EarlyClose {
  readonly closed: boolean
  /** It is being sent: from here on the cursor closes itself. */
  over(): void
  /** Ends what was closed and is never sent. */
  finish(): void
}

/**
 * A cursor that is closed before it has a connection takes no note of it, and would open its portal afterwards with
 * nobody to close it; destroying a query stream closes its cursor.
 */
function noteEarlyClose(query: Submittable): EarlyClose {
  const cursor = query.cursor ?? (query as Cursor)
  const close = cursor.close?.bind(cursor)
  let closed = false
  const over = (): void => {
    if (close !== undefined) Reflect.deleteProperty(cursor, 'close')
  }
  if (close !== undefined) {
    cursor.close = (callback) => {
      closed = true
      over()
      return close(callback)
    }
  }
  return {
    get closed() {
      return closed
    },
    over,
    finish: () => {
      query.handleReadyForQuery(null)
      for (const [, callback] of cursor._queue?.splice(0) ?? []) callback(null, [])
    },
  }
}
