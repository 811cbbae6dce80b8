import type { Role } from '../routing/decision'

/** What is known of one server at one moment. Immutable: a change makes a new value. */
export interface NodeSnapshot {
  /** The node by alias, as in `users:replica-2`. */
  readonly id: string
  readonly role: Role
  /** Its share of the reads, relative to the other nodes. Above 0. */
  readonly weight: number
  readonly tags: readonly string[]
  /** Whether it takes a share of the reads, or those alone that name it. */
  readonly reads: boolean
  /** A fact: whether the server answers. */
  readonly healthy: boolean
  /** An operator's word, which nothing but an operator takes back. */
  readonly held: boolean
}

/** All nodes of one database at one moment. */
export interface DatabaseSnapshot {
  readonly primary: NodeSnapshot
  readonly replicas: readonly NodeSnapshot[]
  /** The primary, then the replicas. */
  readonly nodes: readonly NodeSnapshot[]
  /** Those that take a share of the reads: replicas, and the primary where it has been given a weight. */
  readonly forReads: readonly NodeSnapshot[]
}

export function databaseSnapshot(primary: NodeSnapshot, replicas: readonly NodeSnapshot[]): DatabaseSnapshot {
  const nodes = [primary, ...replicas].map((node) => Object.freeze(node))
  return Object.freeze({
    primary,
    replicas: Object.freeze([...replicas]),
    nodes: Object.freeze(nodes),
    forReads: Object.freeze(nodes.filter(({ reads }) => reads)),
  })
}
