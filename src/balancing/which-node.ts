import { SplitpoolError } from '../errors'
import type { DatabaseSnapshot, NodeSnapshot } from '../nodes/node'
import type { RoleAnswer } from '../routing/which-role'
import type { Balancer, Candidate } from './balancer'
import { candidates, usable } from './candidates'

/** All that the choice of a node looks at. */
export interface NodeQuestion {
  readonly alias: string
  readonly snapshot: DatabaseSnapshot
  readonly answer: RoleAnswer
  /** The replica that the scope has picked before. */
  readonly pin: string | undefined
  readonly balancer: Balancer
  /** Statements of this process that run on a node now. */
  readonly inFlight: (nodeId: string) => number
}

/**
 * Which node serves a statement: the primary; or the replica that was asked for, else the scope's pin while it may be
 * used, else the balancer's choice among the candidates.
 *
 * @throws {SplitpoolError} `ERR_NO_CANDIDATE`; `ERR_BALANCER` when a custom balancer answers with no candidate
 */
export function whichNode({ alias, snapshot, answer, pin, balancer, inFlight }: NodeQuestion): NodeSnapshot {
  if (answer.role === 'primary') return snapshot.primary
  const wanted = answer.nodeId ?? pin
  const kept = snapshot.replicas.find((node) => node.id === wanted)
  if (kept !== undefined && (answer.nodeId !== null || usable(kept))) return kept

  const able = candidates(snapshot.replicas, usable)
  if (able.length === 0) {
    throw new SplitpoolError(
      'ERR_NO_CANDIDATE',
      `${alias} has no replica that may be used, and ${answer.reason}`,
    )
  }
  const picked = balancer.pick(able.map((node) => ({ ...node, inFlight: inFlight(node.id) })))
  const node = able.find(({ id }) => id === (picked as Candidate | undefined)?.id)
  if (node !== undefined) return node
  throw new SplitpoolError(
    'ERR_BALANCER',
    `The balancer of ${alias} must return one of its candidates (${able.map(({ id }) => id).join(', ')})`,
  )
}
