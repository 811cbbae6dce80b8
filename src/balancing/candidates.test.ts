import { describe, expect, it } from 'vitest'
import type { NodeSnapshot } from '../nodes/node'
import { candidates, healthy, notHeld, usable } from './candidates'

function node(id: string, facts: Partial<NodeSnapshot> = {}): NodeSnapshot {
  return { id, role: 'replica', weight: 1, tags: [], reads: true, healthy: true, held: false, ...facts }
}

const nodes = [
  node('a', { tags: ['eu', 'reports'] }),
  node('b', { healthy: false, tags: ['eu'] }),
  node('c', { held: true }),
  node('d'),
]

describe('candidates', () => {
  it('keeps the nodes that pass every filter, in their order', () => {
    const ids = (...filters: Parameters<typeof candidates>[1][]): string[] =>
      candidates(nodes, ...filters).map(({ id }) => id)
    expect(ids()).toEqual(['a', 'b', 'c', 'd'])
    expect(ids(healthy)).toEqual(['a', 'c', 'd'])
    expect(ids(notHeld)).toEqual(['a', 'b', 'd'])
    expect(ids(usable)).toEqual(['a', 'd'])
  })

  it('leaves the nodes it is given as they are', () => {
    const frozen = Object.freeze([...nodes.map((each) => Object.freeze(each))])
    expect(candidates(frozen, usable)).toHaveLength(2)
  })
})
