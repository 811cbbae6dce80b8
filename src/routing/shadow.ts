import type { Classification } from '../statement/classification'
import type { DatabaseRule, Decision } from './decision'
import { whatCame } from './what-came'

/** What a decision in shadow mode is about. */
interface Shadowed {
  readonly alias: string
  readonly databaseRule: DatabaseRule
  readonly classification: Classification
  readonly database: { readonly snapshot: { readonly primary: { readonly id: string } } }
}

/**
 * The decision in shadow mode: everything is the primary's, and the reason says what would have been. What cannot be
 * decided (no replica may be used, a balancer or a key throws) must not fail here either.
 *
 * @param decide chooses the role and the node as if there were no shadow mode
 */
export function inShadow(
  { alias, databaseRule, classification, database }: Shadowed,
  decide: () => Decision,
): Decision {
  const reason = wouldHave(decide)
  if (typeof reason !== 'string') return reason
  const nodeId = database.snapshot.primary.id
  return {
    alias,
    role: 'primary',
    nodeId,
    intent: classification.intent,
    rule: 'shadow',
    reason,
    databaseRule,
  }
}

/** The decision where it is the primary's anyway, else what would have become of it. */
function wouldHave(decide: () => Decision): Decision | string {
  try {
    const decision = decide()
    const { role, nodeId, rule, reason } = decision
    return role === 'primary' ? decision : `would have gone to ${nodeId} by rule '${rule}' (${reason})`
  } catch (error) {
    return `would have failed: ${error instanceof Error ? error.message : whatCame(error)}`
  }
}
