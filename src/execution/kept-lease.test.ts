import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createRouter, type Router } from '..'
import {
  FakeError,
  fakeDatabase,
  type FakeClient,
  type FakeNode,
  type FakePool,
} from '../testing/fake-database'

let nodes: Map<string, FakeNode>
let router: Router
let session: FakeClient

const primary = (): FakeNode => nodes.get('default:primary')!
const replica = (): FakeNode => nodes.get('default:replica-1')!
const borrowed = (): number => [...nodes.values()].reduce((sum, node) => sum + node.borrowed, 0)

beforeEach(() => {
  nodes = new Map()
  router = createRouter({
    databases: {
      default: fakeDatabase(nodes, { replicas: [{}] }),
      users: fakeDatabase(nodes, { replicas: [{}] }),
    },
    models: { User: { table: 't_user', bind: 'users' }, Here: { table: 't_here' } },
  })
  session = (router.pool() as FakePool).keep()
})

/** Each in a scope of its own, as requests that share the connection one after the other. */
function inScopes(...statements: readonly string[]): Promise<unknown[]> {
  return Promise.all(statements.map((sql) => router.scope(() => session.query(sql))))
}

describe('a connection that is kept', () => {
  it('opens nothing before its first statement', () => {
    expect(borrowed()).toBe(0)
  })

  it('chooses its server at every statement, and holds one connection of each', async () => {
    const nodesSeen = await inScopes('SELECT 1', 'INSERT INTO t VALUES (1)', 'SELECT 2', 'UPDATE t SET a = 1')
    expect(nodesSeen).toEqual([
      'default:replica-1',
      'default:primary',
      'default:replica-1',
      'default:primary',
    ])
    expect([primary().borrowed, replica().borrowed]).toEqual([1, 1])
  })

  it('reads its own writes within a scope', async () => {
    await router.scope(async () => {
      const both = await Promise.all([session.query('INSERT INTO t VALUES (1)'), session.query('SELECT 1')])
      expect(both).toEqual(['default:primary', 'default:primary'])
    })
  })

  it('greets every server it opens a connection to, and keeps replicas read only', async () => {
    await session.query(`SET time_zone = 'UTC'`)
    await session.query('SET a = 1; SET b = 2')
    expect(primary().statements).toEqual([])
    await inScopes('SELECT 1', 'INSERT INTO t VALUES (1)')
    const readOnly = 'SET default_transaction_read_only = on'
    expect(replica().statements).toEqual([
      `SET time_zone = 'UTC'`,
      readOnly,
      'SET a = 1; SET b = 2',
      readOnly,
      'SELECT 1',
    ])
    expect(primary().statements).toEqual([
      `SET time_zone = 'UTC'`,
      'SET a = 1; SET b = 2',
      'INSERT INTO t VALUES (1)',
    ])
  })

  it('does not count a greeting as a write of the scope', async () => {
    await router.scope(async () => {
      await session.query('SET a = 1')
      expect(await session.query('SELECT 1')).toBe('default:replica-1')
    })
  })

  it('makes a replica read only again after the greeting that its connection begins with', async () => {
    await router.primary(() => session.query('SET a = 1'))
    await inScopes('SELECT 1')
    expect(replica().statements).toEqual(['SET a = 1', 'SET default_transaction_read_only = on', 'SELECT 1'])
  })

  it('tells a later SET to the connections that are open, and repeats to a new one what was said last', async () => {
    await inScopes('SELECT 1', 'SET a = 0', 'SET b = 1', 'SET a = 1', 'SET a = 0')
    expect(primary().statements).toEqual([])
    expect(await inScopes('INSERT INTO t VALUES (1)', 'SET c = 1', 'SELECT 2')).toEqual([
      'default:primary',
      'default:replica-1',
      'default:replica-1',
    ])
    expect(primary().statements).toEqual(['SET b = 1', 'SET a = 0', 'INSERT INTO t VALUES (1)', 'SET c = 1'])
  })

  it('stays on the primary for ever once it has something to remember', async () => {
    await inScopes('SELECT 1')
    await inScopes('CREATE TEMP TABLE mine (a int)')
    expect(await inScopes('SELECT 1', 'SET a = 1', 'SELECT 1')).toEqual(Array(3).fill('default:primary'))
  })

  it('stays on the primary after a SET inside a transaction, which its connection has kept', async () => {
    await inScopes('BEGIN', 'SET a = 1', 'COMMIT')
    expect(await inScopes('SELECT 1')).toEqual(['default:primary'])
  })

  it('stays on the primary when there is too much to repeat', async () => {
    await inScopes(...Array.from({ length: 101 }, (_, index) => `SET a${index} = 1`))
    expect(await inScopes('SELECT 1')).toEqual(['default:primary'])
  })

  it('does not say again what a session computes from itself, or what has values beside it', async () => {
    await inScopes('SET a = @@a + 1')
    expect(await inScopes('SELECT 1')).toEqual(['default:primary'])
  })

  it('takes one setting for one, however often it is set', async () => {
    await inScopes(...Array.from({ length: 150 }, (_, index) => `SET app.user = 'user ${index}'`))
    expect(await inScopes('INSERT INTO t VALUES (1)', 'SELECT 1')).toEqual([
      'default:primary',
      'default:replica-1',
    ])
    expect(primary().statements).toEqual([`SET app.user = 'user 149'`, 'INSERT INTO t VALUES (1)'])
  })

  it('opens anew a connection that could not be told of a setting', async () => {
    await inScopes('INSERT INTO t VALUES (1)')
    primary().answer = (sql) => {
      if (sql.startsWith('SET')) throw new FakeError('other')
    }
    await inScopes('SET a = 1')
    expect([primary().borrowed, primary().closedWith.length]).toEqual([0, 1])
  })

  it('stays on the primary after a SET that stands beside something else', async () => {
    await inScopes('SET a = 1; SELECT pg_advisory_lock(1)')
    expect(await inScopes('SELECT 1')).toEqual(['default:primary'])
    expect(replica().statements).toEqual([])
  })

  it('keeps a transaction on one connection, and chooses anew after it', async () => {
    const seen = await inScopes('BEGIN', 'SELECT 1', 'SAVEPOINT a', 'SELECT 2', 'COMMIT', 'SELECT 3')
    expect(seen.slice(0, 5)).toEqual(Array(5).fill('default:primary'))
    expect(seen[5]).toBe('default:replica-1')
    expect(primary().borrowed).toBe(1)
  })

  it('lets a read only transaction run on a replica', async () => {
    expect(await inScopes('START TRANSACTION READ ONLY', 'SELECT 1', 'COMMIT')).toEqual(
      Array(3).fill('default:replica-1'),
    )
  })

  it('takes SET TRANSACTION for the transaction that follows, and no longer', async () => {
    nodes = new Map()
    router = createRouter({
      databases: { default: fakeDatabase(nodes, { dialect: 'mysql', replicas: [{}] }) },
    })
    session = (router.pool() as FakePool).keep()
    const seen = await inScopes(
      'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
      'START TRANSACTION',
      'COMMIT',
      'SELECT 1',
    )
    expect(seen).toEqual([...Array<string>(3).fill('default:primary'), 'default:replica-1'])
  })

  it('takes PostgreSQL’s SET TRANSACTION and SET LOCAL for the transaction that is open', async () => {
    const inside = ['BEGIN', 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'SET LOCAL a = 1', 'COMMIT']
    expect(await inScopes(...inside, 'SELECT 1')).toEqual([
      ...Array<string>(4).fill('default:primary'),
      'default:replica-1',
    ])
  })

  it('tells the scope that it has a transaction open', async () => {
    await router.scope(async () => {
      await session.query('BEGIN')
      expect(router.explain('SELECT 1').rule).toBe('open-transaction')
      await session.query('ROLLBACK')
      expect(router.explain('SELECT 1').rule).toBe('read')
    })
  })

  it('runs statements in the order in which they came', async () => {
    let answered = false
    primary().answer = async () => {
      await Promise.resolve()
      answered = true
    }
    const insert = session.query('INSERT INTO t VALUES (1)')
    const select = router.scope(() => session.query('SELECT 1')).then(() => answered)
    await insert
    expect(await select).toBe(true)
  })

  it('sends what a replica refuses to the primary', async () => {
    replica().answer = () => {
      throw new FakeError('read-only')
    }
    expect(await inScopes('SELECT hidden()')).toEqual(['default:primary'])
  })

  it('refuses a statement of another database while a transaction is open, and goes there otherwise', async () => {
    expect(await inScopes('SELECT * FROM t_user')).toEqual(['users:replica-1'])
    await inScopes('BEGIN')
    await expect(inScopes('SELECT * FROM t_user')).rejects.toMatchObject({ code: 'ERR_CROSS_DATABASE' })
  })

  it('replaces a connection that was lost, and not one that a transaction was lost with', async () => {
    await inScopes('SELECT 1')
    replica().answer = () => {
      throw new FakeError('connection')
    }
    await expect(inScopes('SELECT 2')).rejects.toThrow('connection')
    expect([replica().borrowed, replica().closedWith.length]).toEqual([0, 1])

    await inScopes('BEGIN')
    primary().answer = () => {
      throw new FakeError('unsent')
    }
    await expect(inScopes('INSERT INTO t VALUES (1)')).rejects.toThrow('unsent')
    expect(primary().borrowed, 'what belongs to the transaction must not run outside it').toBe(1)
    await expect(inScopes('ROLLBACK')).rejects.toThrow('unsent')
    expect(primary().borrowed).toBe(0)
  })

  it('keeps nothing of a BEGIN that failed', async () => {
    primary().answer = () => {
      throw new FakeError('connection')
    }
    await router.scope(async () => {
      await expect(session.query('BEGIN')).rejects.toThrow('connection')
      expect(router.explain('SELECT 1').rule).toBe('read')
    })
    expect(primary().borrowed).toBe(0)
    expect(await inScopes('SELECT 1')).toEqual(['default:replica-1'])
  })

  it('closes the connection that broke, not the one that the statement came from', async () => {
    replica().answer = () => {
      throw new FakeError('read-only')
    }
    primary().answer = () => {
      throw new FakeError('connection')
    }
    await expect(inScopes('SELECT hidden()')).rejects.toThrow('connection')
    expect([replica().closedWith.length, primary().closedWith.length]).toEqual([0, 1])
  })

  it('closes a replica’s connection whose session a read only transaction has changed', async () => {
    const change = 'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE'
    await inScopes('BEGIN READ ONLY', change)
    expect(replica().closedWith).toEqual([])
    await inScopes('COMMIT')
    expect([replica().borrowed, replica().closedWith.length]).toEqual([0, 1])
  })

  it('runs what was sent before its release', async () => {
    const sent = [session.query('INSERT INTO a VALUES (1)'), session.query('INSERT INTO b VALUES (1)')]
    session.release()
    expect(await Promise.all(sent)).toEqual(['default:primary', 'default:primary'])
    expect(borrowed()).toBe(0)
  })

  it('gives back what it holds, also what it is about to get', async () => {
    await inScopes('SELECT 1', 'INSERT INTO t VALUES (1)')
    session.release()
    await expect(session.query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(borrowed()).toBe(0)

    const late = (router.pool() as FakePool).keep()
    const running = late.query('SELECT 1')
    late.release(new Error('at once'))
    await expect(running).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(borrowed()).toBe(0)
  })

  it('ends a transaction of its scope when it is released', async () => {
    await router.scope(async () => {
      await session.query('BEGIN')
      session.release(true)
      expect(router.explain('SELECT 1').rule).toBe('read')
      await Promise.resolve()
    })
  })

  it('notes a write at once, so that a read beside it through the pool cannot slip between', async () => {
    await router.scope(async () => {
      const before = session.query('SELECT 1')
      const write = session.query('INSERT INTO t VALUES (1)')
      expect(await (router.pool() as FakePool).query('SELECT 1')).toBe('default:primary')
      await Promise.all([before, write])
    })
  })

  it.each(['pool', 'default'])(
    'writes in the database of its transaction, whatever the %s says, and nowhere else',
    async (rule) => {
      if (rule === 'default') {
        await router.using('users', () => session.query('BEGIN'))
        await router.scope(async () => {
          expect(await session.query('INSERT INTO t VALUES (1)')).toBe('users:primary')
          expect(router.explain('SELECT 1')).toMatchObject({ alias: 'default', rule: 'read' })
        })
      } else {
        session = (router.pool('users') as FakePool).keep()
        await router.using('default', () => session.query('BEGIN'))
        await router.scope(async () => {
          expect(await session.query('INSERT INTO t VALUES (1)')).toBe('default:primary')
          expect(router.explain('SELECT * FROM t_user')).toMatchObject({ alias: 'users', rule: 'read' })
        })
      }
    },
  )

  it('says of what its connection decides that it does', async () => {
    await inScopes('BEGIN', 'SELECT 1', 'COMMIT')
    expect(router.stats().rules).toMatchObject({ lease: 2 })
  })

  it('keeps every transaction on one connection, not only the first', async () => {
    await inScopes('BEGIN', 'COMMIT')
    expect(await inScopes('BEGIN', 'SELECT 1', 'COMMIT', 'SELECT 1')).toEqual([
      ...Array<string>(3).fill('default:primary'),
      'default:replica-1',
    ])
  })

  it('keeps a chain of transactions on one connection', async () => {
    const seen = await inScopes(
      'BEGIN',
      'COMMIT AND CHAIN',
      'SELECT 1',
      'ROLLBACK AND CHAIN',
      'SELECT 1',
      'COMMIT',
    )
    expect(seen).toEqual(Array(6).fill('default:primary'))
    expect(await inScopes('SELECT 1')).toEqual(['default:replica-1'])
  })

  it('has one transaction open after two BEGINs', async () => {
    await router.scope(async () => {
      await session.query('BEGIN')
      await session.query('BEGIN')
      await session.query('COMMIT')
      expect(router.explain('SELECT 1').rule).toBe('read')
    })
  })

  it('does not tell the scope of a read only transaction on a replica', async () => {
    await router.scope(async () => {
      await session.query('BEGIN')
      await session.query('COMMIT')
      const other = (router.pool() as FakePool).keep()
      await session.query('START TRANSACTION READ ONLY')
      expect(router.explain('SELECT 1').rule).toBe('read')
      await other.query('BEGIN')
      await session.query('COMMIT')
      expect(router.explain('SELECT 1').rule, 'that of the other goes on').toBe('open-transaction')
      await other.query('COMMIT')
      expect(router.explain('SELECT 1').rule).toBe('read')
    })
  })

  it('leaves the replica after a read only transaction, whatever was set in it', async () => {
    await inScopes('START TRANSACTION READ ONLY', 'SET a = 1', 'COMMIT')
    expect(await inScopes('INSERT INTO t VALUES (1)')).toEqual(['default:primary'])
  })

  it('keeps its connection when a statement fails for another reason than the connection', async () => {
    replica().answer = () => {
      throw new FakeError('other')
    }
    await expect(inScopes('SELECT 1')).rejects.toThrow('other')
    expect([replica().borrowed, replica().closedWith]).toEqual([1, []])
  })

  it('uses a lost connection no more, and keeps those of the other servers', async () => {
    await inScopes('SELECT 1', 'INSERT INTO t VALUES (1)')
    const { answer } = replica()
    replica().answer = () => {
      throw new FakeError('connection')
    }
    await expect(inScopes('SELECT 2')).rejects.toThrow('connection')
    replica().answer = answer
    await inScopes('SELECT 3', 'INSERT INTO t VALUES (2)')
    expect([primary().borrowed, replica().borrowed]).toEqual([1, 1])
    session.release()
    await expect(session.query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(borrowed()).toBe(0)
  })

  it('closes a new connection that refuses its greeting, and keeps none', async () => {
    await inScopes('SET a = 1')
    primary().answer = (sql) => {
      if (sql.startsWith('SET')) throw new FakeError('other')
    }
    await expect(inScopes('INSERT INTO t VALUES (1)')).rejects.toThrow('other')
    expect([primary().borrowed, primary().closedWith.length]).toEqual([0, 1])
    expect(primary().statements).toEqual(['SET a = 1'])
  })

  it('rejects a statement of two databases as it rejects every other', async () => {
    const joined = session.query('SELECT * FROM t_user JOIN t_here USING (id)')
    await expect(joined).rejects.toMatchObject({ code: 'ERR_CROSS_DATABASE' })
    expect(borrowed()).toBe(0)
  })

  it('gives its connections back when what was sent before has ended, and takes nothing more', async () => {
    let answer: () => void = () => undefined
    primary().answer = () =>
      new Promise<void>((resolve) => {
        answer = resolve
      })
    const slow = session.query('INSERT INTO t VALUES (1)')
    await vi.waitUntil(() => primary().statements.length === 1)
    session.release()
    await router.scope(async () => {
      await expect(session.query('INSERT INTO t VALUES (2)')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
      expect(router.explain('SELECT 1').rule, 'what is refused has written nothing').toBe('read')
    })
    expect(primary().borrowed).toBe(1)
    answer()
    await slow
    await vi.waitUntil(() => borrowed() === 0)
    expect(primary().statements).toHaveLength(1)
  })

  it('closes its connections at once when it is released with an error, and sends nothing that waits', async () => {
    await inScopes('SELECT 1')
    primary().answer = () => new Promise(() => undefined)
    replica().answer = () => new Promise(() => undefined)
    void session.query('INSERT INTO t VALUES (1)')
    await vi.waitUntil(() => primary().statements.length === 1)
    const error = new Error('enough')
    session.release(error)
    expect(borrowed()).toBe(0)
    expect([...primary().closedWith, ...replica().closedWith]).toEqual([error, error])
  })

  it('sends nothing on a connection that it has given back', async () => {
    let fail: (error: Error) => void = () => undefined
    primary().answer = () =>
      new Promise((_resolve, reject) => {
        fail = reject
      })
    const running = session.query('INSERT INTO t VALUES (1)')
    await vi.waitUntil(() => primary().statements.length === 1)
    const waiting = session.query('INSERT INTO t VALUES (2)')
    session.release(new Error('enough'))
    fail(new FakeError('other'))
    await expect(running).rejects.toThrow('other')
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(primary().statements).toEqual(['INSERT INTO t VALUES (1)'])
    expect(borrowed()).toBe(0)
  })
})
