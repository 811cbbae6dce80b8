import { fractionOf } from './fraction-of'

/** What takes part: a node, or a whole database. */
export interface Weighted {
  readonly id: string
  /** Its share relative to the others. Above 0. */
  readonly weight: number
}

/**
 * Weighted rendezvous hashing (Thaler and Ravishankar 1998; the weights after Schindelhauer and Schomaker 2005): each
 * candidate draws a number from the key and its own id, and the highest wins. No draw depends on the others, so when a
 * candidate goes only its own keys move, each to its second best, and when it comes back so do they.
 *
 * With the draw u, uniform in (0, 1), the score is weight / -ln u: -ln u is exponentially distributed, as the wait for
 * a bus is, and the bus that comes `weight` times as often is the first one in proportion to its weight.
 *
 * @param nodes never empty
 * @returns the id of the one that wins
 */
export function rendezvous(key: string, nodes: readonly Weighted[]): string {
  let best = ''
  let most = -Infinity
  for (const { id, weight } of nodes) {
    const score = weight / -Math.log(fractionOf(`${key}\0${id}`))
    if (score > most) {
      most = score
      best = id
    }
  }
  return best
}
