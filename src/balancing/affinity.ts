import { SplitpoolError } from '../errors'
import { keyText } from '../routing/key-text'
import { rendezvous } from '../routing/rendezvous'
import type { ScopeKey } from '../routing/scope-attributes'
import type { Balancer, Candidate } from './balancer'
import { weightedChoice } from './random'

/**
 * A balancer by a key of the scope: whoever has the same key reads from the same node while that may be used, in every
 * process; keys spread by weight. A node that goes moves its own keys alone, and gets them back when it returns. A scope
 * without a key (`undefined`, `null`) picks by chance, in proportion to the weights.
 *
 * The key is asked for when the scope picks, at its first read: `affinity((scope) => scope.userId)`.
 *
 * @param key gives a string or a number; for anything else statements fail with `ERR_KEY`
 * @throws {SplitpoolError} `ERR_INVALID_OPTION`
 */
export function affinity(key: ScopeKey): Balancer {
  if (typeof key !== 'function') {
    const expected = 'a function of the scope, such as (scope) => scope.userId'
    throw new SplitpoolError('ERR_INVALID_OPTION', `affinity: expected ${expected}, got ${typeof key}`)
  }
  return {
    pick(candidates, { attributes, random }) {
      const text = keyText(key(attributes), 'affinity')
      if (text === null) return weightedChoice(candidates, random)
      const id = rendezvous(text, candidates)
      return candidates.find((candidate) => candidate.id === id) as Candidate
    },
  }
}
