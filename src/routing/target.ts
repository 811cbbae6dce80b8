import { SplitpoolError } from '../errors'
import type { Role } from './decision'
import { whatCame } from './what-came'

/**
 * Where the application points: a database (`users`), or one of its nodes (`users:primary`, `users:replica-1`).
 * `alias` is `null` for "whichever database, but its primary".
 */
export interface Target {
  readonly alias: string | null
  readonly role: Role | null
  /** The node by alias, when one replica is named; `null` leaves the choice to the balancer. */
  readonly nodeId: string | null
}

/** What exists: enough of a topology to check a target against. */
export interface KnownNodes {
  readonly nodes: readonly { readonly id: string; readonly role: Role; readonly tags: readonly string[] }[]
}

/**
 * Reads `'users'`, `'users:primary'`, `'users:replica'` (any replica) or `'users:replica-1'` (this one).
 *
 * @param from who said it, for the beginning of a message. Default: nothing
 * @throws {SplitpoolError} `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`, naming what came and what exists
 */
export function parseTarget(given: string, databases: ReadonlyMap<string, KnownNodes>, from = ''): Target {
  const text: unknown = given
  if (typeof text !== 'string') throw unknownAlias(text, databases.keys(), from)
  const colon = text.indexOf(':')
  const alias = colon === -1 ? text : text.slice(0, colon)
  const database = databases.get(alias)
  if (database === undefined) throw unknownAlias(alias, databases.keys(), from)
  if (colon === -1) return { alias, role: null, nodeId: null }
  const wanted = text.slice(colon + 1)
  if (wanted === 'primary' || wanted === 'replica') return { alias, role: wanted, nodeId: null }
  const node = database.nodes.find(({ id }) => id === text)
  if (node === undefined) {
    throw new SplitpoolError(
      'ERR_UNKNOWN_NODE',
      `${from}Unknown node ${JSON.stringify(text)}; ${alias} has ${database.nodes.map(({ id }) => id).join(', ')}`,
    )
  }
  return { alias, role: node.role, nodeId: node.role === 'replica' ? node.id : null }
}

/** The same target as a text. */
export function targetText({ alias, role, nodeId }: Target): string {
  return nodeId ?? [alias, role].filter((part) => part !== null).join(':')
}

export function unknownAlias(alias: unknown, known: Iterable<string>, from = ''): SplitpoolError {
  const there = [...known].join(', ')
  const came = typeof alias === 'string' ? JSON.stringify(alias) : whatCame(alias)
  return new SplitpoolError('ERR_UNKNOWN_ALIAS', `${from}Unknown database alias ${came}; there is ${there}`)
}
