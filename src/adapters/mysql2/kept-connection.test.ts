import { once } from 'node:events'
import { createPool } from 'mysql2'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { KeptLease, PoolPort } from '../adapter'
import { KeptConnection } from './kept-connection'

const release = vi.fn<KeptLease['release']>()
/** Ends the pools of the connection. */
const end = vi.fn<PoolPort['end']>()
const native = { _command: null, resume: vi.fn(), config: {} }
let connecting: Promise<void>

function kept(): KeptConnection {
  const lease: Partial<KeptLease> = {
    native,
    connection: async (use) => {
      await connecting
      return await use(native)
    },
    release,
  }
  const pool = createPool({ host: 'nowhere.invalid' })
  const port: Partial<PoolPort> = {
    keep: () => lease as KeptLease,
    connectors: [{ native: pool } as never],
    end,
  }
  return new KeptConnection(port as PoolPort)
}

/** What ORMs look at. */
function isOver({ _closing, stream }: KeptConnection): readonly boolean[] {
  return [_closing, stream.destroyed]
}

beforeEach(() => {
  vi.clearAllMocks()
  connecting = Promise.resolve()
  end.mockResolvedValue()
})

describe('a connection of mysql2 that is kept', () => {
  it('is of use until its end, which it says when all of its connections are closed', async () => {
    let closed: () => void = () => undefined
    end.mockReturnValue(new Promise((resolve) => (closed = resolve)))
    const connection = kept()
    await once(connection, 'connect')
    expect(isOver(connection)).toEqual([false, false])
    const said: unknown[] = []
    connection.on('end', () => said.push('end'))
    connection.end((error) => said.push(error))
    expect(isOver(connection)).toEqual([true, true])
    expect(release.mock.calls, 'what was sent before may end').toEqual([[undefined]])
    await Promise.resolve()
    expect(said).toEqual([])
    closed()
    await vi.waitUntil(() => said.length === 2)
    expect(said).toEqual(['end', undefined])
  })

  it('ends once, and tells whoever ends it again', async () => {
    const connection = kept()
    const ends = vi.fn()
    connection.on('end', ends)
    await new Promise<void>((resolve) => {
      connection.end()
      connection.release()
      connection.destroy()
      connection.end(() => {
        resolve()
      })
    })
    expect([end.mock.calls.length, release.mock.calls.length, ends.mock.calls.length]).toEqual([1, 1, 1])
  })

  it('reads on when it is ended while it is paused, since nobody else can make it', () => {
    const connection = kept()
    connection.pause()
    connection.end()
    expect(native.resume).toHaveBeenCalledOnce()
  })

  it('closes its connections at once when it is destroyed, and its pools', () => {
    const connection = kept()
    connection.destroy()
    expect(release.mock.calls).toEqual([[true]])
    expect(end).toHaveBeenCalledOnce()
    expect(isOver(connection)).toEqual([true, true])
  })

  it('is ended when it is released, since it is no pool’s', () => {
    const connection = kept()
    connection.release()
    expect([release.mock.calls.length, end.mock.calls.length]).toEqual([1, 1])
    expect(isOver(connection)).toEqual([true, true])
  })

  it('that cannot connect ends its pools, says why to whoever listens, and is no uncaught exception', async () => {
    connecting = Promise.reject(new Error('unreachable'))
    const heard = kept()
    expect(await once(heard, 'error')).toEqual([new Error('unreachable')])
    expect(end).toHaveBeenCalledOnce()
    const unheard = kept()
    await expect(unheard.connected()).rejects.toThrow('unreachable')
    expect(end).toHaveBeenCalledTimes(2)
  })

  it('calls back when it has connected, and not before', async () => {
    let connect: () => void = () => undefined
    connecting = new Promise((resolve) => (connect = resolve))
    const connection = kept()
    const said: unknown[] = []
    connection.connect((error) => said.push(error))
    const connected = connection.connected().then(() => said.push('promised'))
    connection.on('connect', () => said.push('connect'))
    for (let turn = 0; turn < 9; turn++) await Promise.resolve()
    expect(said).toEqual([])
    connect()
    await connected
    expect(new Set(said)).toEqual(new Set(['connect', undefined, 'promised']))
  })
})
