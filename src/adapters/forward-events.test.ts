import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { ConnectionEvents, forwardEvents } from './forward-events'

/** A client that passes on `notice` and `error`, and what it has emitted. */
function client(): {
  target: EventEmitter
  events: ConnectionEvents
  heard: unknown[]
  listen: (event: string) => void
} {
  const target = new EventEmitter()
  const events = new ConnectionEvents(target, ['notice', 'error'])
  const heard: unknown[] = []
  const listen = (event: string): void => {
    events.wanted(event)
    target.on(event, (...values: unknown[]) => heard.push([event, ...values]))
  }
  return { target, events, heard, listen }
}

describe('ConnectionEvents', () => {
  it('listens to nothing that nobody listens to', () => {
    const { events, listen } = client()
    const connection = new EventEmitter()
    events.source = connection
    expect(connection.eventNames()).toEqual([])
    listen('notice')
    expect(connection.eventNames()).toEqual(['notice'])
  })

  it('passes on what was listened to before there was a connection, and after', () => {
    const { events, heard, listen } = client()
    const connection = new EventEmitter()
    listen('notice')
    events.source = connection
    connection.emit('notice', 1, 2)
    listen('error')
    connection.emit('error', 'lost')
    expect(heard).toEqual([
      ['notice', 1, 2],
      ['error', 'lost'],
    ])
  })

  it('once for two listeners, and never what it was not made for', () => {
    const { events, heard, listen } = client()
    const connection = new EventEmitter()
    events.source = connection
    for (const event of ['notice', 'notice', 'other']) listen(event)
    connection.emit('notice')
    connection.emit('other')
    expect(heard).toEqual([['notice'], ['notice']])
    expect(connection.listenerCount('notice')).toBe(1)
  })

  it('leaves a connection that it moves from, and hears the next one', () => {
    const { events, heard, listen } = client()
    const [first, second] = [new EventEmitter(), new EventEmitter()]
    listen('notice')
    events.source = first
    events.source = first
    expect(first.listenerCount('notice')).toBe(1)
    events.source = second
    first.emit('notice', 'first')
    second.emit('notice', 'second')
    expect(heard).toEqual([['notice', 'second']])
    events.source = null
    expect([first.eventNames(), second.eventNames()]).toEqual([[], []])
  })

  it('swallows an error that nobody listens to any more', () => {
    const { target, events, listen } = client()
    const connection = new EventEmitter()
    listen('error')
    target.removeAllListeners('error')
    events.source = connection
    expect(() => connection.emit('error', new Error('lost'))).not.toThrow()
  })

  it('calls in the context of whoever listened first, not in that of the connection', () => {
    const storage = new AsyncLocalStorage<string>()
    const { target, events } = client()
    const connection = new EventEmitter()
    const seen: unknown[] = []
    storage.run('listener', () => {
      events.wanted('notice')
      target.on('notice', () => seen.push(storage.getStore()))
    })
    events.source = connection
    storage.run('stranger', () => connection.emit('notice'))
    expect(seen).toEqual(['listener'])
  })
})

describe('forwardEvents', () => {
  it('listens to all sources for as long as somebody listens to the target', () => {
    const [target, first, second] = [new EventEmitter(), new EventEmitter(), new EventEmitter()]
    forwardEvents(target, [first, second], ['connect'])
    const heard: unknown[] = []
    const listener = (value: unknown): void => {
      heard.push(value)
    }
    expect(first.eventNames()).toEqual([])
    target.on('connect', listener)
    target.on('connect', ignore)
    target.on('other', listener)
    expect(
      [first, second].map((source) => [source.listenerCount('connect'), source.listenerCount('other')]),
    ).toEqual([
      [1, 0],
      [1, 0],
    ])
    first.emit('connect', 1)
    second.emit('connect', 2)
    target.off('connect', ignore)
    first.emit('connect', 3)
    target.off('connect', listener)
    expect([first.eventNames(), second.eventNames()]).toEqual([[], []])
    target.on('connect', listener)
    second.emit('connect', 4)
    expect(heard).toEqual([1, 2, 3, 4])
  })
})

function ignore(): void {
  // A second listener.
}
