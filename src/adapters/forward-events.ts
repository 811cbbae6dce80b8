import type { EventEmitter } from 'node:events'
import { captureContext } from './capture-context'

/** As much of an emitter as is used here. */
type Emitter = Pick<EventEmitter, 'on' | 'off' | 'emit' | 'listenerCount'>

/**
 * Emits on `target` what the `sources` emit, each event for as long as somebody listens to it. Pools that stand for the
 * same nodes would else gather listeners that nobody needs, and an 'error' to nobody would end the process.
 */
export function forwardEvents(target: Emitter, sources: readonly Emitter[], events: readonly string[]): void {
  const stops = new Map<unknown, () => void>()
  target.on('newListener', (event: string | symbol) => {
    if (typeof event !== 'string' || !events.includes(event) || stops.has(event)) return
    const pass = (...values: unknown[]): void => {
      target.emit(event, ...values)
    }
    for (const source of sources) source.on(event, pass)
    stops.set(event, () => {
      for (const source of sources) source.off(event, pass)
    })
  })
  target.on('removeListener', (event: string | symbol) => {
    if (target.listenerCount(event) > 0) return
    stops.get(event)?.()
    stops.delete(event)
  })
}

/**
 * Emits on a borrowed client what the connection emits that it holds, each event from when somebody first listens to
 * it: connections come and go, and most clients are never listened to.
 */
export class ConnectionEvents {
  readonly #target: Emitter
  readonly #events: readonly unknown[]
  #source: Emitter | null = null
  readonly #passing = new Map<string, (...values: unknown[]) => void>()
  /** Events are for whoever listens, in whose scope the connection was not opened. */
  #inContext: (<T>(call: () => T) => T) | null = null

  constructor(target: Emitter, events: readonly unknown[]) {
    this.#target = target
    this.#events = events
  }

  get source(): Emitter | null {
    return this.#source
  }

  /** The connection that is held now, or none. */
  set source(source: Emitter | null) {
    if (source === this.#source) return
    for (const [event, pass] of this.#passing) {
      this.#source?.off(event, pass)
      source?.on(event, pass)
    }
    this.#source = source
  }

  /** Somebody listens to an event of the client's. */
  wanted(event: string | symbol): void {
    if (typeof event !== 'string' || !this.#events.includes(event) || this.#passing.has(event)) return
    this.#inContext ??= captureContext()
    const pass = (...values: unknown[]): void => {
      // An 'error' without a listener would end the process.
      if (event === 'error' && this.#target.listenerCount('error') === 0) return
      this.#inContext?.(() => this.#target.emit(event, ...values))
    }
    this.#passing.set(event, pass)
    this.#source?.on(event, pass)
  }
}
