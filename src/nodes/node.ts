import type { Role } from '../routing/decision'

/** What is known of one server at one moment. Immutable: a change makes a new value. */
export interface NodeSnapshot {
  /** The node by alias, as in `users:replica-2`. */
  readonly id: string
  readonly role: Role
  /** Its share of the reads, relative to the other replicas. Above 0. */
  readonly weight: number
  readonly tags: readonly string[]
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
}

export function databaseSnapshot(primary: NodeSnapshot, replicas: readonly NodeSnapshot[]): DatabaseSnapshot {
  return Object.freeze({
    primary: Object.freeze(primary),
    replicas: Object.freeze(replicas.map((node) => Object.freeze(node))),
    nodes: Object.freeze([primary, ...replicas]),
  })
}
