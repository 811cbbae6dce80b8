import type { Balancer, Candidate } from './balancer'

/**
 * Smooth weighted round-robin, nginx's algorithm. Each turn every candidate gains its weight, the richest is chosen
 * and pays the sum of all weights. With weights a: 2, b: 1 the turns are
 *
 *     gained   a 2  b 1   → a, pays 3 → a -1  b 1
 *     gained   a 1  b 2   → b, pays 3 → a 1   b -1
 *     gained   a 3  b 0   → a, pays 3 → a 0   b 0
 *
 * so a heavy node never gets its turns in one run. Only the candidates take part: a node that is away neither gains
 * nor pays, and its neighbours keep their proportions.
 */
export function roundRobinBalancer(): Balancer {
  const credit = new Map<string, number>()
  return {
    pick(candidates) {
      let total = 0
      let best = candidates[0] as Candidate
      let most = -Infinity
      for (const candidate of candidates) {
        const gained = (credit.get(candidate.id) ?? 0) + candidate.weight
        credit.set(candidate.id, gained)
        total += candidate.weight
        if (gained > most) {
          most = gained
          best = candidate
        }
      }
      credit.set(best.id, most - total)
      return best
    },
  }
}
