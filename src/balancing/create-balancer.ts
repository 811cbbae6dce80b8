import type { Balancer, Random } from './balancer'
import { leastInFlightBalancer } from './least-in-flight'
import { randomBalancer } from './random'
import { roundRobinBalancer } from './round-robin'

const BALANCERS = {
  random: randomBalancer,
  roundRobin: roundRobinBalancer,
  leastInFlight: leastInFlightBalancer,
} satisfies Record<string, (random: Random) => Balancer>

export type BalancerName = keyof typeof BALANCERS

export const BALANCER_NAMES = Object.keys(BALANCERS) as readonly BalancerName[]

/** A balancer by name, or the application's own. A named one is made anew for every database, and keeps its own turns. */
export function createBalancer(option: BalancerName | Balancer, random: Random): Balancer {
  return typeof option === 'string' ? BALANCERS[option](random) : option
}
