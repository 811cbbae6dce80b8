import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createRouter, type Router } from '..'
import type { KeptLease, Lease, PoolPort } from '../adapters/adapter'
import type { Dialect } from '../dialects/dialect'
import { FakeError, fakeDatabase, type FakeNode } from '../testing/fake-database'

let nodes: Map<string, FakeNode>
let router: Router
/** The nodes that connections were asked of, in their order. */
let connects: string[]
/** What a node answers who wants a connection. */
let beforeConnect: (id: string) => Promise<void>
/** The nodes whose connections are lost. */
let lost: Set<string>
let port: PoolPort
let lease: Lease

const primary = (): FakeNode => nodes.get('default:primary')!
const replica = (): FakeNode => nodes.get('default:replica-1')!
const borrowed = (): number => [...nodes.values()].reduce((sum, node) => sum + node.borrowed, 0)

/** A fake database that gives away its ports, and takes note of its connections. */
function watched(dialect: Dialect): ReturnType<typeof fakeDatabase> {
  const database = fakeDatabase(nodes, { replicas: [{}], dialect })
  const { adapter } = database
  const openNode = adapter.openNode.bind(adapter)
  adapter.openNode = (settings, node, events) => {
    const connector = openNode(settings, node, events)
    return {
      ...connector,
      connect: async () => {
        connects.push(node.id)
        await beforeConnect(node.id)
        const connection = await connector.connect()
        return Object.defineProperty(connection, 'lost', { get: () => lost.has(node.id) })
      },
    }
  }
  adapter.createPool = (given) => given
  return database
}

function portOf(alias?: string): PoolPort {
  const port: unknown = alias === undefined ? router.pool() : router.pool(alias)
  return port as PoolPort
}

function start(dialect: Dialect = 'postgres'): void {
  nodes = new Map()
  router = createRouter({
    databases: { default: watched(dialect), users: watched(dialect) },
    models: { User: { table: 't_user', bind: 'users' }, Here: { table: 't_here' } },
  })
  port = portOf()
  lease = port.lease()
}

beforeEach(() => {
  connects = []
  lost = new Set()
  beforeConnect = () => Promise.resolve()
  start()
})

function send(sql: string, on: Lease = lease): Promise<unknown> {
  return on.run({ sql }, (native) => (native as FakeNode).query(sql))
}

/** Answers of a node that are given when they are called for. */
function held(node: FakeNode): (answer?: Error) => void {
  let answer: (given?: Error) => void = () => undefined
  node.answer = () =>
    new Promise<void>((resolve, reject) => {
      answer = (given) => {
        if (given === undefined) resolve()
        else reject(given)
      }
    })
  return (given) => {
    answer(given)
  }
}

const idOf = (native: unknown): string => (native as FakeNode).id

describe('a borrowed connection', () => {
  it('stays where it is while it reads, on one connection', async () => {
    await router.scope(async () => {
      lease.onMove = vi.fn()
      for (let time = 0; time < 3; time++) await send('SELECT 1')
      expect(connects).toEqual(['default:replica-1'])
      await send('INSERT INTO t VALUES (1)')
      await send('SELECT 1')
      expect(connects).toEqual(['default:replica-1', 'default:primary'])
      expect(lease.onMove).toHaveBeenCalledOnce()
    })
  })

  it('begins a statement at once where it has the connection for it', async () => {
    await send('INSERT INTO t VALUES (1)')
    const sent = send('INSERT INTO t VALUES (2)')
    expect(primary().statements).toHaveLength(2)
    await sent
  })

  it('is given back before whoever sent the last statement is told', async () => {
    const sent = send('INSERT INTO t VALUES (1)')
    lease.onOver = vi.fn()
    lease.release()
    expect(lease.onOver).not.toHaveBeenCalled()
    await sent
    expect(borrowed()).toBe(0)
    expect(lease.onOver).toHaveBeenCalledOnce()
    expect(lease.native).toBeNull()
  })

  it('has given its connection back when it says that it is over', async () => {
    await send('INSERT INTO t VALUES (1)')
    const then: unknown[] = []
    lease.onOver = () => then.push(borrowed(), lease.native)
    lease.release()
    expect(then).toEqual([0, null])
  })

  it('is released once: an error that comes later closes nothing', async () => {
    const answer = held(primary())
    const sent = send('INSERT INTO t VALUES (1)')
    await vi.waitUntil(() => primary().statements.length === 1)
    lease.release()
    lease.release(new Error('late'))
    expect(primary()).toMatchObject({ borrowed: 1, closedWith: [] })
    answer()
    await sent
    expect(primary()).toMatchObject({ borrowed: 0, closedWith: [] })
  })

  it('takes nothing, and writes nothing, once it is released', async () => {
    lease.release()
    await router.scope(async () => {
      await expect(send('INSERT INTO t VALUES (1)')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
      await expect(lease.connection(idOf)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
      expect(router.explain('SELECT 1').rule).toBe('read')
    })
    expect(connects).toEqual([])
  })

  it('keeps nothing that comes after it was released with an error', async () => {
    let open: () => void = () => undefined
    beforeConnect = () => new Promise((resolve) => (open = resolve))
    const sent = send('INSERT INTO t VALUES (1)')
    lease.release(new Error('at once'))
    open()
    await expect(sent).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(primary()).toMatchObject({ borrowed: 0, closedWith: [], statements: [] })
  })

  it('is over once, also when a statement goes on after it was released with an error', async () => {
    const answer = held(primary())
    const sent = send('INSERT INTO t VALUES (1)')
    await vi.waitUntil(() => primary().statements.length === 1)
    lease.onOver = vi.fn()
    lease.release(new Error('at once'))
    answer()
    await sent
    expect(lease.onOver).toHaveBeenCalledOnce()
    expect(borrowed()).toBe(0)
  })

  it('goes on after a server that could not be reached, and is given back', async () => {
    beforeConnect = (id) =>
      id === 'default:primary' ? Promise.resolve() : Promise.reject(new FakeError('connection'))
    await router.scope(async () => {
      await expect(send('SELECT 1')).rejects.toThrow('connection')
      expect(await send('INSERT INTO t VALUES (1)')).toBe('default:primary')
    })
    lease.release()
    expect(primary()).toMatchObject({ borrowed: 0, closedWith: [] })
  })

  it('goes on after a statement that it refuses, and is given back', async () => {
    await send('DELETE FROM t_user')
    await expect(send('DELETE FROM t_here')).rejects.toMatchObject({ code: 'ERR_CROSS_DATABASE' })
    lease.release()
    expect(borrowed()).toBe(0)
  })

  it('keeps its transaction when a statement in it fails', async () => {
    await router.scope(async () => {
      await send('BEGIN')
      primary().answer = (sql) => {
        if (sql.includes('nonsense')) throw new FakeError('other')
      }
      await expect(send('SELECT nonsense')).rejects.toThrow('other')
      expect(router.explain('SELECT 1').rule).toBe('open-transaction')
      await send('ROLLBACK')
      expect(router.explain('SELECT 1').rule).toBe('read')
      lease.release()
    })
  })

  it('does not leave the database of a transaction on a replica', async () => {
    await router.using('users', () => send('BEGIN READ ONLY'))
    expect(await send('SELECT 1'), 'what names no database is its').toBe('users:replica-1')
    await expect(send('SELECT 1 FROM t_here')).rejects.toMatchObject({ code: 'ERR_CROSS_DATABASE' })
    await send('COMMIT')
    expect(await send('SELECT 1'), 'which ends with it').toBe('default:replica-1')
    lease.release()
  })

  it('goes from database to database while it only reads', async () => {
    await router.scope(async () => {
      await send('SELECT 1 FROM t_user')
      expect(await send('SELECT 1')).toBe('default:replica-1')
      await send('SELECT 1 FROM t_user')
      await send('INSERT INTO t VALUES (1)')
      expect(router.explain('SELECT 1 FROM t_user').rule, 'which was not written').toBe('read')
      lease.release()
    })
  })

  it.each(['pool', 'default'])('writes in the database it is in, whatever the %s says', async (rule) => {
    if (rule === 'pool') lease = portOf('users').lease()
    const [here, other] = rule === 'pool' ? ['default', 'users'] : ['users', 'default']
    await router.using(here, () => send('INSERT INTO t VALUES (1)'))
    await router.scope(async () => {
      expect(await send('INSERT INTO t VALUES (2)')).toBe(`${here}:primary`)
      expect(router.using(here, () => router.explain('SELECT 1')).rule).toBe('own-writes')
      expect(router.using(other, () => router.explain('SELECT 1')).rule).toBe('read')
    })
    lease.release()
  })

  it('says of every statement why it is where it is', async () => {
    const ruleOf = (): Promise<unknown> =>
      lease.run({ sql: 'SELECT 1' }, (_, { rule }) => Promise.resolve(rule))
    await router.scope(async () => {
      const named = await router.with({ reads: 'replica' }, ruleOf)
      expect([named, await ruleOf()]).toEqual(['read-preference', 'read'])
      lease.release()
    })
  })

  it('is of use to the next one after a write that a replica was asked for', async () => {
    for (const sql of ['BEGIN READ ONLY', 'DELETE FROM t', 'ROLLBACK']) await send(sql)
    lease.release()
    expect(replica()).toMatchObject({ statements: { length: 3 }, borrowed: 0, closedWith: [] })
  })

  describe('moves', () => {
    const answers: (() => void)[] = []
    const holding = (): Promise<void> => new Promise((resolve) => answers.push(resolve))

    beforeEach(() => {
      answers.length = 0
    })

    it('when everything that runs on it has ended', async () => {
      replica().answer = holding
      await router.scope(async () => {
        const reads = [send('SELECT 1'), send('SELECT 2')]
        await vi.waitUntil(() => answers.length === 2)
        const write = send('INSERT INTO t VALUES (1)')
        for (const [ended, answer] of answers.entries()) {
          expect([connects.length, replica().borrowed]).toEqual([1, 1])
          answer()
          await reads[ended]
          await new Promise(setImmediate)
        }
        await write
        expect([connects.length, replica().borrowed]).toEqual([2, 0])
        lease.release()
      })
    })

    it('once for all that the replica refuses, however long the primary takes', async () => {
      let open: () => void = () => undefined
      replica().answer = () => {
        throw new FakeError('read-only')
      }
      beforeConnect = (id) =>
        id === 'default:primary' ? new Promise((resolve) => (open = resolve)) : Promise.resolve()
      await router.scope(async () => {
        const sent = [send('SELECT hidden(1)'), send('SELECT hidden(2)')]
        await vi.waitUntil(() => connects.length === 2)
        await new Promise(setImmediate)
        open()
        expect(await Promise.all(sent)).toEqual(['default:primary', 'default:primary'])
        expect(connects).toEqual(['default:replica-1', 'default:primary'])
        lease.release()
      })
    })

    it('to another database when what it did for a replica has ended', async () => {
      replica().answer = () => {
        throw new FakeError('read-only')
      }
      await router.scope(async () => {
        await send('SELECT hidden()')
        primary().answer = holding
        const read = send('SELECT 2')
        await vi.waitUntil(() => answers.length === 1)
        const other = send('SELECT 1 FROM t_user')
        await new Promise(setImmediate)
        expect(primary().borrowed).toBe(1)
        answers[0]!()
        await read
        expect(await other).toBe('users:replica-1')
        lease.release()
      })
      expect(borrowed()).toBe(0)
    })
  })

  describe('without a statement', () => {
    it('is the one that is held, or the primary’s', async () => {
      await router.scope(() => send('SELECT 1'))
      expect(await lease.connection(idOf)).toBe('default:replica-1')
      const other = port.lease()
      expect(await other.connection(idOf)).toBe('default:primary')
      expect(connects).toEqual(['default:replica-1', 'default:primary'])
    })

    it('is given back when what uses it has ended, and its statements come after', async () => {
      let use: (() => void) | null = null
      const used = lease.connection(
        () =>
          new Promise<void>((resolve) => {
            use = resolve
          }),
      )
      const sent = send('INSERT INTO t VALUES (1)')
      lease.release()
      await vi.waitUntil(() => use !== null)
      await sent
      expect(primary().borrowed).toBe(1)
      use!()
      await used
      expect(borrowed()).toBe(0)
    })

    it('comes in turn: where a statement that was sent before goes', async () => {
      await router.scope(async () => {
        const sent = send('SELECT 1')
        expect(await lease.connection(idOf)).toBe('default:replica-1')
        await sent
      })
    })

    it('joins the transaction that it is in, unless it is to be alone', async () => {
      await router.transaction(async () => {
        const joins = port.lease()
        expect(await joins.connection(idOf)).toBe('default:primary')
        expect(connects).toHaveLength(1)
        expect(await port.lease().connection(idOf, true)).toBe('default:primary')
        expect(connects).toHaveLength(2)
      })
    })

    it('joins no transaction once it has a connection of its own', async () => {
      await router.transaction(async () => {
        expect(await lease.connection(idOf, true)).toBe('default:primary')
        await send('SELECT 1')
        await lease.connection(idOf)
        lease.release()
        expect(connects, 'one for the transaction, one for the client').toHaveLength(2)
        expect(primary().borrowed).toBe(1)
      })
    })
  })

  it.each([
    ['a statement', (): Promise<unknown> => send('INSERT INTO t VALUES (1)')],
    ['a use', (): Promise<unknown> => lease.connection((native) => (native as FakeNode).query('ping'))],
  ])('is not over before %s that has joined a transaction', async (_, joined) => {
    await router.transaction(async () => {
      const answer = held(primary())
      const sent = joined()
      lease.onOver = vi.fn()
      lease.release()
      await vi.waitUntil(() => primary().statements.length === 2)
      expect(lease.onOver).not.toHaveBeenCalled()
      primary().answer = () => undefined
      answer()
      await sent
      expect(lease.onOver).toHaveBeenCalledOnce()
    })
  })
})

describe('a connection that is kept', () => {
  let kept: KeptLease

  beforeEach(() => {
    kept = port.keep()
  })

  it('is over when it has given everything back, and ends then', async () => {
    const answer = held(primary())
    const sent = send('INSERT INTO t VALUES (1)', kept)
    await vi.waitUntil(() => primary().statements.length === 1)
    const then: unknown[] = []
    kept.onOver = () => then.push(borrowed(), kept.native)
    const ended = kept.end().then(() => then.push('ended'))
    await Promise.resolve()
    expect(then).toEqual([])
    answer()
    await sent
    await ended
    expect(then).toEqual([0, null, 'ended'])
  })

  it('is released once, and its end waits for that', async () => {
    await send('INSERT INTO t VALUES (1)', kept)
    kept.onOver = vi.fn()
    kept.release()
    kept.release(new Error('late'))
    await kept.end()
    expect(kept.onOver).toHaveBeenCalledOnce()
    expect(primary()).toMatchObject({ borrowed: 0, closedWith: [] })
    await expect(kept.connection(idOf)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(connects).toEqual(['default:primary'])
  })

  it('begins a statement at once where nothing runs', async () => {
    await send('INSERT INTO t VALUES (1)', kept)
    const sent = send('INSERT INTO t VALUES (2)', kept)
    expect(primary().statements).toHaveLength(2)
    await sent
  })

  it('hands on its connection in turn', async () => {
    const answer = held(replica())
    await router.scope(async () => {
      const sent = send('SELECT 1', kept)
      await vi.waitUntil(() => replica().statements.length === 1)
      const use = vi.fn(idOf)
      const used = kept.connection(use)
      await new Promise(setImmediate)
      expect(use).not.toHaveBeenCalled()
      answer()
      await sent
      expect(await used).toBe('default:replica-1')
    })
  })

  it('closes a replica’s connection whose session was changed when it is given back', async () => {
    await send('BEGIN READ ONLY', kept)
    await send('SET default_transaction_read_only = off', kept)
    await kept.end()
    expect(replica()).toMatchObject({ borrowed: 0, closedWith: [new Error('Its session was changed')] })
  })

  it('runs one statement at a time, however many come while one runs', async () => {
    const answer = held(primary())
    const sent = [send('INSERT INTO t VALUES (1)', kept), send('INSERT INTO t VALUES (2)', kept)]
    for (let n = 1; n <= 3; n++) {
      await vi.waitUntil(() => primary().statements.length === n)
      if (n === 2) sent.push(send('INSERT INTO t VALUES (3)', kept))
      await new Promise(setImmediate)
      expect(primary().statements).toHaveLength(n)
      answer()
    }
    await Promise.all(sent)
  })

  it('opens nothing for what waited when it was released with an error, and gives back what broke once', async () => {
    const answer = held(primary())
    const running = send('INSERT INTO t VALUES (1)', kept)
    await vi.waitUntil(() => primary().statements.length === 1)
    const waiting = send('INSERT INTO t VALUES (2)', kept)
    kept.release(new Error('at once'))
    answer(new FakeError('connection'))
    await expect(running).rejects.toThrow('connection')
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(connects).toEqual(['default:primary'])
    expect(primary()).toMatchObject({ borrowed: 0, closedWith: [new Error('at once')] })
  })

  it('holds no connection that broke', async () => {
    primary().answer = () => {
      throw new FakeError('connection')
    }
    await expect(send('INSERT INTO t VALUES (1)', kept)).rejects.toThrow('connection')
    expect(kept.native).toBeNull()
  })

  it('replaces one that its server has closed, and none that its session or transaction is on', async () => {
    await send('INSERT INTO t VALUES (1)', kept)
    lost.add('default:primary')
    await send('INSERT INTO t VALUES (2)', kept)
    expect(connects).toEqual(['default:primary', 'default:primary'])
    expect(primary()).toMatchObject({ borrowed: 1, closedWith: [new Error('The connection was lost')] })
    lost.clear()
    await send('BEGIN', kept)
    lost.add('default:primary')
    await send('INSERT INTO t VALUES (3)', kept)
    expect(connects).toHaveLength(2)
  })

  it('connects to the primary while no replica can be reached, and says any other error', async () => {
    beforeConnect = (id) =>
      id.endsWith('primary') ? Promise.resolve() : Promise.reject(new FakeError('connection'))
    expect(await kept.connection(idOf)).toBe('default:primary')
    beforeConnect = () => Promise.reject(new FakeError('other'))
    await expect(port.keep().connection(idOf)).rejects.toThrow('other')
    beforeConnect = () => Promise.reject(new FakeError('connection'))
    connects = []
    await expect(port.keep().connection(idOf)).rejects.toThrow('connection')
    expect(connects, 'each is asked once').toEqual(['default:replica-1', 'default:primary'])
  })

  describe('to MySQL, whose SET TRANSACTION is for what follows,', () => {
    const asked = async (...statements: string[]): Promise<unknown> => {
      const answers: unknown[] = []
      for (const sql of statements) answers.push(await router.scope(() => send(sql, kept)))
      return answers.at(-1)
    }

    beforeEach(() => {
      start('mysql')
      kept = port.keep()
    })

    it('takes it for one statement where no transaction is opened', async () => {
      const SET = 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE'
      const there = await asked(SET)
      expect(await asked('SELECT 1')).toBe(there)
      expect(await asked('INSERT INTO t VALUES (1)', 'SELECT 1')).toBe('default:replica-1')
      expect(await router.primary(() => send(SET, kept))).toBe('default:primary')
      expect(await asked('SELECT 1')).toBe('default:primary')
      expect(await asked('SELECT 1')).toBe('default:replica-1')
    })

    it('keeps what follows two of them together, and the transaction after them', async () => {
      await router.primary(() => send('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', kept))
      await asked('SET TRANSACTION READ WRITE')
      expect(await asked('START TRANSACTION READ ONLY')).toBe('default:primary')
      expect(await asked('SELECT 1')).toBe('default:primary')
      expect(await asked('COMMIT', 'SELECT 1')).toBe('default:replica-1')
    })
  })
})
