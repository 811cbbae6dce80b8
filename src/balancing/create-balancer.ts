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

export function createBalancer(name: BalancerName, random: Random): Balancer {
  return BALANCERS[name](random)
}
