import { beforeEach, describe, expect, it } from 'vitest'
import { createRouter, type Router } from '..'
import { FakeError, fakeDatabase, type FakeNode, type FakePool } from '../testing/fake-database'

let nodes: Map<string, FakeNode>
let router: Router
let db: FakePool

beforeEach(() => {
  nodes = new Map()
  router = createRouter({
    databases: {
      default: fakeDatabase(nodes, { replicas: [{}] }),
      users: fakeDatabase(nodes, { replicas: [{}] }),
    },
    models: { User: { table: 't_user', bind: 'users' }, Here: { table: 't_here' } },
  })
  db = router.pool() as FakePool
})

const node = (id: string): FakeNode => nodes.get(id)!
const primary = (): FakeNode => node('default:primary')
const replica = (): FakeNode => node('default:replica-1')

function refuse(): never {
  throw new FakeError('read-only')
}

describe('a statement that a replica refuses', () => {
  it('is sent to the primary, once', async () => {
    replica().answer = refuse
    await router.scope(async () => {
      expect(await db.query('SELECT hidden()')).toBe('default:primary')
    })
    expect(primary().statements).toEqual(['SELECT hidden()'])
    expect(router.stats()).toMatchObject({ refusedByReplica: 1, rules: { read: 1, 'refused-by-replica': 1 } })
  })

  it('is not sent a third time when the primary refuses as well', async () => {
    replica().answer = refuse
    primary().answer = refuse
    await expect(router.scope(() => db.query('SELECT hidden()'))).rejects.toThrow('fake read-only error')
    expect(primary().statements).toHaveLength(1)
    expect(replica().statements).toHaveLength(1)
  })

  it('is remembered only when the primary took it', async () => {
    replica().answer = refuse
    primary().answer = refuse
    await router.scope(() => db.query('SELECT hidden()')).catch(() => undefined)
    expect(router.explain('SELECT hidden()').role).toBe('replica')
    primary().answer = () => 'taken'
    await router.scope(() => db.query('SELECT hidden()'))
    expect(router.explain('SELECT hidden()').role).toBe('primary')
  })

  it('makes the scope read from the primary, like any write', async () => {
    replica().answer = (sql) => (sql.includes('hidden') ? refuse() : 'default:replica-1')
    await router.scope(async () => {
      await db.query('SELECT hidden()')
      expect(await db.query('SELECT 1')).toBe('default:primary')
    })
  })

  it.each(['connection', 'unsent', 'other'] as const)(
    'stays where it is after an error of class %s',
    async (errorClass) => {
      replica().answer = () => {
        throw new FakeError(errorClass)
      }
      await expect(router.scope(() => db.query('SELECT 1'))).rejects.toThrow(`fake ${errorClass} error`)
      expect(primary().statements).toEqual([])
    },
  )

  it('stays on the replica that the application named', async () => {
    replica().answer = refuse
    await expect((router.pool('default:replica-1') as FakePool).query('SELECT hidden()')).rejects.toThrow(
      'fake',
    )
    expect(primary().statements).toEqual([])
  })

  it('stays where it is when it is one of several in its text, since those before it have run', async () => {
    replica().answer = refuse
    await expect(router.scope(() => db.query('SELECT 1; SELECT hidden()'))).rejects.toThrow(
      'fake read-only error',
    )
    expect(primary().statements).toEqual([])
  })

  it('stays inside a transaction', async () => {
    replica().answer = (sql) => (sql.includes('hidden') ? refuse() : undefined)
    const run = router.scope(() => router.transaction(() => db.query('SELECT hidden()'), { readOnly: true }))
    await expect(run).rejects.toThrow('fake read-only error')
    expect(primary().statements).toEqual([])
  })

  it('moves a borrowed client to the primary', async () => {
    replica().answer = (sql) => (sql.includes('hidden') ? refuse() : 'default:replica-1')
    await router.scope(async () => {
      const client = db.connect()
      expect(await client.query('SELECT 1')).toBe('default:replica-1')
      expect(await client.query('SELECT hidden()')).toBe('default:primary')
      expect(await client.query('SELECT 1')).toBe('default:primary')
      client.release()
    })
    await settled()
    expect([primary().borrowed, replica().borrowed]).toEqual([0, 0])
  })
})

describe('a write', () => {
  it('counts as written before it has run, so that a read beside it cannot slip between', async () => {
    await router.scope(async () => {
      const [, read] = await Promise.all([db.query('INSERT INTO t VALUES (1)'), db.query('SELECT 1')])
      expect(read).toBe('default:primary')
    })
  })

  it('of a borrowed client counts as well before it has run', async () => {
    await router.scope(async () => {
      const client = db.connect()
      const [, read] = await Promise.all([client.query('INSERT INTO t VALUES (1)'), db.query('SELECT 1')])
      expect(read).toBe('default:primary')
      client.release()
    })
  })

  it('counts as written when it fails, since nobody knows what it did', async () => {
    primary().answer = (sql) => {
      if (sql.startsWith('INSERT')) throw new FakeError('connection')
      return 'default:primary'
    }
    await router.scope(async () => {
      await db.query('INSERT INTO t VALUES (1)').catch(() => undefined)
      expect(await db.query('SELECT 1')).toBe('default:primary')
    })
  })

  it('outside every scope is read by what follows outside every scope', async () => {
    expect(await db.query('SELECT 1')).toBe('default:replica-1')
    await db.query('INSERT INTO t VALUES (1)')
    expect(await db.query('SELECT 1')).toBe('default:primary')
    expect(await router.scope(() => db.query('SELECT 1'))).toBe('default:replica-1')
  })
})

describe('a borrowed client', () => {
  it('borrows nothing before its first statement', async () => {
    const client = db.connect()
    expect([primary().borrowed, replica().borrowed]).toEqual([0, 0])
    client.release()
    await settled()
    expect([primary().borrowed, replica().borrowed]).toEqual([0, 0])
  })

  it('stays on the primary until it is released', async () => {
    await router.scope(async () => {
      const client = db.connect()
      await client.query('INSERT INTO t VALUES (1)')
      expect(await client.query('SELECT 1')).toBe('default:primary')
      client.release()
    })
  })

  it('stays on the primary after SET, which its connection must remember', async () => {
    await router.scope(async () => {
      const client = db.connect()
      expect(await client.query('SELECT 1')).toBe('default:replica-1')
      expect(await client.query(`SET search_path = x`)).toBe('default:primary')
      expect(await client.query('SELECT 1')).toBe('default:primary')
      client.release()
    })
  })

  it('keeps a read-only transaction on the replica until it ends', async () => {
    await router.scope(async () => {
      const client = db.connect()
      const asked = [
        'BEGIN READ ONLY',
        'SELECT 1',
        'SAVEPOINT a',
        'DELETE FROM t',
        'ROLLBACK TO a',
        'COMMIT',
        'DELETE FROM t',
      ]
      const answers = []
      for (const sql of asked) answers.push(await client.query(sql))
      expect(answers).toEqual([...Array<string>(6).fill('default:replica-1'), 'default:primary'])
      client.release()
    })
  })

  it('tells its scope of an open transaction, and of its end', async () => {
    await router.scope(async () => {
      for (const end of ['COMMIT', 'ROLLBACK', 'release'] as const) {
        const client = db.connect()
        await client.query('BEGIN')
        expect(router.explain('SELECT 1').rule).toBe('open-transaction')
        if (end === 'release') client.release()
        else await client.query(end)
        await settled()
        expect(router.explain('SELECT 1').rule).toBe('read')
        if (end !== 'release') client.release()
      }
    })
  })

  it('moves between databases while it reads, and not once its session may be remembered', async () => {
    await router.scope(async () => {
      const client = db.connect()
      expect(await client.query('SELECT 1 FROM t_here')).toBe('default:replica-1')
      expect(await client.query('SELECT 1 FROM t_user')).toBe('users:replica-1')
      expect(await client.query('DELETE FROM t_user')).toBe('users:primary')
      expect(await client.query('SELECT 1'), 'what names no table stays').toBe('users:primary')
      await expect(client.query('DELETE FROM t_here')).rejects.toMatchObject({ code: 'ERR_CROSS_DATABASE' })
      await client.query('BEGIN')
      expect(await client.query('DELETE FROM t_user')).toBe('users:primary')
      await expect(client.query('SELECT 1 FROM t_here')).rejects.toMatchObject({ code: 'ERR_CROSS_DATABASE' })
      client.release()
    })
  })

  it('closes a replica’s connection whose session it has changed', async () => {
    await router.scope(async () => {
      const client = db.connect()
      for (const sql of ['BEGIN READ ONLY', 'SET default_transaction_read_only = off', 'COMMIT']) {
        expect(await client.query(sql)).toBe('default:replica-1')
      }
      client.release()
    })
    await settled()
    expect(replica()).toMatchObject({ borrowed: 0, closedWith: [new Error('Its session was changed')] })
  })

  it('refuses statements after its release', async () => {
    const client = db.connect()
    client.release()
    await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })

  it('moves once for several statements that the replica refuses, whatever their order', async () => {
    replica().answer = async (sql) => {
      await turns(sql.includes('2') ? 6 : 3)
      return refuse()
    }
    await router.scope(async () => {
      const client = db.connect()
      const both = await Promise.all([client.query('SELECT hidden(1)'), client.query('SELECT hidden(2)')])
      expect(both).toEqual(['default:primary', 'default:primary'])
      expect(primary().borrowed).toBe(1)
      client.release()
    })
    await settled()
    expect([primary().borrowed, replica().borrowed]).toEqual([0, 0])
  })

  it.each([0, 1])(
    'gives everything back when it is released %i turns after statements that are not awaited',
    async (n) => {
      replica().answer = async (sql) => {
        await turns(4)
        if (sql.includes('hidden')) refuse()
        await turns(8)
      }
      await router.scope(async () => {
        const client = db.connect()
        const sent = [client.query('SELECT hidden()'), client.query('SELECT slow()')]
        await turns(n)
        client.release()
        await Promise.all(sent)
      })
      await turns(2)
      expect([primary().borrowed, replica().borrowed]).toEqual([0, 0])
    },
  )

  it('closes its connection at once when it is released with an error, though a statement hangs there', async () => {
    replica().answer = () => new Promise(() => undefined)
    const hung = new Error('hung')
    await router.scope(async () => {
      const client = db.connect()
      void client.query('SELECT hang()')
      await turns(2)
      const waiting = client.query('INSERT INTO t VALUES (1)')
      await turns(2)
      client.release(hung)
      expect(replica()).toMatchObject({ borrowed: 0, closedWith: [hung] })
      void waiting.catch(() => undefined)
    })
  })

  it('gives its connection back when a statement fails', async () => {
    primary().answer = () => {
      throw new FakeError('other')
    }
    const client = db.connect()
    await client.query('DELETE FROM t').catch(() => undefined)
    client.release()
    await settled()
    expect(primary().borrowed).toBe(0)
  })
})

describe('router.transaction', () => {
  const statements = (): string[] => primary().statements

  it('commits what returns', async () => {
    expect(await router.transaction(() => 7)).toBe(7)
    expect(statements()).toEqual(['BEGIN', 'COMMIT'])
    expect(primary()).toMatchObject({ borrowed: 0, closedWith: [] })
  })

  it('rolls back what throws, and throws the same', async () => {
    const error = new Error('no')
    await expect(router.transaction(() => Promise.reject(error))).rejects.toBe(error)
    await expect(
      router.transaction(() => {
        throw error
      }),
    ).rejects.toBe(error)
    expect(statements()).toEqual(['BEGIN', 'ROLLBACK', 'BEGIN', 'ROLLBACK'])
    expect(primary()).toMatchObject({ borrowed: 0, closedWith: [] })
  })

  it('closes the connection when ROLLBACK fails, and still throws what the callback threw', async () => {
    const lost = new FakeError('connection')
    primary().answer = (sql) => {
      if (sql === 'ROLLBACK') throw lost
    }
    await expect(router.transaction(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(primary()).toMatchObject({ borrowed: 0, closedWith: [lost] })
  })

  it('closes the connection when BEGIN fails', async () => {
    const bad = new FakeError('other')
    primary().answer = () => {
      throw bad
    }
    await expect(router.transaction(() => 1)).rejects.toBe(bad)
    expect(primary()).toMatchObject({ borrowed: 0, closedWith: [bad] })
    expect(router.explain('SELECT 1').rule, 'the scope has no transaction open').toBe('read')
  })

  it('names the outcome unknown when the connection is lost during COMMIT', async () => {
    const lost = new FakeError('connection')
    primary().answer = (sql) => {
      if (sql === 'COMMIT') throw lost
    }
    await expect(router.transaction(() => 1)).rejects.toMatchObject({
      code: 'ERR_OUTCOME_UNKNOWN',
      cause: lost,
    })
    expect(statements(), 'nothing is sent again').toEqual(['BEGIN', 'COMMIT'])
    expect(primary().closedWith).toHaveLength(1)
  })

  it('knows the outcome when the connection was lost before COMMIT could be sent', async () => {
    const gone = new FakeError('unsent')
    primary().answer = (sql) => {
      if (sql === 'COMMIT') throw gone
    }
    await expect(router.transaction(() => 1)).rejects.toMatchObject({
      code: 'ERR_TRANSACTION_ABORTED',
      cause: gone,
    })
    expect(primary().closedWith).toHaveLength(1)
  })

  it('throws an ordinary error of COMMIT as it is', async () => {
    const deferred = new FakeError('other')
    primary().answer = (sql) => {
      if (sql === 'COMMIT') throw deferred
    }
    await expect(router.transaction(() => 1)).rejects.toBe(deferred)
  })

  it('says so when the server answers COMMIT with ROLLBACK', async () => {
    primary().answer = (sql) => (sql === 'COMMIT' ? 'ROLLBACK' : undefined)
    await expect(router.transaction(() => 1)).rejects.toMatchObject({ code: 'ERR_TRANSACTION_ABORTED' })
  })

  it('runs nested ones as savepoints, one after the other', async () => {
    await router.transaction(async () => {
      await Promise.allSettled([
        router.transaction(() => db.query('DELETE FROM a')),
        router.transaction(async () => {
          await db.query('DELETE FROM b')
          throw new Error('no')
        }),
        router.transaction(() => router.transaction(() => db.query('DELETE FROM c'))),
      ])
    })
    expect(statements()).toEqual([
      'BEGIN',
      ...['SAVEPOINT splitpool_1', 'DELETE FROM a', 'RELEASE SAVEPOINT splitpool_1'],
      ...['SAVEPOINT splitpool_1', 'DELETE FROM b', 'ROLLBACK TO SAVEPOINT splitpool_1'],
      ...['SAVEPOINT splitpool_1', 'SAVEPOINT splitpool_2', 'DELETE FROM c'],
      ...['RELEASE SAVEPOINT splitpool_2', 'RELEASE SAVEPOINT splitpool_1'],
      'COMMIT',
    ])
  })

  it('keeps a statement of the outer level out of a savepoint that is open beside it', async () => {
    await router.transaction(async (tx) => {
      const nested = router.transaction(async () => {
        await db.query('DELETE FROM inner_1')
        await turns(3)
        await db.query('DELETE FROM inner_2')
        throw new Error('no')
      })
      await turns(1)
      await Promise.allSettled([nested, (tx as FakePool).query('DELETE FROM outer_1')])
    })
    expect(statements()).toEqual([
      'BEGIN',
      ...[
        'SAVEPOINT splitpool_1',
        'DELETE FROM inner_1',
        'DELETE FROM inner_2',
        'ROLLBACK TO SAVEPOINT splitpool_1',
      ],
      ...['DELETE FROM outer_1', 'COMMIT'],
    ])
  })

  it('lets a nested one use the client of the outer one', async () => {
    await router.transaction(async (tx) => {
      await router.transaction(() => (tx as FakePool).query('DELETE FROM a'))
    })
    expect(statements()).toEqual([
      ...['BEGIN', 'SAVEPOINT splitpool_1', 'DELETE FROM a', 'RELEASE SAVEPOINT splitpool_1', 'COMMIT'],
    ])
  })

  it('goes back to the savepoint when it cannot be released, and the outer one goes on', async () => {
    primary().answer = (sql) => {
      if (sql.startsWith('RELEASE')) throw new FakeError('other')
    }
    await router.transaction(async () => {
      await expect(router.transaction(() => 1)).rejects.toMatchObject({ code: 'ERR_TRANSACTION_ABORTED' })
      await db.query('DELETE FROM after')
    })
    expect(statements().slice(-3)).toEqual([
      'ROLLBACK TO SAVEPOINT splitpool_1',
      'DELETE FROM after',
      'COMMIT',
    ])
  })

  it('sends nothing more once the server has rolled all of it back', async () => {
    primary().answer = (sql) => {
      if (sql.includes('deadlock')) throw new FakeError('rolled-back')
    }
    const run = router.transaction(async () => {
      await db.query('DELETE FROM first')
      await router.transaction(() => db.query('DELETE FROM deadlock')).catch(() => undefined)
      await db.query('DELETE FROM second').catch(() => undefined)
    })
    await expect(run).rejects.toMatchObject({
      code: 'ERR_TRANSACTION_ABORTED',
      cause: { errorClass: 'rolled-back' },
    })
    expect(statements()).not.toContain('DELETE FROM second')
    expect(statements()).not.toContain('COMMIT')
    expect(statements().at(-1)).toBe('ROLLBACK')
  })

  it.each(['COMMIT', 'ROLLBACK', 'BEGIN'])('refuses %s of its own', async (sql) => {
    const run = router.transaction(() => db.query(sql))
    await expect(run).rejects.toMatchObject({ code: 'ERR_TRANSACTION_CONTROL' })
    expect(statements()).toEqual(['BEGIN', 'ROLLBACK'])
  })

  it('forgets the transactions that started it and have ended', async () => {
    let later: Promise<unknown> | undefined
    await router.transaction(() => {
      later = turns(2).then(() => router.transaction(() => router.explain('SELECT 1').rule))
    })
    expect(await later).toBe('transaction')
    expect(statements()).toEqual(['BEGIN', 'COMMIT', 'BEGIN', 'COMMIT'])
  })

  it('waits for nested ones that nobody awaits before it commits', async () => {
    await router.transaction(() => {
      void router.transaction(() => db.query('DELETE FROM late'))
    })
    expect(statements().at(-1)).toBe('COMMIT')
    expect(statements()).toContain('DELETE FROM late')
  })

  it('of another database is another transaction', async () => {
    await router.transaction(async () => {
      await router.transaction(
        async () => {
          await db.query('DELETE FROM here')
          await db.query('DELETE FROM t_user')
        },
        { alias: 'users' },
      )
    })
    expect(statements()).toEqual(['BEGIN', 'DELETE FROM here', 'COMMIT'])
    expect(node('users:primary').statements).toEqual(['BEGIN', 'DELETE FROM t_user', 'COMMIT'])
  })

  it('refuses a statement through its client once it has ended', async () => {
    const escaped = await router.transaction((tx) => tx as FakePool)
    await expect(escaped.query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_TRANSACTION_CLOSED' })
    expect(statements()).toEqual(['BEGIN', 'COMMIT'])
  })

  it('refuses a statement of another database', async () => {
    const run = router.transaction((tx) => (tx as FakePool).query('DELETE FROM t_user'))
    await expect(run).rejects.toMatchObject({ code: 'ERR_CROSS_DATABASE' })
    expect(statements()).toEqual(['BEGIN', 'ROLLBACK'])
  })

  it('lets the pool be used as ever by what outlives it', async () => {
    let later: Promise<unknown> | undefined
    await router.scope(async () => {
      await router.transaction(() => {
        later = new Promise((resolve) => setImmediate(resolve)).then(() => db.query('SELECT 1'))
      })
    })
    expect(await later).toBe('default:replica-1')
  })

  it('takes its alias from the frame', async () => {
    await router.using('users', () => router.transaction(() => 1))
    expect(node('users:primary').statements).toEqual(['BEGIN', 'COMMIT'])
  })

  it.each([
    [{ alias: 'nowhere' }, 'ERR_UNKNOWN_ALIAS', 'nowhere'],
    [
      { isolationLevel: 'serializable; DROP TABLE t' },
      'ERR_INVALID_OPTION',
      'options.isolationLevel: expected one of',
    ],
    [{ readOnly: 'yes' }, 'ERR_INVALID_OPTION', 'options.readOnly: expected true or false, got "yes"'],
    [{ readonly: true }, 'ERR_INVALID_OPTION', 'options.readonly: unknown option'],
  ])('refuses the options %j', async (options, code, message) => {
    const run = router.transaction(() => 1, options as never)
    await expect(run).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string })
    expect(statements()).toEqual([])
  })

  it.each([
    [{ readOnly: false }, 'cannot write'],
    [{ isolationLevel: 'serializable' }, 'savepoint of the outer one'],
  ] as const)('refuses the options %j inside a read-only one', async (options, message) => {
    const run = router.transaction(() => router.transaction(() => 1, options), { readOnly: true })
    await expect(run).rejects.toMatchObject({
      code: 'ERR_TRANSACTION_OPTIONS',
      message: expect.stringContaining(message) as string,
    })
  })
})

describe('scopes', () => {
  it('keep their own pins and writes, however they interleave', async () => {
    const many = createRouter({ databases: { default: fakeDatabase(nodes, { replicas: [{}, {}, {}] }) } })
    const pool: FakePool = many.pool()
    const runs = Array.from({ length: 60 }, (_, index) =>
      many.scope(async () => {
        const seen: unknown[] = []
        for (let turn = 0; turn < 5; turn++) {
          seen.push(await pool.query('SELECT 1'))
          await new Promise((resolve) => setImmediate(resolve))
        }
        if (index % 3 === 0) {
          await pool.query('DELETE FROM t')
          seen.push('wrote', await pool.query('SELECT 1'))
        }
        return seen
      }),
    )
    for (const [index, seen] of (await Promise.all(runs)).entries()) {
      const reads = seen.slice(0, 5)
      expect(new Set(reads).size).toBe(1)
      expect(reads[0]).toMatch(/replica/)
      expect(seen.slice(5)).toEqual(index % 3 === 0 ? ['wrote', 'default:primary'] : [])
    }
  })

  it('inside scopes are scopes of their own', async () => {
    await router.scope(async () => {
      await db.query('DELETE FROM t')
      expect(await router.scope(() => db.query('SELECT 1'))).toBe('default:replica-1')
      expect(await db.query('SELECT 1')).toBe('default:primary')
    })
  })

  it('are restored after an exception, at any depth', async () => {
    await router.scope(async () => {
      const deep = (level: number): Promise<unknown> =>
        router.primary(async () => {
          if (level === 0) throw new Error('deep')
          await deep(level - 1)
        })
      await expect(deep(20)).rejects.toThrow('deep')
      expect(() =>
        router.primary(() => {
          throw new Error('at once')
        }),
      ).toThrow('at once')
      expect(await db.query('SELECT 1')).toBe('default:replica-1')
    })
  })

  it('may be outlived by what was started in them', async () => {
    let later: Promise<unknown> | undefined
    await router.scope(async () => {
      await db.query('DELETE FROM t')
      later = new Promise((resolve) => setImmediate(resolve)).then(() => db.query('SELECT 1'))
    })
    expect(await later, 'it still knows what the scope wrote').toBe('default:primary')
  })
})

describe('a query that runs when it is awaited', () => {
  /** As those of Prisma, Knex and Drizzle do. */
  function lazily(sql: string): PromiseLike<unknown> {
    return {
      then: (done, failed) => db.query(sql).then(done, failed),
    }
  }

  it('runs inside what it was returned from', async () => {
    expect(await router.primary(() => lazily('SELECT 1'))).toBe('default:primary')
    expect(await router.using('users', () => lazily('SELECT 1'))).toBe('users:replica-1')
    await router.transaction(() => lazily('INSERT INTO t VALUES (1)') as Promise<unknown>)
    expect(primary().statements).toEqual(['SELECT 1', 'BEGIN', 'INSERT INTO t VALUES (1)', 'COMMIT'])
  })

  it('runs in the scope it was returned from, and leaves the one outside alone', async () => {
    await router.scope(async () => {
      await router.scope(() => lazily('INSERT INTO t VALUES (1)'))
      expect(await db.query('SELECT 1')).toBe('default:replica-1')
    })
  })

  it('fails as it would have failed', async () => {
    primary().answer = () => {
      throw new FakeError('other')
    }
    await expect(router.primary(() => lazily('SELECT 1'))).rejects.toThrow('fake other error')
  })

  it('is not what mysql2 gives, which is under way, and has a then that throws', () => {
    const command = { then: failing, catch: failing }
    expect(router.scope(() => command)).toBe(command)
    function failing(): never {
      throw new Error('not a promise')
    }
  })
})

describe('balancers', () => {
  it('are asked once per scope, and what they answer is checked', async () => {
    let asked = 0
    const custom = createRouter({
      databases: { default: fakeDatabase(nodes) },
      balancer: {
        pick: (candidates) => {
          asked++
          return asked === 1 ? candidates[1]! : ({ id: 'elsewhere' } as never)
        },
      },
    })
    const pool: FakePool = custom.pool()
    await custom.scope(async () => {
      expect(await pool.query('SELECT 1')).toBe('default:replica-2')
      expect(await pool.query('SELECT 1')).toBe('default:replica-2')
    })
    await expect(custom.scope(() => pool.query('SELECT 1'))).rejects.toMatchObject({ code: 'ERR_BALANCER' })
  })

  it('of a database come before the router’s', () => {
    const last = { pick: <T>(candidates: readonly T[]) => candidates.at(-1)! }
    const custom = createRouter({
      databases: { default: fakeDatabase(nodes, { balancer: last }) },
      balancer: { pick: ([first]) => first! },
    })
    expect(custom.explain('SELECT 1').nodeId).toBe('default:replica-2')
  })
})

describe('router.close', () => {
  it('refuses what comes after', async () => {
    await router.close()
    await router.close()
    await expect(db.query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(() => router.explain('SELECT 1')).toThrow('closed')
  })
})

/** Lets the steps of a release run. */
async function settled(): Promise<void> {
  await turns(1)
}

/** Turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('a client that is borrowed inside a transaction', () => {
  it('joins it, and takes and gives back no connection', async () => {
    await router.scope(() =>
      router.transaction(async () => {
        const client = db.connect()
        await client.query('SELECT 1')
        await client.query('INSERT INTO t VALUES (1)')
        expect([primary().borrowed, replica().borrowed]).toEqual([1, 0])
        client.release()
        expect(primary().borrowed).toBe(1)
      }),
    )
    expect(primary().statements).toEqual(['BEGIN', 'SELECT 1', 'INSERT INTO t VALUES (1)', 'COMMIT'])
  })

  it('waits for a nested one, so as not to be rolled back with it', async () => {
    await router.transaction(async () => {
      const client = db.connect()
      const nested = router.transaction(async () => {
        await db.query('INSERT INTO inner_t VALUES (1)')
      })
      await client.query('INSERT INTO outer_t VALUES (1)')
      await nested
      client.release()
    })
    expect(primary().statements).toEqual([
      'BEGIN',
      'SAVEPOINT splitpool_1',
      'INSERT INTO inner_t VALUES (1)',
      'RELEASE SAVEPOINT splitpool_1',
      'INSERT INTO outer_t VALUES (1)',
      'COMMIT',
    ])
  })

  it('has a connection of its own once it has opened a transaction itself', async () => {
    await router.transaction(async () => {
      const client = db.connect()
      await client.query('BEGIN')
      await client.query('INSERT INTO own VALUES (1)')
      expect(primary().borrowed).toBe(2)
      await client.query('COMMIT')
      client.release()
    })
    expect(primary().borrowed).toBe(0)
  })

  it('keeps its own transaction when nothing is awaited', async () => {
    await router.transaction(async () => {
      const client = db.connect()
      await Promise.all(['BEGIN', 'INSERT INTO own VALUES (1)', 'COMMIT'].map((sql) => client.query(sql)))
      client.release()
    })
    expect(primary().statements.filter((sql) => sql !== 'INSERT INTO own VALUES (1)')).toEqual([
      'BEGIN',
      'BEGIN',
      'COMMIT',
      'COMMIT',
    ])
    expect(primary().borrowed).toBe(0)
  })

  it('has a connection of its own for what MySQL keeps for the transaction it opens', async () => {
    nodes = new Map()
    router = createRouter({
      databases: { default: fakeDatabase(nodes, { dialect: 'mysql', replicas: [{}] }) },
    })
    await router.transaction(async () => {
      const client = (router.pool() as FakePool).connect()
      for (const sql of ['SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'BEGIN', 'COMMIT'])
        await client.query(sql)
      expect(primary().borrowed).toBe(2)
      client.release()
    })
  })

  it('keeps nothing of a BEGIN that failed', async () => {
    primary().answer = () => {
      throw new FakeError('other')
    }
    await router.scope(async () => {
      const client = db.connect()
      await expect(client.query('BEGIN')).rejects.toThrow('other')
      expect(router.explain('SELECT 1').rule).toBe('read')
      client.release()
    })
  })

  it('keeps the connection it had before', async () => {
    await router.scope(async () => {
      const client = db.connect()
      await client.query('INSERT INTO before_t VALUES (1)')
      await router.transaction(async () => {
        await client.query('INSERT INTO t VALUES (1)')
        expect(primary().borrowed).toBe(2)
      })
      client.release()
    })
  })
})
