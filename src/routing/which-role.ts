import type { Classification } from '../statement/classification'
import type { Role, RoleRule } from './decision'
import { shownGroups, type ReadFrom } from './read-from'
import type { ReadPreference } from './read-preference'
import type { Rollout, RolloutScope } from './rollout'
import type { Target } from './target'

/** All that the choice of a role looks at. */
export interface RoleQuestion {
  readonly classification: Classification
  /** The role or node that the call, its comment or the pool asks for. */
  readonly explicit: Target | null
  /** The role or node that a router of the chain answered with. */
  readonly routed: Target | null
  /** The innermost frame that asks for a role or a node. */
  readonly frame: Target | null
  /** Whether the scope has a transaction open on the primary of this database. */
  readonly openTransaction: boolean
  /** Whether the scope has written to this database. Positions take this place when tokens exist. */
  readonly hasWritten: boolean
  /** What the scope, a frame or the model asks of its reads; `null` where they leave it to the database. */
  readonly asked: ReadPreference | null
  readonly preference: ReadPreference
  /** The groups of nodes that the read may go to; `null` for any. */
  readonly readFrom: ReadFrom | null
  /** Whether there is one that may be used. */
  readonly hasCandidates: boolean
  /** The share of scopes whose reads may leave the primary; `null` for all. */
  readonly rollout: Rollout | null
  readonly scope: RolloutScope
}

export interface RoleAnswer {
  /** `any` leaves the choice to all that take a share of the reads, the primary too where it does. */
  readonly role: Role | 'any'
  readonly rule: RoleRule
  readonly reason: string
  /** The one replica that was asked for; `null` leaves the choice to the scope's pin and the balancer. */
  readonly nodeId: string | null
}

type Rule = (question: RoleQuestion) => RoleAnswer | null

/**
 * Which role serves a statement: the first rule that has an opinion decides. The two rules above these, a transaction
 * of the router's own and a borrowed connection that has made its choice, need no question: there the server is given.
 */
export function whichRole(question: RoleQuestion): RoleAnswer {
  for (const rule of RULES) {
    const answer = rule(question)
    if (answer !== null) return answer
  }
  const { transaction, reason } = question.classification
  return {
    role: 'any',
    rule: 'read',
    reason: transaction === null ? reason : 'declared read only',
    nodeId: null,
  }
}

const RULES: readonly Rule[] = [
  explicitRole,
  notARead,
  frame,
  openTransaction,
  ownWrites,
  notInRollout,
  routerChain,
  readPreference,
  noReplica,
]

function explicitRole({ explicit }: RoleQuestion): RoleAnswer | null {
  return explicit === null ? null : pointed(explicit, 'explicit-role', 'asked for')
}

function notARead({ classification }: RoleQuestion): RoleAnswer | null {
  return mayRunOnReplica(classification) ? null : primary('not-a-read', classification.reason)
}

function frame({ frame }: RoleQuestion): RoleAnswer | null {
  return frame === null ? null : pointed(frame, 'frame', 'the frame asks for')
}

function openTransaction({ openTransaction }: RoleQuestion): RoleAnswer | null {
  return openTransaction ? primary('open-transaction', 'the scope has a transaction open here') : null
}

function ownWrites({ hasWritten }: RoleQuestion): RoleAnswer | null {
  return hasWritten ? primary('own-writes', 'the scope has written here') : null
}

function notInRollout({ rollout, scope }: RoleQuestion): RoleAnswer | null {
  if (rollout === null || rollout.includes(scope)) return null
  return primary('rollout', `the scope is not in the rollout, whose share is ${rollout.share}`)
}

/** A router spreads reads; whoever keeps some of them on the primary means these in particular. */
function routerChain({ routed, asked }: RoleQuestion): RoleAnswer | null {
  if (routed === null || (routed.role === 'replica' && asked === 'primary')) return null
  return pointed(routed, 'router-chain', 'a router of the chain asks for')
}

function readPreference({ preference }: RoleQuestion): RoleAnswer | null {
  switch (preference) {
    case 'primary':
    case 'prefer-primary':
      return primary('read-preference', `reads: '${preference}'`)
    case 'replica':
      return { role: 'replica', rule: 'read-preference', reason: `reads: 'replica'`, nodeId: null }
    case 'prefer-replica':
      return null
  }
}

function noReplica({ hasCandidates, readFrom }: RoleQuestion): RoleAnswer | null {
  if (hasCandidates) return null
  const groups = readFrom === null ? '' : ` of ${shownGroups(readFrom)}`
  return primary('no-replica', `no replica${groups} may be used`)
}

/** A read, or a transaction that is declared read only: the server of a replica can hold it whole. */
export function mayRunOnReplica({ intent, transaction }: Classification): boolean {
  return intent === 'read' || (transaction?.kind === 'begin' && transaction.readOnly)
}

/** Statements of the session that write, or keep others from writing; the rest of them leaves data as it is. */
const WRITING_SESSION: readonly string[] = ['EXECUTE', 'XA', 'LOCK', 'NOTIFY']

/** Whether a statement is refused where nothing may be written. Ending a statement of somebody's (`KILL`) writes nothing. */
export function mayWrite({ intent, reason, statements }: Classification): boolean {
  if (intent === 'session') return statements !== 1 || WRITING_SESSION.includes(reason)
  return intent === 'write' && reason !== 'KILL'
}

function primary(rule: RoleRule, reason: string): RoleAnswer {
  return { role: 'primary', rule, reason, nodeId: null }
}

function pointed(target: Target, rule: RoleRule, who: string): RoleAnswer | null {
  if (target.role === null) return null
  return {
    role: target.role,
    rule,
    reason: `${who} ${target.nodeId ?? `the ${target.role}`}`,
    nodeId: target.nodeId,
  }
}
