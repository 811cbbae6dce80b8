/** A callback in Node's style. */
export type Callback = (error: unknown, ...results: unknown[]) => void

/** Splits the callback off the arguments of a call, if it has one. */
export function splitCallback(args: readonly unknown[]): {
  callback: Callback | null
  rest: readonly unknown[]
} {
  const last = args[args.length - 1]
  if (typeof last !== 'function') return { callback: null, rest: args }
  return { callback: last as Callback, rest: args.slice(0, -1) }
}

/**
 * Tells a callback how a promise ended. What the callback throws is an uncaught exception, as when the driver calls
 * it, and never a rejection that somebody has to handle.
 */
export function tell(promise: Promise<readonly unknown[]>, callback: Callback): void {
  promise.then(
    (results) => {
      call(callback, undefined, ...results)
    },
    (error: unknown) => {
      call(callback, error)
    },
  )
}

function call(callback: Callback, error: unknown, ...results: readonly unknown[]): void {
  try {
    callback(error, ...results)
  } catch (thrown) {
    process.nextTick(() => {
      throw thrown
    })
  }
}
