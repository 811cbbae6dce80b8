import type { ErrorClass } from '../adapters/adapter'
import type { Decision, RoleRule } from '../routing/decision'
import type { Classification } from '../statement/classification'

/** What to do about a failed statement. */
export type Next = 'fail' | 'ask-primary'

/** Decisions that bind a statement to its node, whatever the server says. */
const BOUND: readonly RoleRule[] = ['transaction', 'lease', 'explicit-role']

/**
 * Whether a failed statement may be sent again, and where.
 *
 * | error class | on a replica | on the primary |
 * |---|---|---|
 * | `read-only` | the primary, once: the server refused it, so it did nothing | fail |
 * | `connection` | fail | fail |
 * | `unsent` | fail | fail |
 * | `rolled-back` | fail | fail |
 * | `other` | fail | fail |
 *
 * Not when the text holds several statements (those before the refused one have run), not inside a transaction, and
 * not when the application named the replica itself.
 */
export function nextAfter(errorClass: ErrorClass, decision: Decision, classification: Classification): Next {
  switch (errorClass) {
    case 'read-only': {
      const moves =
        decision.role === 'replica' && classification.statements === 1 && !BOUND.includes(decision.rule)
      return moves ? 'ask-primary' : 'fail'
    }
    case 'connection':
    case 'unsent':
    case 'rolled-back':
    case 'other':
      return 'fail'
  }
}
