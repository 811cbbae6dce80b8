import { expect } from 'vitest'
import type { OpenOrm, Operation, OrmDialect } from '../orm-under-test'
import type { Stage } from '../stage'

/** One promise, kept for every ORM. Its title is a row of the table in `docs/orms.md`. */
export interface Case {
  readonly title: string
  /** What an ORM must be able to do for it. */
  readonly needs?: Operation
  /** Dialects on which there is no such thing, and why. */
  readonly not?: Partial<Record<OrmDialect, string>>
  /** A replica may refuse what nobody could know. In no other case may it refuse anything. */
  readonly surprising?: true
  readonly run: (stage: Stage, orm: OpenOrm) => Promise<void>
}

export function expectReplica({ replicaIds }: Stage, node: string): void {
  expect(replicaIds, 'the node that served a read').toContain(node)
}
