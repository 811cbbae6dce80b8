import type { NodeSnapshot } from '../nodes/node'

/** A test that a node must pass to be chosen. Filters are pure and compose: a node is a candidate when all say yes. */
export type Filter = (node: NodeSnapshot) => boolean

export const healthy: Filter = (node) => node.healthy

export const notHeld: Filter = (node) => !node.held

/** What every statement asks of a node, whatever else it asks. */
export const usable: Filter = (node) => healthy(node) && notHeld(node)

/** Those of `nodes` that pass all `filters`. Filter first, balance after: a node left out never lends its share to its neighbour. */
export function candidates(
  nodes: readonly NodeSnapshot[],
  ...filters: readonly Filter[]
): readonly NodeSnapshot[] {
  return nodes.filter((node) => filters.every((filter) => filter(node)))
}
