import type { ScopeAttributes } from '../routing/scope-attributes'

/** A node that may be chosen. */
export interface Candidate {
  /** The node by alias, as in `users:replica-2`. */
  readonly id: string
  /** Its share relative to the others. Above 0. */
  readonly weight: number
  readonly tags: readonly string[]
  /** Statements of this process that run on it now. */
  readonly inFlight: number
}

/** What a choice is for. */
export interface Picking {
  /** The database. */
  readonly alias: string
  /** Those of the scope, asked for when they are looked at. */
  readonly attributes: ScopeAttributes
  /** The router's source of chance. */
  readonly random: Random
}

/** Chooses among nodes. It is asked once per scope and database, when the scope picks where it reads. */
export interface Balancer {
  /** @param candidates those that may be chosen; never empty. Returns one of them. */
  pick(candidates: readonly Candidate[], picking: Picking): Candidate
}

/** A source of random numbers in [0, 1), as `Math.random`. */
export type Random = () => number
