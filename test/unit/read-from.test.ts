import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { affinity, createRouter, type Balancer, type Router, type RouterOptions } from '../../src'
import { inGroup, type ReadFrom } from '../../src/routing/read-from'
import { usableFrom } from '../../src/balancing/candidates'
import type { NodeSnapshot } from '../../src/nodes/node'
import { fakeDatabase, type FakeNode, type FakeOptions, type FakePool } from '../../src/testing/fake-database'
import { seededRandom } from '../conformance/seeded-random'

interface Made {
  readonly router: Router
  readonly nodes: Map<string, FakeNode>
  readonly query: (sql: string, alias?: string) => Promise<unknown>
}

function made(database: FakeOptions, options: Partial<RouterOptions> = {}): Made {
  const nodes = new Map<string, FakeNode>()
  const router: Router = createRouter({
    databases: { default: fakeDatabase(nodes, database), users: fakeDatabase(nodes, database) },
    random: seededRandom(3),
    ...options,
  })
  return { router, nodes, query: (sql, alias = 'default') => (router.pool(alias) as FakePool).query(sql) }
}

/** Where a scope reads, for each of many scopes. */
async function places(
  { router, query }: Made,
  scopes: number,
  read = () => query('SELECT 1'),
): Promise<Record<string, number>> {
  const count: Record<string, number> = {}
  for (let scope = 0; scope < scopes; scope++) {
    const place = (await router.scope(read)) as string
    count[place] = (count[place] ?? 0) + 1
  }
  return count
}

const TAGGED: FakeOptions = {
  replicas: [
    { id: 'eu-1', tags: ['eu'] },
    { id: 'eu-2', tags: ['eu', 'reports'] },
    { id: 'us', tags: ['us', 'reports'] },
    { id: 'plain' },
  ],
}

describe('readFrom', () => {
  it.each<[ReadFrom, string[]]>([
    [['eu'], ['default:eu-1', 'default:eu-2']],
    [['reports'], ['default:eu-2', 'default:us']],
    [[['eu', 'reports']], ['default:eu-2']],
    [[['us', 'eu'], 'us'], ['default:us']],
    [
      [['us', 'eu'], '*'],
      ['default:eu-1', 'default:eu-2', 'default:us', 'default:plain'],
    ],
    [[['eu', '*']], ['default:eu-1', 'default:eu-2']],
    [['*'], ['default:eu-1', 'default:eu-2', 'default:us', 'default:plain']],
  ])('%j reads from %j', async (readFrom, expected) => {
    const there = made(TAGGED)
    const count = await places(there, 60, () =>
      there.router.with({ readFrom }, () => there.query('SELECT 1')),
    )
    expect(Object.keys(count).sort()).toEqual([...expected].sort())
  })

  it('is the frame’s, else the model’s, else the database’s, else the router’s', async () => {
    const balancer: Balancer = { pick: ([first]) => first! }
    const models = { Report: { table: 'report', readFrom: ['us'] }, Other: { table: 'other' } }
    const { router, query } = made(
      { ...TAGGED, readFrom: [['eu', 'reports']] },
      { readFrom: ['eu'], models, balancer },
    )
    expect(await query('SELECT * FROM other')).toBe('default:eu-2')
    expect(await query('SELECT * FROM report')).toBe('default:us')
    await router.with({ readFrom: [['eu', 'reports'], '*'] }, async () => {
      expect(await query('SELECT * FROM report')).toBe('default:eu-2')
      expect(await router.with({ readFrom: ['us'] }, () => query('SELECT * FROM other'))).toBe('default:us')
    })
    const plain = made(TAGGED, { readFrom: ['us'], balancer })
    expect(await plain.query('SELECT 1')).toBe('default:us')
    const inScope = plain.router.scope(() => plain.query('SELECT 1'), { readFrom: [['eu', 'reports']] })
    expect(await inScope).toBe('default:eu-2')
  })

  it('keeps one pin for each list of groups, and one for all that ask for none', async () => {
    const { router, query } = made(TAGGED)
    const wishes: (ReadFrom | null)[] = [null, ['eu'], ['reports'], ['reports', '*']]
    for (let scope = 0; scope < 30; scope++) {
      await router.scope(async () => {
        const read = (readFrom: ReadFrom | null): Promise<unknown> =>
          readFrom === null
            ? query('SELECT 1')
            : router.with({ readFrom: [...readFrom] }, () => query('SELECT 1'))
        const first = await Promise.all(wishes.map(read))
        expect(first[1]).toMatch(/^default:eu-/)
        expect(first[2]).toMatch(/^default:(eu-2|us)$/)
        for (let again = 0; again < 5; again++) expect(await Promise.all(wishes.map(read))).toEqual(first)
        expect(await read(['*', 'eu'])).toBe(first[0])
      })
    }
  })

  it('is what it was when it was given, whatever happens to the array afterwards', async () => {
    const given = (): { readonly group: string[]; readonly readFrom: string[][] } => {
      const group = ['us']
      return { group, readFrom: [group] }
    }
    const changed = ({ group, readFrom }: ReturnType<typeof given>): void => {
      group[0] = 'eu'
      readFrom.unshift(['eu'])
    }
    const [ofDatabase, ofRouter, ofModel, ofFrame, ofScope] = [given(), given(), given(), given(), given()]
    const database = made({ ...TAGGED, readFrom: ofDatabase.readFrom })
    const router = made(TAGGED, { readFrom: ofRouter.readFrom })
    const model = made(TAGGED, { models: { T: { readFrom: ofModel.readFrom } } })
    for (const each of [ofDatabase, ofRouter, ofModel]) changed(each)
    expect(await database.query('SELECT 1')).toBe('default:us')
    expect(await router.query('SELECT 1')).toBe('default:us')
    expect(await model.query('SELECT * FROM t')).toBe('default:us')

    const plain = made(TAGGED)
    const readChanged = (each: ReturnType<typeof given>) => (): unknown => {
      changed(each)
      return plain.query('SELECT 1')
    }
    expect(await plain.router.with({ readFrom: ofFrame.readFrom }, readChanged(ofFrame))).toBe('default:us')
    expect(await plain.router.scope(readChanged(ofScope), { readFrom: ofScope.readFrom })).toBe('default:us')
  })

  it('falls back to the primary when no group has a node, and says which groups', () => {
    const { router } = made(TAGGED)
    router.with({ readFrom: [['us', 'eu']] }, () => {
      expect(router.explain('SELECT 1')).toMatchObject({
        role: 'primary',
        rule: 'no-replica',
        reason: `no replica of readFrom: 'us' + 'eu' may be used`,
      })
    })
  })

  it('with reads: replica fails instead, naming the groups and the tags there are', () => {
    const { router } = made(TAGGED)
    expect(() =>
      router.with({ readFrom: [['us', 'eu']], reads: 'replica' }, () => router.explain('SELECT 1')),
    ).toThrow(
      /default has no replica of readFrom: 'us' \+ 'eu' \(its tags: 'eu', 'reports', 'us'\).*reads: 'replica'/,
    )
  })

  it('is in the reason of a read', () => {
    const { router } = made(TAGGED)
    const { reason } = router.with({ readFrom: ['us', '*'] }, () => router.explain('SELECT 1'))
    expect(reason).toBe(`plain SELECT; readFrom: 'us', '*'`)
  })

  it('narrows using(any replica) as well, and not a node that is named', async () => {
    const { router, query } = made(TAGGED)
    await router.with({ readFrom: ['us'] }, async () => {
      expect(await router.using('default:replica', () => query('SELECT 1'))).toBe('default:us')
      expect(await router.using('default:eu-1', () => query('SELECT 1'))).toBe('default:eu-1')
    })
  })

  it.each<[string, () => unknown]>([
    [
      `options.readFrom[1]: expected '*' or a tag that a node has (one of 'eu', 'reports', 'us'), got "asia"`,
      () => made(TAGGED).router.with({ readFrom: ['eu', 'asia'] }, () => 1),
    ],
    [
      `options.readFrom[0]: expected '*' or a tag`,
      () => made(TAGGED).router.scope(() => 1, { readFrom: [['eu', 'asia']] }),
    ],
    [
      `readFrom[0]: expected '*' or a tag that a node has (there is none), got "eu"`,
      () => made({}, { readFrom: ['eu'] }),
    ],
    ['readFrom: expected an array of tags', () => made(TAGGED, { readFrom: 'eu' as never })],
    ['readFrom: expected an array of tags', () => made(TAGGED, { readFrom: [] })],
    [
      'readFrom[0]: expected a tag or an array of tags, got 7',
      () => made(TAGGED, { readFrom: [7 as never] }),
    ],
    [
      `databases.default.readFrom[0]: expected '*' or a tag that a node has (one of 'eu', 'reports', 'us'), got "asia"`,
      () => made({ ...TAGGED, readFrom: ['asia'] }),
    ],
    ['databases.default.readFrom: expected an array', () => made({ ...TAGGED, readFrom: 3 as never })],
    [
      `models.Report.readFrom[0]: expected '*' or a tag`,
      () => made(TAGGED, { models: { Report: { readFrom: ['asia'] } } }),
    ],
    [
      `databases.default.replicas[0].tags: expected an array of strings, none of them empty or '*'`,
      () => made({ replicas: [{ tags: ['*'] }] }),
    ],
    ['databases.default.replicas[0].tags: expected', () => made({ replicas: [{ tags: [''] }] })],
  ])('refuses: %s', (message, make) => {
    expect(make).toThrow(message)
  })

  it('takes the first group that has a usable node, and of its nodes the usable ones', () => {
    const tag = fc.constantFrom('a', 'b', 'c')
    const node = fc.record({ tags: fc.array(tag), healthy: fc.boolean(), held: fc.boolean() })
    const group = fc.oneof(tag, fc.constant('*'), fc.array(tag, { minLength: 1 }))
    fc.assert(
      fc.property(fc.array(node), fc.array(group, { minLength: 1 }), (facts, readFrom) => {
        const nodes = facts.map((each, index): NodeSnapshot => ({
          id: `${index}`,
          role: 'replica',
          weight: 1,
          reads: true,
          ...each,
        }))
        const able = nodes.filter(({ healthy, held }) => healthy && !held)
        const groups = readFrom.map((one) => able.filter(({ tags }) => inGroup(tags, one)))
        expect(usableFrom(nodes, readFrom)).toEqual(groups.find((found) => found.length > 0) ?? [])
      }),
    )
  })
})

describe('the primary as one of those that are read', () => {
  const shared: FakeOptions = { primary: { weight: 1 }, replicas: [{ weight: 3 }] }

  it('takes its share by weight, by rule read, and says so', async () => {
    const there = made(shared)
    const count = await places(there, 2000)
    expect(count['default:primary']! / 2000).toBeCloseTo(0.25, 1)
    const decision = made({ ...shared, replicas: [] }).router.explain('SELECT 1')
    expect(decision).toMatchObject({ role: 'primary', nodeId: 'default:primary', rule: 'read' })
    expect(decision.reason).toBe('plain SELECT; the primary takes its share of the reads')
  })

  it('is kept by the scope that has picked it', async () => {
    const { router, query } = made(shared)
    const seen = new Set<unknown>()
    for (let scope = 0; scope < 30; scope++) {
      await router.scope(async () => {
        const first = await query('SELECT 1')
        seen.add(first)
        for (let again = 0; again < 5; again++) expect(await query('SELECT 1')).toBe(first)
      })
    }
    expect(seen.size).toBe(2)
  })

  it('takes none where a replica is demanded, and the scope then stays on that replica', async () => {
    const { router, query } = made({ primary: { weight: 1000 }, replicas: [{}, {}] })
    await router.scope(async () => {
      expect(await query('SELECT 1')).toBe('default:primary')
      const replica = await router.with({ reads: 'replica' }, () => query('SELECT 1'))
      expect(replica).toMatch(/replica/)
      expect(await router.using('default:replica', () => query('SELECT 1'))).toBe(replica)
      expect(await query('SELECT 1')).toBe(replica)
    })
    await router.scope(async () => {
      expect(await router.using('default:replica', () => query('SELECT 1'))).toMatch(/replica/)
    })
  })

  it('does not stand in for a demanded replica', () => {
    const { router } = made({ primary: { weight: 1 }, replicas: [], reads: 'replica' })
    expect(() => router.explain('SELECT 1')).toThrow(
      expect.objectContaining({ code: 'ERR_NO_CANDIDATE' }) as Error,
    )
  })

  it('belongs to groups by its own tags', async () => {
    const { router, query } = made({ primary: { weight: 1, tags: ['eu'] }, replicas: [{ tags: ['us'] }] })
    expect(await router.with({ readFrom: ['eu'] }, () => query('SELECT 1'))).toBe('default:primary')
    expect(await router.with({ readFrom: ['us'] }, () => query('SELECT 1'))).toBe('default:replica-1')
  })

  it('without a weight takes none', async () => {
    const count = await places(made({ replicas: [{}, {}] }), 200)
    expect(Object.keys(count).sort()).toEqual(['default:replica-1', 'default:replica-2'])
  })

  it('runs read-only transactions of scopes that have picked it', async () => {
    const { router, query } = made({ primary: { weight: 1000 }, replicas: [{}] })
    await router.scope(() =>
      router.transaction(
        async () => {
          expect(await query('SELECT 1')).toBe('default:primary')
        },
        { readOnly: true },
      ),
    )
  })

  it.each<[string, FakeOptions]>([
    [
      'databases.default.primary.weight: expected a number from 0.000001 to 1000000, got 0',
      { primary: { weight: 0 } },
    ],
    [
      'databases.default.primary.weight: expected a number from 0.000001 to 1000000, got NaN',
      { primary: { weight: Number.NaN } },
    ],
    [
      'databases.default.primary.id: expected none, since it is known as default:primary, got "a"',
      { primary: { id: 'a' } },
    ],
    ['databases.default.primary.reads: expected none, since a weight', { primary: { reads: true } }],
  ])('refuses: %s', (message, options) => {
    expect(() => made(options)).toThrow(message)
  })
})

describe('a replica with reads: false', () => {
  const backup: FakeOptions = { replicas: [{ id: 'a' }, { id: 'backup', reads: false, tags: ['eu'] }] }

  it('gets no reads, whoever asks for a replica', async () => {
    const there = made(backup)
    expect(await places(there, 100)).toEqual({ 'default:a': 100 })
    const anyReplica = (): Promise<unknown> =>
      there.router.using('default:replica', () => there.query('SELECT 1'))
    expect(await places(there, 50, anyReplica)).toEqual({ 'default:a': 50 })
    expect(there.nodes.get('default:backup')?.statements).toEqual([])
  })

  it('is no fallback either', async () => {
    const there = made({ replicas: [{ id: 'backup', reads: false, tags: ['eu'] }] })
    expect(there.router.explain('SELECT 1')).toMatchObject({ role: 'primary', rule: 'no-replica' })
    expect(await there.router.with({ readFrom: ['eu'] }, () => there.query('SELECT 1'))).toBe(
      'default:primary',
    )
    expect(() => there.router.with({ reads: 'replica' }, () => there.router.explain('SELECT 1'))).toThrow(
      'no replica',
    )
  })

  it('is reached by its name, and counted', async () => {
    const { router, query } = made(backup)
    expect(await router.using('default:backup', () => query('SELECT 1'))).toBe('default:backup')
    expect(await (router.pool('default:backup') as FakePool).query('SELECT 1')).toBe('default:backup')
    expect(router.stats().nodes['default:backup']).toMatchObject({ role: 'replica', statements: 2 })
  })

  it('pins nothing when it is named', async () => {
    const { router, query } = made(backup)
    await router.scope(async () => {
      await router.using('default:backup', () => query('SELECT 1'))
      expect(await query('SELECT 1')).toBe('default:a')
    })
  })

  it('is said with true or false', () => {
    expect(() => made({ replicas: [{ reads: 'no' as never }] })).toThrow(
      'databases.default.replicas[0].reads: expected true or false, got "no"',
    )
  })
})

describe('a weight', () => {
  it.each([0, -1, 1e-320, 9e-7, 1000001, 1e308, 2n, true, Number.NaN, Infinity, -Infinity, '2', null])(
    'of %o is refused for any replica',
    (weight) => {
      const replicas = [{}, { weight: weight as number }]
      expect(() => made({ replicas })).toThrow(
        'databases.default.replicas[1].weight: expected a number from 0.000001 to 1000000, got',
      )
    },
  )

  it.each([1e-6, 1, 1e6])('of %d is none of these', (weight) => {
    expect(() => made({ primary: { weight }, replicas: [{}, { weight }] })).not.toThrow()
  })
})

describe('two ids alike', () => {
  it('are refused, also when one of them is a default', () => {
    expect(() => made({ replicas: [{ id: 'replica-2' }, {}] })).toThrow(
      'databases.default.replicas[1].id: expected an id that no other node of the database has',
    )
  })
})

describe('balancer', () => {
  const first: Balancer = { pick: ([candidate]) => candidate! }
  const last: Balancer = { pick: (candidates) => candidates.at(-1)! }
  const nth = (index: number): Balancer => ({ pick: (candidates) => candidates[index]! })
  const four: FakeOptions = { replicas: [{}, {}, {}, {}] }

  it('is the frame’s, else the model’s, else the database’s, else the router’s', async () => {
    const models = { Special: { table: 'special', balancer: nth(2) } }
    const { router, query } = made({ ...four, balancer: nth(1) }, { balancer: first, models })
    const scoped = (fn: () => unknown): Promise<unknown> => Promise.resolve(router.scope(fn))
    expect(await scoped(() => query('SELECT 1'))).toBe('default:replica-2')
    expect(await scoped(() => query('SELECT * FROM special'))).toBe('default:replica-3')
    const framed = (): unknown => router.with({ balancer: last }, () => query('SELECT * FROM special'))
    expect(await scoped(framed)).toBe('default:replica-4')
    expect(await router.scope(() => query('SELECT 1'), { balancer: last })).toBe('default:replica-4')
    expect(await places(made(four, { balancer: first }), 5)).toEqual({ 'default:replica-1': 5 })
  })

  it('by name keeps its own turns for each database, whoever asks for it', async () => {
    const { router, query } = made({ ...four, balancer: 'roundRobin' })
    const read = (alias: string, balancer?: 'roundRobin'): Promise<unknown> =>
      Promise.resolve(
        router.scope(() => query('SELECT 1', alias), balancer === undefined ? {} : { balancer }),
      )
    expect(await read('default')).toBe('default:replica-1')
    expect(await read('default', 'roundRobin')).toBe('default:replica-2')
    expect(await read('users')).toBe('users:replica-1')
    expect(await read('default')).toBe('default:replica-3')
    await router.scope(() => query('SELECT 1'), { balancer: 'random' })
    expect(await read('default')).toBe('default:replica-4')
  })

  it('is told the database and the attributes, which nobody asks for unasked', async () => {
    let asked = 0
    const attributes = (): { userId: number } => ({ userId: ++asked })
    const told: unknown[] = []
    const curious: Balancer = {
      pick: (candidates, { alias, attributes: given, random }) => {
        told.push([alias, given, random() < 1])
        return candidates[0]!
      },
    }
    const { router, query } = made(four)
    await router.scope(() => query('SELECT 1'), { attributes })
    expect(asked).toBe(0)
    await router.scope(() => query('SELECT 1', 'users'), { attributes, balancer: curious })
    expect(told).toEqual([['users', { userId: 1 }, true]])
  })

  it('affinity reads the same user from the same replica, in every scope', async () => {
    const there = made(four, { balancer: affinity((scope) => scope['userId']) })
    const of = (userId: number): Promise<unknown> =>
      Promise.resolve(there.router.scope(() => there.query('SELECT 1'), { attributes: () => ({ userId }) }))
    const seen = new Set<unknown>()
    for (let user = 0; user < 40; user++) {
      const place = await of(user)
      seen.add(place)
      expect(await of(user)).toBe(place)
    }
    expect(seen.size).toBe(4)
    expect(Object.keys(await places(there, 60)).length).toBe(4)
  })

  it('attributes that are not there yet are none', async () => {
    const { router, query } = made(four, { balancer: affinity(({ userId }) => userId) })
    expect(await router.scope(() => query('SELECT 1'), { attributes: () => undefined })).toMatch(/replica/)
  })

  it('an affinity whose key is an object fails by name', async () => {
    const { router, query } = made(four, { balancer: affinity(() => ({})) })
    await expect(router.scope(() => query('SELECT 1'))).rejects.toMatchObject({ code: 'ERR_KEY' })
  })

  it('of a model is checked by path', () => {
    expect(() => made(four, { models: { A: { balancer: 'best' as 'random' } } })).toThrow(
      `models.A.balancer: expected one of 'random', 'roundRobin', 'leastInFlight', got "best"`,
    )
  })
})
