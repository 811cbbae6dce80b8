import type { Balancer, Candidate, Random } from './balancer'
import { weightedChoice } from './random'

/**
 * The power of two choices: draws two different candidates by weight and takes the one with fewer statements in
 * flight per weight. Two draws are enough to keep the longest queue short, without the herd that always asking for
 * the shortest one causes (Mitzenmacher, "The power of two choices in randomized load balancing", 2001).
 */
export function leastInFlightBalancer(random: Random): Balancer {
  return {
    pick(candidates) {
      const first = weightedChoice(candidates, random)
      if (candidates.length === 1) return first
      const second = weightedChoice(
        candidates.filter((candidate) => candidate !== first),
        random,
      )
      return load(second) < load(first) ? second : first
    },
  }
}

/** Equals, two idle nodes above all, leave it to the first draw, which has looked at the weights. */
function load({ inFlight, weight }: Candidate): number {
  return inFlight / weight
}
