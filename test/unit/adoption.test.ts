import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRouter, type Router, type RouterOptions, type ScopeAttributes, type ScopeKey } from '../../src'
import { Rollout } from '../../src/routing/rollout'
import {
  FakeError,
  fakeDatabase,
  type FakeNode,
  type FakeOptions,
  type FakePool,
} from '../../src/testing/fake-database'
import { seededRandom } from '../conformance/seeded-random'
import { decisionsOf } from './decisions-of'

interface Made {
  readonly router: Router
  readonly nodes: Map<string, FakeNode>
  readonly query: (sql: string) => Promise<unknown>
}

function made(options: Partial<RouterOptions> = {}, database: FakeOptions = {}): Made {
  const nodes = new Map<string, FakeNode>()
  const router: Router = createRouter({
    databases: { default: fakeDatabase(nodes, database), users: fakeDatabase(nodes) },
    random: seededRandom(5),
    ...options,
  })
  return { router, nodes, query: (sql) => (router.pool('default') as FakePool).query(sql) }
}

/** The statements that replicas got. */
function onReplicas(nodes: ReadonlyMap<string, FakeNode>): string[] {
  return [...nodes.values()]
    .filter(({ id }) => !id.endsWith(':primary'))
    .flatMap(({ statements }) => statements)
}

describe('reads', () => {
  const models = {
    User: { table: 't_user', bind: 'users' },
    Ledger: { table: 'ledger', reads: 'primary' },
    Report: { table: 'report', reads: 'replica' },
  } as const

  it('of the router holds for every database, unless one has its own', async () => {
    const { query } = made({ reads: 'primary', models })
    expect(await query('SELECT 1')).toBe('default:primary')
    expect(await query('SELECT * FROM t_user')).toBe('users:primary')
    const mixed = made({ reads: 'primary', models }, { reads: 'replica' })
    expect(await mixed.query('SELECT 1')).toMatch(/^default:replica/)
    expect(await mixed.query('SELECT * FROM t_user')).toBe('users:primary')
  })

  it('of a model comes before its database’s, both ways', async () => {
    const closed = made({ models }, { reads: 'primary' })
    expect(await closed.query('SELECT * FROM report')).toMatch(/^default:replica/)
    expect(await closed.query('SELECT 1')).toBe('default:primary')
    expect(await made({ models }).query('SELECT * FROM ledger')).toBe('default:primary')
  })

  it('of a scope or a frame opens replicas for it alone', async () => {
    const { router, query } = made({ reads: 'primary' })
    expect(await router.scope(() => query('SELECT 1'), { reads: 'prefer-replica' })).toMatch(/replica/)
    await router.scope(async () => {
      expect(await router.with({ reads: 'replica' }, () => query('SELECT 1'))).toMatch(/replica/)
      expect(await query('SELECT 1')).toBe('default:primary')
    })
  })
})

describe(`reads: 'primary' and a router of the chain that names a node`, () => {
  const models = { Ledger: { table: 'ledger', reads: 'primary' }, Report: { table: 'report' } } as const
  const chained = (answer: string, options: Partial<RouterOptions> = {}): Made =>
    made({ models, routers: [{ dbForRead: () => answer }], ...options })

  it.each(['users:replica', 'users:replica-1'])(
    'of a model, a scope or a frame keeps reads from %s',
    async (answer) => {
      const { router, query } = chained(answer)
      expect(router.explain('SELECT * FROM ledger')).toMatchObject({
        nodeId: 'users:primary',
        rule: 'read-preference',
        databaseRule: 'router-chain',
      })
      const report = (): Promise<unknown> => query('SELECT * FROM report')
      expect(await report()).toMatch(/^users:replica/)
      expect(await router.with({ reads: 'primary' }, report)).toBe('users:primary')
      expect(await router.scope(report, { reads: 'primary' })).toBe('users:primary')
      const closer = router.with({ reads: 'replica' }, () => query('SELECT * FROM ledger'))
      expect(await closer).toBe('users:primary')
    },
  )

  it('gives way where it is the database’s or the router’s, and for any other word', async () => {
    const { router, query } = chained('users:replica-1', { reads: 'primary' })
    const report = (): Promise<unknown> => query('SELECT * FROM report')
    expect(await report()).toBe('users:replica-1')
    expect(await router.with({ reads: 'prefer-primary' }, report)).toBe('users:replica-1')
  })

  it('agrees with a router that names the primary, by its rule', () => {
    const { router } = chained('users:primary')
    expect(router.explain('SELECT * FROM ledger').rule).toBe('router-chain')
  })
})

describe(`mode: 'shadow'`, () => {
  const models = { User: { table: 't_user', bind: 'users' }, Article: { table: 'article' } }
  const shadow = (database: FakeOptions = {}, options: Partial<RouterOptions> = {}): Made =>
    made({ mode: 'shadow', models, ...options }, database)

  it('sends everything to the primary, whoever asks for a replica', async () => {
    const { router, nodes, query } = shadow()
    await router.scope(async () => {
      await query('SELECT 1')
      await query('SELECT * FROM t_user')
      await router.with({ reads: 'replica' }, () => query('SELECT 2'))
      await router.using('default:replica-2', () => query('SELECT 3'))
      await (router.pool('users:replica-1') as FakePool).query('SELECT 4')
      await router.transaction(() => query('SELECT 5'), { readOnly: true })
      const client = (router.pool('default') as FakePool).connect()
      for (const sql of ['BEGIN READ ONLY', 'SELECT 6', 'COMMIT', 'SELECT 7']) await client.query(sql)
      client.release()
      const kept = (router.pool('default') as FakePool).keep()
      for (const sql of ['BEGIN READ ONLY', 'SELECT 6', 'COMMIT', 'SELECT 7']) await kept.query(sql)
      kept.release()
      await query('DELETE FROM article')
      await query('SELECT 8')
    })
    expect(onReplicas(nodes)).toEqual([])
  })

  it('holds back every read of a borrowed client, until one that would have stayed on the primary', async () => {
    const { router } = shadow()
    const rules = await router.scope(() =>
      decisionsOf(async () => {
        const client = (router.pool('default') as FakePool).connect()
        for (const sql of ['SELECT 1', 'SELECT 2', 'DELETE FROM article', 'SELECT 3']) await client.query(sql)
        client.release()
      }),
    )
    expect(rules.map(({ rule }) => rule)).toEqual(['shadow', 'shadow', 'not-a-read', 'lease'])
  })

  it('says in the decision where the statement would have gone, and by which rule', async () => {
    const { router, query } = shadow({ balancer: { pick: (candidates) => candidates[1]! } })
    const expected = {
      alias: 'default',
      role: 'primary',
      nodeId: 'default:primary',
      rule: 'shadow',
      reason: `would have gone to default:replica-2 by rule 'read' (plain SELECT)`,
    }
    expect(router.explain('SELECT 1')).toMatchObject(expected)
    expect(await decisionsOf(() => query('SELECT 1'))).toEqual([expect.objectContaining(expected)])
    const preferred = router.with({ reads: 'replica' }, () => router.explain('SELECT 1').reason)
    expect(preferred).toBe(
      `would have gone to default:replica-2 by rule 'read-preference' (reads: 'replica')`,
    )
  })

  it('leaves decisions alone that are the primary’s anyway', async () => {
    const { router, query } = shadow()
    expect(router.explain('DELETE FROM article').rule).toBe('not-a-read')
    expect(router.primary(() => router.explain('SELECT 1').rule)).toBe('frame')
    await query('DELETE FROM article')
    expect(router.explain('SELECT 1').rule).toBe('own-writes')
    expect(router.shadow()).toEqual({ count: 0, models: [], statements: [] })
  })

  it('lists what would have moved by model and by statement, what came most often first', async () => {
    const { router, query } = shadow()
    for (const sql of ['SELECT 1', 'SELECT * FROM t_user', 'SELECT * FROM t_user', 'SELECT id FROM t_user'])
      await query(sql)
    await query('INSERT INTO t_user VALUES (1)')
    const { count, models: byModel, statements } = router.shadow()
    expect(count).toBe(4)
    expect(router.stats().rules).toMatchObject({ shadow: 4 })
    expect(byModel).toEqual([
      { alias: 'users', model: 'User', count: 3 },
      { alias: 'default', model: null, count: 1 },
    ])
    expect(statements).toMatchObject([
      { alias: 'users', model: 'User', sql: 'SELECT * FROM t_user', count: 2 },
      { alias: 'users', model: 'User', sql: 'SELECT id FROM t_user', count: 1 },
      { alias: 'default', model: null, sql: 'SELECT 1', count: 1 },
    ])
    expect(statements[0]?.reason).toMatch(/^would have gone to users:replica-\d by rule 'read'/)
  })

  it('does not count what is only explained', () => {
    const { router } = shadow()
    router.explain('SELECT 1')
    expect(router.shadow().count).toBe(0)
  })

  it('keeps no text that may hold a password, and counts it', async () => {
    const { router, query } = shadow()
    const sql = `/* splitpool: default:replica-1 */ ALTER USER app PASSWORD 'sekret'`
    await query(sql)
    expect(router.shadow()).toMatchObject({ count: 1, statements: [] })
    expect(JSON.stringify(router.shadow())).not.toContain('sekret')
  })

  it('keeps the thousand texts that were seen last', async () => {
    const { router, query } = shadow()
    for (let value = 0; value < 1200; value++) await query(`SELECT ${value}`)
    const { count, statements } = router.shadow()
    expect(count).toBe(1200)
    expect(statements).toHaveLength(1000)
    expect(statements.map(({ sql }) => sql)).toContain('SELECT 1199')
    expect(statements.map(({ sql }) => sql)).not.toContain('SELECT 199')
  })

  it('gives a copy', async () => {
    const { router, query } = shadow()
    await query('SELECT 1')
    const before = router.shadow()
    await query('SELECT 1')
    expect(before).toMatchObject({ count: 1, models: [{ count: 1 }], statements: [{ count: 1 }] })
  })

  it('fails nothing that would fail without it: the decision says so instead', async () => {
    const broken = {
      pick: (): never => {
        throw new Error('own')
      },
    }
    const { router, query } = shadow({ balancer: broken })
    expect(await query('SELECT 1')).toBe('default:primary')
    expect(router.explain('SELECT 1')).toMatchObject({ rule: 'shadow', reason: 'would have failed: own' })
    const none = shadow({ replicas: [], reads: 'replica' })
    expect(await none.query('SELECT 1')).toBe('default:primary')
    expect(none.router.shadow().statements[0]?.reason).toMatch(/^would have failed: default has no replica/)
  })

  it.each<[string, string, ScopeKey]>([
    [
      'throws',
      'no session',
      () => {
        throw new Error('no session')
      },
    ],
    [
      'gives none',
      'The key of rollout must be a string, a number, or nothing; its function gave an object',
      () => ({}),
    ],
  ])('nor what a rollout whose key %s would fail', async (_how, why, key) => {
    const { router, nodes, query } = shadow({}, { rollout: { share: 0.5, key } })
    const reason = `would have failed: ${why}`
    expect(router.explain('SELECT 1')).toMatchObject({ role: 'primary', rule: 'shadow', reason })
    expect(await query('SELECT 1')).toBe('default:primary')
    const client = (router.pool('default') as FakePool).connect()
    await client.query('SELECT 2')
    client.release()
    await router.transaction(() => query('SELECT 3'), { readOnly: true })
    expect(onReplicas(nodes)).toEqual([])
    expect(router.shadow().statements.map((each) => [each.sql, each.reason])).toEqual(
      expect.arrayContaining([
        ['SELECT 1', reason],
        ['SELECT 2', reason],
      ]),
    )
  })

  it('is off by default, and splits when it is said to', async () => {
    for (const options of [{}, { mode: 'split' } as const]) {
      const { router, query } = made(options)
      expect(await query('SELECT 1')).toMatch(/replica/)
      expect(router.shadow().count).toBe(0)
    }
  })

  it.each(['route', '', null, true])('refuses %o', (mode) => {
    expect(() => made({ mode: mode as 'split' })).toThrow(/^mode: expected one of 'split', 'shadow', got/)
  })
})

describe('rollout', () => {
  const share = async (there: Made, scopes: number): Promise<number> => {
    let moved = 0
    for (let scope = 0; scope < scopes; scope++) {
      if (/replica/.test((await there.router.scope(() => there.query('SELECT 1'))) as string)) moved++
    }
    return moved / scopes
  }

  it.each([0, 0.1, 0.5, 1])('lets reads of a share of %d of the scopes go to replicas', async (rollout) => {
    const found = await share(made({ rollout }), 3000)
    expect(found).toBeCloseTo(rollout, rollout % 1 === 0 ? 10 : 1)
  })

  it.each([0, 1])('of a share of %d asks for no key', async (share) => {
    let asked = 0
    const { query } = made({ rollout: { share, key: () => asked++ } })
    expect(await query('SELECT 1')).toMatch(share === 0 ? /primary/ : /replica/)
    expect(asked).toBe(0)
  })

  it('says so, by a rule of its own', () => {
    const { router } = made({ rollout: 0 })
    expect(router.explain('SELECT 1')).toMatchObject({
      role: 'primary',
      rule: 'rollout',
      reason: 'the scope is not in the rollout, whose share is 0',
    })
  })

  it('is drawn once for a scope', () => {
    const { router } = made({ rollout: 0.5 })
    for (let scope = 0; scope < 50; scope++) {
      router.scope(() => {
        const roles = Array.from({ length: 10 }, () => router.explain('SELECT 1').role)
        expect(new Set(roles).size).toBe(1)
      })
    }
  })

  it('by key is the same for a user in every scope and router', () => {
    const rollout = { share: 0.3, key: (scope: ScopeAttributes) => scope['userId'] }
    const one = made({ rollout })
    const other = made({ rollout, random: seededRandom(99) })
    let moved = 0
    for (let userId = 0; userId < 500; userId++) {
      const roles = [one, one, other].map(({ router }) =>
        router.scope(() => router.explain('SELECT 1').role, { attributes: { userId } }),
      )
      expect(new Set(roles).size).toBe(1)
      if (roles[0] === 'replica') moved++
    }
    expect(moved / 500).toBeCloseTo(0.3, 1)
  })

  it('that grows keeps all who were in', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(share, share, fc.string(), (one, other, key) => {
        const scope = { attributes: { key } }
        const at = (size: number): boolean =>
          new Rollout(
            size,
            (attributes) => attributes['key'],
            () => 0,
          ).includes(scope)
        if (at(Math.min(one, other))) expect(at(Math.max(one, other))).toBe(true)
        expect([at(0), at(1)]).toEqual([false, true])
      }),
    )
  })

  it('goes by chance while the key is not known, and by the key from then on', () => {
    const attributes: { userId?: string } = {}
    const draws = [0.9, 0.1]
    const rollout = new Rollout(
      0.5,
      ({ userId }) => userId,
      () => draws.shift()!,
    )
    const scopes = [{ attributes }, { attributes }]
    const included = (): boolean[] => scopes.map((scope) => rollout.includes(scope))
    expect(included()).toEqual([false, true])
    expect(included()).toEqual([false, true])
    attributes.userId = 'ann'
    expect(new Set(included()).size).toBe(1)
  })

  it('is beaten by what names a node, not by preferences, chains or models', async () => {
    const { router, query } = made({
      rollout: 0,
      models: { Report: { table: 'report', reads: 'replica' } },
      routers: [{ dbForRead: (model) => (model.table === 'chained' ? 'users:replica-2' : null) }],
    })
    expect(await router.using('default:replica-2', () => query('SELECT 1'))).toBe('default:replica-2')
    expect(router.explain('SELECT 1', { alias: 'users:replica-1' })).toMatchObject({ rule: 'explicit-role' })
    expect(await query('SELECT * FROM report')).toBe('default:primary')
    expect(await query('SELECT * FROM chained')).toBe('users:primary')
    expect(await router.with({ reads: 'replica' }, () => query('SELECT 1'))).toBe('default:primary')
  })

  it('leaves what is the primary’s anyway to the rules before it', async () => {
    const { router, query } = made({ rollout: 0 })
    expect(router.explain('DELETE FROM t').rule).toBe('not-a-read')
    await query('DELETE FROM t')
    expect(router.explain('SELECT 1').rule).toBe('own-writes')
  })

  it.each([0, 1])('holds for read-only transactions: %d', async (rollout) => {
    const { router, nodes, query } = made({ rollout })
    await router.transaction(() => query('SELECT 1'), { readOnly: true })
    await query('BEGIN READ ONLY')
    expect(onReplicas(nodes).length > 0).toBe(rollout === 1)
  })

  it('and shadow: what is not rolled out would not have moved', () => {
    const { router } = made({ rollout: 0, mode: 'shadow' })
    expect(router.explain('SELECT 1').rule).toBe('rollout')
    expect(made({ rollout: 1, mode: 'shadow' }).router.explain('SELECT 1').rule).toBe('shadow')
  })

  it('with a key that is none fails by name', async () => {
    const { query } = made({ rollout: { share: 0.5, key: () => ({}) } })
    await expect(query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_KEY' })
  })

  it.each<[string, unknown]>([
    ['rollout: expected a number from 0 to 1, got -0.1', -0.1],
    ['rollout: expected a number from 0 to 1, got 1.1', 1.1],
    ['rollout: expected a number from 0 to 1, got NaN', Number.NaN],
    ['rollout: expected a number from 0 to 1, got Infinity', Infinity],
    ['rollout: expected a number from 0 to 1, or an object with share, got "0.5"', '0.5'],
    ['rollout: expected a number from 0 to 1, or an object with share, got null', null],
    ['rollout.share: expected a number from 0 to 1, got undefined', {}],
    ['rollout.share: expected a number from 0 to 1, got 10', { share: 10 }],
    ['rollout.key: expected a function of the scope, got "userId"', { share: 0.5, key: 'userId' }],
    ['rollout.keys: unknown option; expected one of share, key', { share: 0.5, keys: 1 }],
  ])('refuses: %s', (message, rollout) => {
    expect(() => made({ rollout: rollout as number })).toThrow(message)
  })
})

describe('a scope that is read only', () => {
  it('gets the refusal of a replica; nothing is sent to the primary', async () => {
    const { router, nodes, query } = made()
    const refusal = new FakeError('read-only')
    for (const node of nodes.values()) {
      if (node.id.includes('replica')) {
        node.answer = () => {
          throw refusal
        }
      }
    }
    await router.scope(
      async () => {
        await expect(query('SELECT touch()')).rejects.toBe(refusal)
      },
      { readOnly: true },
    )
    expect(nodes.get('default:primary')?.statements).toEqual([])
    expect(router.stats().refusedByReplica).toBe(0)
    expect(await query('SELECT touch()')).toBe('default:primary')
  })
})
