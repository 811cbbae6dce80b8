import { SplitpoolError } from '../../errors'
import type { Run } from '../adapter'
import { tell, type Callback } from '../callback'
import { isSubmittable, submit } from './submittable'

/** The driver's pool or client, as far as it is called here. */
export interface Queryable {
  query(...args: readonly unknown[]): Promise<unknown>
}

/** The text of what `query` was called with: a string, a config, or a submittable (a query stream wraps a cursor). */
export function textOf(query: unknown): unknown {
  if (typeof query !== 'object' || query === null) return query
  const { text, cursor } = query as { text?: unknown; cursor?: { text?: unknown } }
  return text ?? cursor?.text
}

/** The callback of a call of `query`, which stands behind the values or in their place, and what stands before it. */
export function splitQuery([query, values, last]: readonly unknown[]): {
  readonly callback: Callback | null
  readonly rest: readonly [query: unknown, values: unknown]
} {
  const early = typeof values === 'function'
  const callback = early && !last ? values : last
  if (Boolean(callback) && typeof callback !== 'function') throw new TypeError('callback is not a function')
  return {
    callback: typeof callback === 'function' ? (callback as Callback) : null,
    rest: [query, early ? undefined : values],
  }
}

/** `client.query` over a routed connection: text, config or submittable, with a callback or a promise. */
export function routedQuery(
  run: Run,
  args: readonly unknown[],
  Chosen: PromiseConstructorLike = Promise,
): unknown {
  const [query] = args
  if (query == null) throw new TypeError('Client was passed a null or undefined query')
  const sql = textOf(query)
  const { callback, rest } = splitQuery(args)
  if (isSubmittable(query)) {
    if (callback !== null) query.callback ??= callback
    submit(run, sql, query)
    return query
  }
  const { callback: configured } = query as { callback?: unknown }
  // The driver is called without either, since the promise that it then gives says when the query is over.
  if (typeof configured === 'function') {
    const config: unknown = Object.create(query, { callback: { value: undefined, writable: true } })
    const result = run({ sql }, (native) => (native as Queryable).query(config, rest[1]))
    return answer(result, callback ?? (configured as Callback), null)
  }
  const result = run({ sql }, (native) => (native as Queryable).query(...rest))
  return callback === null ? chosen(withStack(result), Chosen) : answer(result, callback, null)
}

/**
 * The promise, or nothing and the callback told.
 *
 * @param none what it gets for an error that there was not: `null` from a client of pg's, nothing from a pool
 */
export function answer<T>(
  promise: Promise<T>,
  callback: Callback | null,
  none?: null,
): Promise<T> | undefined {
  if (callback === null) return promise
  tell(
    promise.then((value) => (value === undefined ? [] : [value])),
    (error, ...results) => {
      callback(error ?? none, ...results)
    },
  )
  return undefined
}

/** A promise of the class that the application gave as `Promise`. */
export function chosen<T>(promise: Promise<T>, Chosen: PromiseConstructorLike): Promise<T> {
  if (Chosen === Promise) return promise
  return new Chosen<T>((resolve) => {
    resolve(promise)
  }) as Promise<T>
}

/** The stack of an error of the driver's begins at its socket; pg makes it lead back to who awaits the statement. */
function withStack<T>(promise: Promise<T>): Promise<T> {
  return promise.catch((error: unknown) => {
    if (error instanceof Error && !(error instanceof SplitpoolError)) Error.captureStackTrace(error)
    throw error
  })
}
