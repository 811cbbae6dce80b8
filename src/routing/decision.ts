import type { Intent } from '../statement/classification'

/** What a node is. */
export type Role = 'primary' | 'replica'

/** The named steps that can settle which database a statement belongs to, in their order. */
export type DatabaseRule =
  | 'explicit-alias'
  | 'comment'
  | 'frame'
  | 'router-chain'
  | 'model'
  | 'table'
  | 'instance'
  | 'pool'
  | 'default'

/** The named steps that can settle which role serves a statement, in their order. */
export type RoleRule =
  | 'transaction'
  | 'lease'
  | 'explicit-role'
  | 'not-a-read'
  | 'frame'
  | 'open-transaction'
  | 'own-writes'
  | 'rollout'
  | 'router-chain'
  | 'read-preference'
  | 'no-replica'
  | 'read'
  | 'refused-by-replica'
  | 'shadow'

/** The outcome of routing one statement. A value: it is made once, passed on and never changed. */
export interface Decision {
  /** The database. */
  readonly alias: string
  readonly role: Role
  /** The node by alias, as in `users:replica-2`. */
  readonly nodeId: string
  /** What the statement needs. */
  readonly intent: Intent
  /** The rule that settled the role. */
  readonly rule: RoleRule
  /** Why, in words: what the rule saw. */
  readonly reason: string
  /** The rule that settled the database. */
  readonly databaseRule: DatabaseRule
}
