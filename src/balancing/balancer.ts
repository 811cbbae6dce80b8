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

/** Chooses among nodes. It is asked once per scope and database, when the scope picks its replica. */
export interface Balancer {
  /** @param candidates those that may be chosen; never empty. Returns one of them. */
  pick(candidates: readonly Candidate[]): Candidate
}

/** A source of random numbers in [0, 1), as `Math.random`. */
export type Random = () => number
