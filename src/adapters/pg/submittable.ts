import { Readable } from 'node:stream'
import { Query } from 'pg'
import { captureContext } from '../capture-context'
import type { Run } from '../adapter'
import type { Callback } from '../callback'
import { watchCursor, type Cursor, type CursorWatch, type Wire } from './cursor'
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

interface Native {
  query(query: unknown, callback: Callback): unknown
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
  const inContext = guarded(captureContext())
  const cursor = watchCursor(query.cursor ?? (query as Cursor))
  let told = false
  const tellOfError = (error: unknown, connection: unknown): void => {
    told = true
    inContext(() => {
      query.handleError(error, connection)
    })
  }
  run({ sql, repeatable: false }, (native) =>
    sendThrough(native as Native, query, { inContext, cursor, tellOfError }),
  ).catch((error: unknown) => {
    // On a turn of its own, as pg does it: with no listener it is an uncaught exception, and never a rejection.
    if (!told) process.nextTick(tellOfError, error, null)
  })
}

/** A listener that throws is an uncaught exception, and does not stop the driver in the middle of what it reads. */
function guarded(inContext: (call: () => void) => void): (call: () => void) => void {
  return (call) => {
    try {
      inContext(call)
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }
}

interface Delivery {
  readonly inContext: (call: () => void) => void
  readonly cursor: CursorWatch
  readonly tellOfError: (error: unknown, connection: unknown) => void
}

/**
 * Hands the driver a stand-in of the query, which passes everything on to it, and settles when the query is over: a
 * connection with an open cursor is in use. The refusal of a replica is kept back from a `pg.Query` and from a cursor that
 * has not been told of a row yet, so that it may be sent once more, to the primary.
 */
function sendThrough(native: Native, query: Submittable, delivery: Delivery): Promise<void> {
  const { inContext, cursor, tellOfError } = delivery
  return new Promise((resolve, reject) => {
    /** pg's own, which stops the clock of `query_timeout`; the application's stays with the query. */
    let callback: Callback | undefined
    const isQuery = query instanceof Query
    /** It has not been told of a row. */
    let fresh = true
    let ended = false
    let described: unknown

    const tellDescription = (): void => {
      if (described !== undefined) query.handleRowDescription(described)
      described = undefined
    }
    const passOn = (call: () => void): void => {
      fresh = false
      inContext(() => {
        tellDescription()
        call()
      })
    }
    const fail = (error: unknown, connection: unknown): void => {
      const kept =
        fresh && classifyError(error) === 'read-only' && (isQuery || cursor.rewind(connection as Wire))
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever the driver gives
      reject(kept ? error : afterDelivery(error))
      if (!kept) tellOfError(error, connection)
    }
    let abandoned = false
    /** A COPY to a stream that is destroyed half way stays on its connection, which nobody can use any more. */
    const abandon = (reader: Readable, { stream }: Wire): void => {
      if (ended || reader.readableEnded) return
      abandoned = true
      // Its loss ends the query, and by then pg knows that the connection is none to lend.
      stream.destroy()
    }
    const replaced: Record<PropertyKey, unknown> = {
      // An error that is returned makes pg go on to its next query.
      submit: (connection: unknown) => {
        if (cursor.closed || (isReader(query) && query.destroyed)) return CLOSED
        cursor.sent()
        if (isReader(query)) query.once('close', abandon.bind(null, query, connection as Wire))
        return query.submit(connection)
      },
      handleRowDescription: (message: unknown) => {
        described = message
        // A cursor asks for its first rows then.
        if (!isQuery) inContext(tellDescription)
        else if (!fresh) passOn(() => undefined)
      },
      handleError: (error: unknown, connection: unknown) => {
        if (ended) return
        ended = true
        callback?.(error)
        if (error !== CLOSED && !abandoned) fail(error, connection)
        else {
          resolve()
          inContext(() => {
            query.handleReadyForQuery(null)
            cursor.finish()
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
    // A pool tells this one of a connection that it could not get, or that was lost.
    native.query(standIn, (error) => {
      if (ended || !error) return
      ended = true
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever the driver gives
      reject(error)
    })
  })
}

const CLOSED = new Error('The query was closed before it was sent')

/** A stream that reads from the connection itself (pg-copy-streams), and has no cursor that closes it. */
function isReader(query: Submittable): query is Submittable & Readable {
  return query instanceof Readable && query.cursor === undefined
}
