import type { NodeSnapshot } from '../nodes/node'
import { inGroup, type ReadFrom } from '../routing/read-from'

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

/** Those that may be used, of the first group that has one; of all nodes where no groups are asked for. */
export function usableFrom(
  nodes: readonly NodeSnapshot[],
  readFrom: ReadFrom | null,
): readonly NodeSnapshot[] {
  if (readFrom === null) return candidates(nodes, usable)
  for (const group of readFrom) {
    const found = candidates(nodes, usable, ({ tags }) => inGroup(tags, group))
    if (found.length > 0) return found
  }
  return []
}

/** Whether `usableFrom` would find any; asked for every statement, so that it makes nothing. */
export function anyUsableFrom(nodes: readonly NodeSnapshot[], readFrom: ReadFrom | null): boolean {
  return readFrom === null ? nodes.some(usable) : usableFrom(nodes, readFrom).length > 0
}
