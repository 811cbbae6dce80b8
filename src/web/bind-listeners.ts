import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'

type Listener = (this: unknown, ...given: unknown[]) => unknown
export type BindListener = (listener: Listener) => Listener

type Add = (event: string | symbol, listener: Listener) => unknown
type Method = 'on' | 'addListener' | 'once' | 'prependListener' | 'prependOnceListener'

/** Each method that adds a listener: the one it adds with, and whether for one event only. */
const METHODS: readonly (readonly [Method, 'on' | 'prependListener', boolean])[] = [
  ['on', 'on', false],
  ['addListener', 'on', false],
  ['once', 'on', true],
  ['prependListener', 'prependListener', false],
  ['prependOnceListener', 'prependListener', true],
]

/**
 * Binds every listener that is added to `emitter` from now on. A request and its response are called back by their
 * socket, which lives in no scope, or where requests are pipelined in that of another request.
 */
export function bindListeners(emitter: EventEmitter, bind: BindListener): void {
  const methods = emitter as unknown as Record<Method, Add>
  for (const [method, add, once] of METHODS.map(([name, by, first]) => [name, methods[by], first] as const)) {
    methods[method] = (event, listener) => {
      // What is no function, the emitter refuses in its own words.
      if (typeof listener !== 'function') return add.call(emitter, event, listener)
      const bound = bind(listener)
      const added = once ? removingItself(emitter, event, bound) : bound
      return add.call(emitter, event, foundBy(listener, added))
    }
  }
}

/** Binds the callbacks of `write` and `end`, which are no listeners, or not on every Node. */
export function bindWrites(response: ServerResponse, bind: BindListener): void {
  const methods = response as unknown as Record<
    'write' | 'end',
    (this: unknown, ...given: unknown[]) => unknown
  >
  const bound = (given: unknown): unknown => (typeof given === 'function' ? bind(given as Listener) : given)
  for (const name of ['write', 'end'] as const) {
    const method = methods[name]
    methods[name] = (...given) => method.apply(response, given.map(bound))
  }
}

function removingItself(emitter: EventEmitter, event: string | symbol, listener: Listener): Listener {
  // A listener before it may emit the event again, to a list that was made before it was removed.
  let fired = false
  return function once(...given) {
    if (fired) return undefined
    fired = true
    emitter.removeListener(event, once)
    return listener.apply(this, given)
  }
}

/** Emitters find what to remove, and tell what they have, by this property, which those of `once` have in Node too. */
function foundBy(listener: Listener, added: Listener): Listener {
  return Object.assign(added, { listener })
}
