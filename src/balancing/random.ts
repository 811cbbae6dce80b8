import type { Balancer, Candidate, Random } from './balancer'

/** Each candidate by chance, in proportion to its weight. */
export function randomBalancer(random: Random): Balancer {
  return { pick: (candidates) => weightedChoice(candidates, random) }
}

/** One of `candidates`, with a probability of its weight over the sum of all weights. */
export function weightedChoice(candidates: readonly Candidate[], random: Random): Candidate {
  let total = 0
  for (const { weight } of candidates) total += weight
  let point = random() * total
  for (const candidate of candidates) {
    point -= candidate.weight
    if (point < 0) return candidate
  }
  // Rounding can leave the point at exactly zero past the last one.
  return candidates[candidates.length - 1] as Candidate
}
