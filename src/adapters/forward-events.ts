import type { EventEmitter } from 'node:events'

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
