import { describe, expect, it } from 'vitest'
import type { Balancer, Candidate } from '../../src/balancing/balancer'
import { createBalancer } from '../../src/balancing/create-balancer'
import { seededRandom } from './seeded-random'

/** What every balancer must do, whichever way it chooses. A new balancer is one line here. */
const BALANCERS: readonly { name: string; make: () => Balancer; weighted: boolean }[] = [
  { name: 'random', make: () => createBalancer('random', seededRandom(7)), weighted: true },
  { name: 'roundRobin', make: () => createBalancer('roundRobin', seededRandom(7)), weighted: true },
  { name: 'leastInFlight', make: () => createBalancer('leastInFlight', seededRandom(7)), weighted: true },
  {
    name: 'a custom one',
    make: () => createBalancer({ pick: ([first]) => first as Candidate }, seededRandom(7)),
    weighted: false,
  },
]

function candidate(id: string, facts: Partial<Candidate> = {}): Candidate {
  return { id, weight: 1, tags: [], inFlight: 0, ...facts }
}

function shares(balancer: Balancer, candidates: readonly Candidate[], turns: number): Record<string, number> {
  const count: Record<string, number> = Object.fromEntries(candidates.map(({ id }) => [id, 0]))
  for (let turn = 0; turn < turns; turn++) count[balancer.pick(candidates).id]! += 1 / turns
  return count
}

describe.each(BALANCERS)('balancer $name', ({ make }) => {
  it('returns one of its candidates, the very object', () => {
    const candidates = [candidate('a'), candidate('b'), candidate('c')]
    const balancer = make()
    for (let turn = 0; turn < 100; turn++) expect(candidates).toContain(balancer.pick(candidates))
  })

  it('returns the only candidate', () => {
    const only = candidate('a', { inFlight: 9 })
    expect(make().pick([only])).toBe(only)
  })

  it('changes nothing it is given', () => {
    const candidates = Object.freeze([Object.freeze(candidate('a')), Object.freeze(candidate('b'))])
    const balancer = make()
    expect(() => {
      for (let turn = 0; turn < 10; turn++) balancer.pick(candidates)
    }).not.toThrow()
  })

  it('takes candidates that come and go', () => {
    const balancer = make()
    const [a, b, c] = [candidate('a'), candidate('b'), candidate('c')]
    for (const candidates of [[a, b], [a], [a, b, c], [c], [b, c]]) {
      expect(candidates).toContain(balancer.pick(candidates))
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
    expect(Array.from({ length: 6 }, () => balancer.pick(candidates).id)).toEqual([
      'a',
      'b',
      'a',
      'a',
      'b',
      'a',
    ])
  })
})

describe('leastInFlight', () => {
  it('takes the less busy of two', () => {
    const balancer = createBalancer('leastInFlight', seededRandom(5))
    const candidates = [candidate('busy', { inFlight: 5 }), candidate('idle')]
    for (let turn = 0; turn < 50; turn++) expect(balancer.pick(candidates).id).toBe('idle')
  })

  it('measures business by weight', () => {
    const balancer = createBalancer('leastInFlight', seededRandom(5))
    const candidates = [candidate('large', { inFlight: 5, weight: 4 }), candidate('small', { inFlight: 2 })]
    for (let turn = 0; turn < 50; turn++) expect(balancer.pick(candidates).id).toBe('large')
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
