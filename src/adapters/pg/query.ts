import type { Run } from '../adapter'
import { splitCallback, tell, type Callback } from '../callback'

/** The driver's pool or client, as far as it is called here. */
export interface Queryable {
  query(...args: readonly unknown[]): Promise<unknown>
}

/** What `client.query` takes besides text and config: an object that sends itself (`pg.Query`, pg-cursor, …). */
interface Submittable {
  submit(connection: unknown): unknown
  handleError?(error: unknown, connection: unknown): void
}

function isSubmittable(query: unknown): query is Submittable {
  return (
    typeof query === 'object' &&
    query !== null &&
    typeof (query as Partial<Submittable>).submit === 'function'
  )
}

/** The text of what `query` was called with: a string, a config, or a submittable (a query stream wraps a cursor). */
export function textOf(query: unknown): unknown {
  if (typeof query !== 'object' || query === null) return query
  const { text, cursor } = query as { text?: unknown; cursor?: { text?: unknown } }
  return text ?? cursor?.text
}

/** `client.query` over a routed connection: text, config or submittable, with a callback or a promise. */
export function routedQuery(run: Run, args: readonly unknown[]): unknown {
  const [query] = args
  if (query == null) throw new TypeError('Client was passed a null or undefined query')
  const sql = textOf(query)
  if (isSubmittable(query)) {
    run({ sql }, (native) => {
      // It tells its own listeners how it goes.
      void (native as Queryable).query(...args)
      return Promise.resolve()
    }).catch((error: unknown) => query.handleError?.(error, null))
    return query
  }
  const { callback, rest } = splitCallback(args)
  return answer(
    run({ sql }, (native) => (native as Queryable).query(...rest)),
    callback,
  )
}

/** The promise, or nothing and the callback told. */
export function answer<T>(promise: Promise<T>, callback: Callback | null): Promise<T> | undefined {
  if (callback === null) return promise
  tell(
    promise.then((value) => (value === undefined ? [] : [value])),
    callback,
  )
  return undefined
}
