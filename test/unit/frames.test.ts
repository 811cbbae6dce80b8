import { describe, expect, it } from 'vitest'
import { createRouter, SplitpoolError, type FrameOptions, type Router } from '../../src'
import { fakeDatabase, type FakeNode, type FakePool } from '../../src/testing/fake-database'

function routerOf(): {
  router: Router
  nodes: Map<string, FakeNode>
  query: (sql: string) => Promise<unknown>
} {
  const nodes = new Map<string, FakeNode>()
  const router = createRouter({
    databases: { default: fakeDatabase(nodes), users: fakeDatabase(nodes) },
    models: {
      Ledger: { table: 'ledger', reads: 'primary' },
      Loose: { table: 'loose', reads: 'prefer-replica' },
    },
  }) as unknown as Router
  return { router, nodes, query: (sql) => (router.pool('default') as FakePool).query(sql) }
}

describe('frames', () => {
  it('are looked up one property at a time: an inner one that says nothing leaves it to the outer', async () => {
    const { router, query } = routerOf()
    await router.with({ alias: 'users' }, () =>
      router.with({ reads: 'primary' }, async () => {
        expect(await query('SELECT 1')).toBe('users:primary')
        expect(await router.with({ reads: 'replica' }, () => query('SELECT 1'))).toMatch(/^users:replica/)
        expect(await query('SELECT 1')).toBe('users:primary')
      }),
    )
    expect(await query('SELECT 1')).toMatch(/^default:replica/)
  })

  it('and a model: the one nearer to the primary holds', async () => {
    const { router, query } = routerOf()
    await router.with({ reads: 'replica' }, async () => {
      expect(await query('SELECT * FROM ledger')).toBe('default:primary')
      expect(await query('SELECT * FROM loose')).toMatch(/replica/)
    })
    expect(await router.with({ reads: 'primary' }, () => query('SELECT * FROM loose'))).toBe(
      'default:primary',
    )
  })

  it('of a scope hold for it alone', async () => {
    const { router, query } = routerOf()
    const [first, second] = await Promise.all([
      router.scope(() => query('SELECT 1'), { reads: 'primary' }),
      router.scope(() => query('SELECT 1'), {}),
    ])
    expect(first).toBe('default:primary')
    expect(second).toMatch(/replica/)
  })
})

describe('readOnly', () => {
  const WRITES = [
    'INSERT INTO t VALUES (1)',
    'UPDATE t SET a = 1',
    'DELETE FROM t',
    '/* why */ (SELECT 1 FROM t FOR UPDATE)',
    'WITH x AS (DELETE FROM t RETURNING 1) SELECT * FROM x',
    'EXECUTE p',
    'LOCK TABLE t',
    'SET a = 1; DELETE FROM t',
  ]
  const OTHERS = [
    'SELECT 1',
    '/* a */ (SELECT 1)',
    'EXPLAIN SELECT 1',
    'SHOW all',
    'SET a = 1',
    'FETCH c',
    'BEGIN',
    'COMMIT',
  ]

  it.each(WRITES)('refuses %s before anything is sent, and names it', async (sql) => {
    const { router, nodes, query } = routerOf()
    const error: unknown = await router
      .with({ readOnly: true }, () => query(sql))
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(SplitpoolError)
    expect(error).toMatchObject({ code: 'ERR_READ_ONLY' })
    expect((error as Error).message).toContain(sql)
    for (const node of nodes.values()) expect(node.statements).toEqual([])
  })

  it.each(OTHERS)('lets %s pass', async (sql) => {
    const { router, query } = routerOf()
    await router.with({ readOnly: true }, () => query(sql))
  })

  it('nests: writing is allowed inside, and refused again after, also after an error', async () => {
    const { router, query } = routerOf()
    const write = (): Promise<unknown> => query('DELETE FROM t')
    const refused = { code: 'ERR_READ_ONLY' }
    await router.with({ readOnly: true }, async () => {
      await router.with({ readOnly: false }, async () => {
        await write()
        await expect(router.with({ readOnly: true }, write)).rejects.toMatchObject(refused)
        await write()
      })
      await expect(write()).rejects.toMatchObject(refused)
      const failing = router.with({ readOnly: false }, () => Promise.reject(new Error('own')))
      await expect(failing).rejects.toThrow('own')
      await expect(write()).rejects.toMatchObject(refused)
    })
    await write()
  })

  it('holds inside transactions, and for their savepoints', async () => {
    const { router, query } = routerOf()
    const run = router.with({ readOnly: true }, () => router.transaction(() => query('DELETE FROM t')))
    await expect(run).rejects.toMatchObject({ code: 'ERR_READ_ONLY' })
  })
})

describe('what a frame is given', () => {
  it.each<[FrameOptions, RegExp]>([
    [{ reads: 'master' as 'primary' }, /options\.reads.*'primary'.*"master"/],
    [{ readFrom: [] }, /options\.readFrom/],
    [{ readFrom: ['*', []] }, /options\.readFrom\[1\]/],
    [{ readOnly: 1 as unknown as boolean }, /options\.readOnly/],
    [{ balancer: 'best' as 'random' }, /options\.balancer/],
    [{ alias: 'nowhere' }, /nowhere.*default, users/],
    [{ alias: 'users:replica-9' }, /users:replica-9.*users:replica-1/],
    [{ readonly: true } as FrameOptions, /options\.readonly: unknown option/],
  ])('%o is refused by name', (options, says) => {
    const { router } = routerOf()
    expect(() => router.with(options, () => 1)).toThrow(says)
    expect(() => router.scope(() => 1, options)).toThrow(says)
  })

  it('attributes that are no object are refused', () => {
    const { router } = routerOf()
    expect(() => router.scope(() => 1, { attributes: 7 as never })).toThrow(/options\.attributes/)
  })
})
