import { SplitpoolError } from '../errors'
import type { DatabaseSnapshot, NodeSnapshot } from '../nodes/node'
import { shownGroups, type ReadFrom } from '../routing/read-from'
import { whatCame } from '../routing/what-came'
import type { RoleAnswer } from '../routing/which-role'
import type { Balancer, Candidate, Picking } from './balancer'
import { usable, usableFrom } from './candidates'

/** All that the choice of a node looks at. */
export interface NodeQuestion {
  readonly alias: string
  readonly snapshot: DatabaseSnapshot
  readonly answer: RoleAnswer
  /** The groups that the node must be of. */
  readonly readFrom: ReadFrom | null
  /** The node that the scope has picked before. */
  readonly pin: string | undefined
}

/**
 * The node that serves a statement where there is nothing to choose: the primary; the replica that was asked for; the
 * scope's pin while it may be used and has the role. Else `null`, and `pickNode` chooses.
 */
export function settledNode({ snapshot, answer, pin }: NodeQuestion): NodeSnapshot | null {
  if (answer.role === 'primary') return snapshot.primary
  const wanted = answer.nodeId ?? pin
  if (wanted === undefined) return null
  const node = snapshot.nodes.find(({ id }) => id === wanted)
  if (node === undefined) return null
  if (answer.nodeId !== null) return node
  return usable(node) && (answer.role === 'any' || node.role === 'replica') ? node : null
}

/**
 * The balancer's choice among the candidates.
 *
 * @param inFlight statements of this process that run on a node now
 * @throws {SplitpoolError} `ERR_NO_CANDIDATE`; `ERR_BALANCER` when a custom balancer answers with no candidate
 */
export function pickNode(
  question: NodeQuestion,
  balancer: Balancer,
  picking: Picking,
  inFlight: (nodeId: string) => number,
): NodeSnapshot {
  const { alias, snapshot, answer, readFrom } = question
  const { forReads } = snapshot
  const ofRole = answer.role === 'any' ? forReads : forReads.filter(({ role }) => role === 'replica')
  const able = usableFrom(ofRole, readFrom)
  if (able.length === 0) throw noCandidate(question)
  const given = able.map(({ id, weight, tags }) => ({ id, weight, tags, inFlight: inFlight(id) }))
  const picked: unknown = balancer.pick(given, picking)
  const node = able.find(({ id }) => id === (picked as Partial<Candidate> | null | undefined)?.id)
  if (node !== undefined) return node
  throw new SplitpoolError(
    'ERR_BALANCER',
    `The balancer of ${alias} must return one of its candidates (${able.map(({ id }) => id).join(', ')}); it returned ${whatCame(picked)}`,
  )
}

function noCandidate({ alias, snapshot, answer, readFrom }: NodeQuestion): SplitpoolError {
  const tags = new Set(snapshot.forReads.flatMap((node) => node.tags))
  const groups =
    readFrom === null
      ? ''
      : ` of ${shownGroups(readFrom)} (its tags: ${[...tags].map((tag) => `'${tag}'`).join(', ') || 'none'})`
  return new SplitpoolError(
    'ERR_NO_CANDIDATE',
    `${alias} has no replica${groups} that may be used, and ${answer.reason}`,
  )
}
