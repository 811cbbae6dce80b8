import type { Balancer, Random } from './balancer'
import { createBalancer, type BalancerName } from './create-balancer'

/** The balancers of one database: each named one is made once, so that its turns go on whoever asks for it. */
export class Balancers {
  readonly #usual: BalancerName | Balancer
  readonly #random: Random
  readonly #named = new Map<BalancerName, Balancer>()

  /** @param usual the one for whoever has no wish */
  constructor(usual: BalancerName | Balancer, random: Random) {
    this.#usual = usual
    this.#random = random
  }

  of(wish: BalancerName | Balancer | null): Balancer {
    const wanted = wish ?? this.#usual
    if (typeof wanted !== 'string') return wanted
    let named = this.#named.get(wanted)
    if (named === undefined) this.#named.set(wanted, (named = createBalancer(wanted, this.#random)))
    return named
  }
}
