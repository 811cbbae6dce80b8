import type { Balancer } from '../balancing/balancer'
import { BALANCER_NAMES, type BalancerName } from '../balancing/create-balancer'
import { kindOf, quoted, record, refuse, refuseUnknown, refuseUnlessOneOf } from '../refuse'
import { READ_PREFERENCES, type ReadPreference } from '../routing/read-preference'
import { frozenGroups, type ReadFrom } from '../routing/read-from'
import type { AttributeSource, ScopeAttributes } from '../routing/scope-attributes'
import { parseTarget, type KnownNodes } from '../routing/target'
import type { FrameSettings } from './frame'

/** What `router.with` asks for, for all that runs inside it. What is not given is left as it is outside. */
export interface FrameOptions {
  /** A database (`users`), or with its reads on one node of it (`users:primary`, `users:replica-1`). */
  readonly alias?: string
  /** Where reads go. Where a model has a word of its own, the one nearer to the primary holds. */
  readonly reads?: ReadPreference
  /** Which replicas reads may go to, by tag. */
  readonly readFrom?: ReadFrom
  /** How the replica is chosen, if none has been yet. */
  readonly balancer?: BalancerName | Balancer
  /** A write is refused before anything is sent. Inside, `false` allows writes again. */
  readonly readOnly?: boolean
}

/** What `router.scope` takes. */
export interface ScopeOptions extends FrameOptions {
  /** What balancers and rollouts may go by (`{ userId: 7 }`), or what gives it when it is needed. */
  readonly attributes?: AttributeSource
}

const FRAME_KEYS = ['alias', 'reads', 'readFrom', 'balancer', 'readOnly'] as const

/**
 * Checks the options of a scope or a frame.
 *
 * @throws {SplitpoolError} `ERR_INVALID_OPTION`, `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`
 */
export function frameSettings(
  options: FrameOptions,
  databases: ReadonlyMap<string, KnownNodes>,
  beside: readonly string[] = [],
): Partial<FrameSettings> {
  const given = record(options, 'options')
  refuseUnknown(given, [...FRAME_KEYS, ...beside], 'options')
  const { alias, reads, readFrom, balancer, readOnly } = options
  if (reads !== undefined) refuseUnlessOneOf(reads, READ_PREFERENCES, 'options.reads')
  if (readFrom !== undefined) checkReadFrom(readFrom, 'options.readFrom', tagsOf(databases.values()))
  if (balancer !== undefined) checkBalancer(balancer, 'options.balancer')
  if (readOnly !== undefined && typeof readOnly !== 'boolean')
    refuse('options.readOnly', 'true or false', readOnly)
  return {
    ...(alias === undefined ? {} : { target: parseTarget(alias, databases) }),
    ...(reads === undefined ? {} : { reads }),
    ...(readFrom === undefined ? {} : { readFrom: frozenGroups(readFrom) }),
    ...(balancer === undefined ? {} : { balancer }),
    ...(readOnly === undefined ? {} : { readOnly }),
  }
}

/** @throws {SplitpoolError} `ERR_INVALID_OPTION` */
export function checkAttributes(attributes: unknown): void {
  if (attributes === undefined || typeof attributes === 'function') return
  attributesFrom(attributes, 'an object, or a function that returns one')
}

/**
 * The attributes, if they can be read by name. Those that cannot would all seem to lack the key, so that no balancer and
 * no rollout went by it, without a word.
 *
 * @throws {SplitpoolError} `ERR_INVALID_OPTION`
 */
export function attributesFrom(given: unknown, expected: string): ScopeAttributes {
  const named = record(given, 'options.attributes', expected)
  if (kindOf(named) !== 'Object' || typeof named['then'] === 'function')
    refuse('options.attributes', expected, given)
  return named
}

/** All tags that nodes of these databases have. */
export function tagsOf(databases: Iterable<{ readonly nodes: readonly Tagged[] }>): ReadonlySet<string> {
  return new Set([...databases].flatMap(({ nodes }) => nodes.flatMap(({ tags }) => tags)))
}

interface Tagged {
  readonly tags: readonly string[]
}

/**
 * @param known the tags that exist
 * @throws {SplitpoolError} `ERR_INVALID_OPTION`
 */
export function checkReadFrom(given: unknown, path: string, known: ReadonlySet<string>): void {
  const expected = `an array of tags, or of arrays of tags, such as ['eu', '*']`
  if (!Array.isArray(given) || given.length === 0) refuse(path, expected, given)
  given.forEach((group: unknown, index) => {
    const tags: unknown = typeof group === 'string' ? [group] : group
    if (!isTags(tags)) refuse(`${path}[${index}]`, 'a tag or an array of tags', group)
    const unknown = tags.find((tag) => tag !== '*' && !known.has(tag))
    if (unknown === undefined) return
    const there = known.size === 0 ? 'there is none' : `one of ${quoted([...known])}`
    refuse(`${path}[${index}]`, `'*' or a tag that a node has (${there})`, unknown)
  })
}

function isTags(given: unknown): given is readonly string[] {
  return Array.isArray(given) && given.length > 0 && given.every((tag) => typeof tag === 'string')
}

/** @throws {SplitpoolError} `ERR_INVALID_OPTION` */
export function checkBalancer(given: unknown, path: string): void {
  if (typeof given === 'string') refuseUnlessOneOf(given, BALANCER_NAMES, path)
  else if (typeof (given as Partial<Balancer> | null)?.pick !== 'function') {
    refuse(path, `one of ${quoted(BALANCER_NAMES)} or an object with pick(candidates)`, given)
  }
}
