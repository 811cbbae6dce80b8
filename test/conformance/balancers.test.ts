import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { affinity } from '../../src/balancing/affinity'
import type { Balancer, Candidate, Picking } from '../../src/balancing/balancer'
import { createBalancer } from '../../src/balancing/create-balancer'
import { seededRandom } from './seeded-random'

/** What every balancer must do, whichever way it chooses. A new balancer is one line here. */
const BALANCERS: readonly { name: string; make: () => Balancer; weighted: boolean }[] = [
  { name: 'random', make: () => createBalancer('random', seededRandom(7)), weighted: true },
  { name: 'roundRobin', make: () => createBalancer('roundRobin', seededRandom(7)), weighted: true },
  { name: 'leastInFlight', make: () => createBalancer('leastInFlight', seededRandom(7)), weighted: true },
  {
    name: 'affinity, each scope with a key of its own',
    make: () => affinity(() => nextUser++),
    weighted: true,
  },
  { name: 'affinity without a key', make: () => affinity(() => undefined), weighted: true },
  { name: 'a custom one', make: () => ({ pick: ([first]) => first as Candidate }), weighted: false },
]

let nextUser = 0

const chance = seededRandom(11)

const picking: Picking = { alias: 'default', attributes: {}, random: chance }

function candidate(id: string, facts: Partial<Candidate> = {}): Candidate {
  return { id, weight: 1, tags: [], inFlight: 0, ...facts }
}

function shares(balancer: Balancer, candidates: readonly Candidate[], turns: number): Record<string, number> {
  const count: Record<string, number> = Object.fromEntries(candidates.map(({ id }) => [id, 0]))
  for (let turn = 0; turn < turns; turn++) count[balancer.pick(candidates, picking).id]! += 1 / turns
  return count
}

describe.each(BALANCERS)('balancer $name', ({ make }) => {
  it('returns one of its candidates, the very object', () => {
    const candidates = [candidate('a'), candidate('b'), candidate('c')]
    const balancer = make()
    for (let turn = 0; turn < 100; turn++) expect(candidates).toContain(balancer.pick(candidates, picking))
  })

  it('returns the only candidate', () => {
    const only = candidate('a', { inFlight: 9 })
    expect(make().pick([only], picking)).toBe(only)
  })

  it('changes nothing it is given', () => {
    const candidates = Object.freeze([Object.freeze(candidate('a')), Object.freeze(candidate('b'))])
    const balancer = make()
    expect(() => {
      for (let turn = 0; turn < 10; turn++) balancer.pick(candidates, picking)
    }).not.toThrow()
  })

  it('takes candidates that come and go', () => {
    const balancer = make()
    const [a, b, c] = [candidate('a'), candidate('b'), candidate('c')]
    for (const candidates of [[a, b], [a], [a, b, c], [c], [b, c]]) {
      expect(candidates).toContain(balancer.pick(candidates, picking))
    }
  })
})

describe.each(BALANCERS.filter(({ weighted }) => weighted))('weighted balancer $name', ({ make }) => {
  it('gives even shares to even weights', () => {
    const count = shares(make(), [candidate('a'), candidate('b'), candidate('c')], 6000)
    for (const share of Object.values(count)) expect(share).toBeCloseTo(1 / 3, 1)
  })

  it('gives the heavier node more', () => {
    const count = shares(make(), [candidate('a', { weight: 3 }), candidate('b')], 6000)
    expect(count['a']).toBeGreaterThan(0.65)
    expect(count['b']).toBeGreaterThan(0.05)
  })

  it.each([1e-6, 1e6])('gives even shares to weights at their bounds: %d', (weight) => {
    const count = shares(make(), [candidate('a', { weight }), candidate('b', { weight })], 6000)
    for (const share of Object.values(count)) expect(share).toBeCloseTo(1 / 2, 1)
  })

  it('keeps the weights apart, however far', () => {
    const nodes = [
      candidate('a', { weight: 1e6 }),
      candidate('b', { weight: 1e6 }),
      candidate('c', { weight: 1e-6 }),
    ]
    const count = shares(make(), nodes, 6000)
    expect(count['a']).toBeCloseTo(1 / 2, 1)
    expect(count['b']).toBeCloseTo(1 / 2, 1)
  })

  it('never lends the share of a node that is away to its neighbour alone', () => {
    const [a, , c, d] = [candidate('a'), candidate('b'), candidate('c'), candidate('d')]
    const balancer = make()
    shares(balancer, [a, candidate('b'), c, d] as Candidate[], 100)
    const count = shares(balancer, [a, c, d] as Candidate[], 6000)
    for (const share of Object.values(count)) expect(share).toBeCloseTo(1 / 3, 1)
  })
})

describe('random', () => {
  it('gives each node its weight over the sum', () => {
    const count = shares(
      createBalancer('random', seededRandom(3)),
      [candidate('a', { weight: 3 }), candidate('b')],
      8000,
    )
    expect(count['a']).toBeCloseTo(0.75, 1)
  })
})

describe('roundRobin', () => {
  it('spreads the turns of a heavy node, as in the worked example', () => {
    const balancer = createBalancer('roundRobin', Math.random)
    const candidates = [candidate('a', { weight: 2 }), candidate('b')]
    expect(Array.from({ length: 6 }, () => balancer.pick(candidates, picking).id)).toEqual([
      'a',
      'b',
      'a',
      'a',
      'b',
      'a',
    ])
  })

  it('takes the turns that nginx takes with weights 5, 1, 1', () => {
    const balancer = createBalancer('roundRobin', Math.random)
    const candidates = [candidate('a', { weight: 5 }), candidate('b'), candidate('c')]
    const turns = Array.from({ length: 14 }, () => balancer.pick(candidates, picking).id)
    expect(turns.join(' ')).toBe('a a b a c a a a a b a c a a')
  })
})

describe('affinity', () => {
  const balancer = affinity((scope) => scope['user'])
  const of = (user: unknown, candidates: readonly Candidate[]): string =>
    balancer.pick(candidates, { ...picking, attributes: { user } }).id
  const candidatesOf = fc
    .uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 8 })
    .chain((ids) =>
      fc.tuple(...ids.map((id) => fc.integer({ min: 1, max: 9 }).map((weight) => candidate(id, { weight })))),
    )
  const users = fc.uniqueArray(fc.oneof(fc.string(), fc.integer(), fc.bigInt()), { maxLength: 20 })

  it('gives a key the same node, whatever the order of the candidates', () => {
    fc.assert(
      fc.property(candidatesOf, users, (candidates, keys) => {
        for (const key of keys) expect(of(key, candidates)).toBe(of(key, [...candidates].reverse()))
      }),
    )
  })

  it('moves the keys of a node that goes, no others, and gives them back', () => {
    fc.assert(
      fc.property(candidatesOf, users, fc.nat(), (candidates, keys, at) => {
        const gone = candidates[at % candidates.length]!
        const rest = candidates.filter((each) => each !== gone)
        for (const key of keys) {
          const before = of(key, candidates)
          expect(rest.map(({ id }) => id)).toContain(of(key, rest))
          if (before !== gone.id) expect(of(key, rest)).toBe(before)
          expect(of(key, candidates)).toBe(before)
        }
      }),
    )
  })

  it('spreads keys by weight', () => {
    const candidates = [candidate('a', { weight: 3 }), candidate('b')]
    const onA = Array.from({ length: 4000 }, (_, user) => of(user, candidates)).filter((id) => id === 'a')
    expect(onA.length / 4000).toBeCloseTo(0.75, 1)
  })

  it('spreads keys by chance where there are none', () => {
    const candidates = [candidate('a'), candidate('b')]
    for (const none of [undefined, null]) {
      const ids = Array.from({ length: 40 }, () => of(none, candidates))
      expect(new Set(ids).size).toBe(2)
    }
  })

  it('refuses a key that is no function when it is made', () => {
    expect(() => affinity('userId' as never)).toThrow('affinity: expected a function of the scope')
  })

  it('takes a number and its text for the same key', () => {
    const candidates = [candidate('a'), candidate('b'), candidate('c')]
    for (let user = 0; user < 20; user++) expect(of(user, candidates)).toBe(of(String(user), candidates))
  })

  it.each([{}, [], true, Number.NaN, Symbol('x')])('refuses the key %o', (key) => {
    expect(() => of(key, [candidate('a'), candidate('b')])).toThrow(
      expect.objectContaining({
        code: 'ERR_KEY',
        message: expect.stringContaining('affinity') as string,
      }) as Error,
    )
  })
})

describe('leastInFlight', () => {
  it('takes the less busy of two', () => {
    const balancer = createBalancer('leastInFlight', seededRandom(5))
    const candidates = [candidate('busy', { inFlight: 5 }), candidate('idle')]
    for (let turn = 0; turn < 50; turn++) expect(balancer.pick(candidates, picking).id).toBe('idle')
  })

  it('measures business by weight', () => {
    const balancer = createBalancer('leastInFlight', seededRandom(5))
    const candidates = [candidate('large', { inFlight: 5, weight: 4 }), candidate('small', { inFlight: 2 })]
    for (let turn = 0; turn < 50; turn++) expect(balancer.pick(candidates, picking).id).toBe('large')
  })

  it('never takes the busiest of three', () => {
    const balancer = createBalancer('leastInFlight', seededRandom(5))
    const count = shares(
      balancer,
      [candidate('busiest', { inFlight: 9 }), candidate('a'), candidate('b')],
      2000,
    )
    expect(count['busiest']).toBe(0)
  })
})
