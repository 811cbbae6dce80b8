import type { ResolvedNode } from './adapters/adapter'
import type { Balancer, Random } from './balancing/balancer'
import type { BalancerName } from './balancing/create-balancer'
import type { Database, DatabaseOptions } from './database'
import { checkHome, checkModelOptions } from './model-options'
import { kindOf, record, refuse, refuseUnknown, refuseUnlessOneOf } from './refuse'
import { ANSWERS } from './routing/answers'
import { Models, type ModelOptions } from './routing/models'
import type { ReadFrom } from './routing/read-from'
import { READ_PREFERENCES, type ReadPreference } from './routing/read-preference'
import { Rollout } from './routing/rollout'
import { ROUTER_METHODS, type DatabaseRouter } from './routing/router-chain'
import type { ScopeKey } from './routing/scope-attributes'
import { checkBalancer, checkReadFrom, tagsOf } from './scope/scope-options'
import type { FunctionOptions } from './statement/classification'

export const MODES = ['split', 'shadow'] as const
export type Mode = (typeof MODES)[number]

/** A share of the scopes, stable by a key of theirs. */
export interface RolloutOptions {
  /** From 0 to 1. */
  readonly share: number
  /** Gives a string or a number; a scope for which it gives nothing is drawn by chance, once. Default: all are. */
  readonly key?: ScopeKey
}

export type Databases = Readonly<Record<string, Database>>

export interface RouterOptions<D extends Databases = Databases> {
  /** The databases by alias. */
  readonly databases: D
  /** The models by name. A statement over their tables goes to their database. */
  readonly models?: Readonly<Record<string, ModelOptions>>
  /** Django's `DATABASE_ROUTERS`, as objects or as classes without constructor arguments; asked in order. */
  readonly routers?: readonly (DatabaseRouter | (new () => DatabaseRouter))[]
  /** Where reads go. Default `prefer-replica`. A database and a model may have their own. */
  readonly reads?: ReadPreference
  /** Which nodes reads may go to, by tag, such as `['eu', '*']`. Default all. A database and a model may have their own. */
  readonly readFrom?: ReadFrom
  /**
   * `split` is what splitpool is for. In `shadow` everything goes to the primary, and `router.shadow()` lists what would
   * have gone to a replica. Default `split`.
   */
  readonly mode?: Mode
  /**
   * The share of scopes whose reads may go to replicas, from 0 to 1; the rest read from the primary. With a `key`, such
   * as `(scope) => scope.userId`, who is in is so in every scope and process, and stays in while the share grows.
   * Default 1.
   */
  readonly rollout?: number | RolloutOptions
  /** How a scope's replica is chosen. Default `random`. A database and a model may have their own. */
  readonly balancer?: BalancerName | Balancer
  /** What the application's own functions do. Default: they read, until a replica refuses one. */
  readonly functions?: FunctionOptions | 'strict'
  /** What chance is drawn from. Default `Math.random`. */
  readonly random?: Random
}

/** A node with its full id, and the defaults of its role. */
export type NamedNode = ResolvedNode & {
  readonly id: string
  readonly weight: number
  readonly reads: boolean
}

export interface ResolvedDatabase {
  readonly alias: string
  readonly database: Database
  readonly primary: NamedNode
  readonly replicas: readonly NamedNode[]
  readonly reads: ReadPreference
  readonly readFrom: ReadFrom
  readonly balancer: BalancerName | Balancer
  readonly functions: FunctionOptions
}

export interface ResolvedOptions {
  readonly databases: readonly ResolvedDatabase[]
  readonly models: Models
  readonly routers: readonly DatabaseRouter[]
  readonly mode: Mode
  readonly rollout: Rollout | null
  readonly random: Random
}

const DEFAULTS = {
  reads: 'prefer-replica',
  readFrom: ['*'],
  balancer: 'random',
  functions: {},
} as const satisfies DatabaseOptions

const SHARED = ['reads', 'readFrom', 'balancer', 'functions'] as const

const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/

/**
 * Checks all options and fills in the defaults.
 *
 * @throws {SplitpoolError} `ERR_INVALID_OPTION`, naming the path, what was expected and what came
 */
export function resolveOptions(options: RouterOptions): ResolvedOptions {
  const given = record(options, 'options')
  refuseUnknown(given, ['databases', 'models', 'routers', 'mode', 'rollout', 'random', ...SHARED], '')
  const shared = { ...DEFAULTS, ...databaseOptions(options, '') }
  const databases = Object.entries(record(given['databases'], 'databases')).map(([alias, database]) =>
    resolveDatabase(alias, database, shared),
  )
  if (databases.length === 0) refuse('databases', 'at least one database', given['databases'])
  const tags = tagsOf(databases.map(({ primary, replicas }) => ({ nodes: [primary, ...replicas] })))
  if (options.readFrom !== undefined) checkReadFrom(options.readFrom, 'readFrom', tags)
  if (options.mode !== undefined) refuseUnlessOneOf(options.mode, MODES, 'mode')
  const aliases = databases.map(({ alias }) => alias)
  if (options.random !== undefined && typeof options.random !== 'function') {
    refuse('random', 'a function that returns a number', options.random)
  }
  const { random = Math.random } = options
  return {
    databases,
    models: resolveModels(options.models, aliases, tags),
    routers: resolveRouters(options.routers, aliases),
    mode: options.mode ?? 'split',
    rollout: resolveRollout(options.rollout, random),
    random,
  }
}

function resolveDatabase(alias: string, given: unknown, shared: Required<DatabaseOptions>): ResolvedDatabase {
  const path = `databases.${alias}`
  if (!NAME.test(alias)) refuse(path, 'an alias of letters, digits, _ and -', alias)
  if (!isDatabase(given)) refuse(path, 'what postgres() or mysql() returns', given)
  const { adapter, options } = given
  refuseUnknown(options, ['primary', 'replicas', ...SHARED], path)
  const { primary: first, replicas = [] } = options
  if (first === undefined) refuse(`${path}.primary`, 'a URL, options or a pool', undefined)
  if (!Array.isArray(replicas)) refuse(`${path}.replicas`, 'an array of nodes', replicas)
  const settled = { ...shared, ...databaseOptions(options, path) }
  const ids = new Set<string>()
  const primary = resolvePrimary(alias, adapter.resolveNode(first, `${path}.primary`), `${path}.primary`)
  const resolved = {
    alias,
    database: given,
    primary,
    replicas: replicas.map((node: unknown, index) => {
      const at = `${path}.replicas[${index}]`
      const resolved = adapter.resolveNode(node, at)
      const { weight, reads } = resolved
      if (samePool(primary, resolved))
        refuse(at, 'another pool than the primary’s, since its sessions are made read only', node)
      const name = resolved.id ?? `replica-${index + 1}`
      if (!NAME.test(name)) refuse(`${at}.id`, 'letters, digits, _ and -', name)
      if (name === 'primary' || name === 'replica') refuse(`${at}.id`, `a name other than '${name}'`, name)
      const id = `${alias}:${name}`
      if (ids.has(id)) refuse(`${at}.id`, 'an id that no other node of the database has', name)
      ids.add(id)
      return { ...resolved, id, weight: weight ?? 1, reads: reads ?? true }
    }),
    reads: settled.reads,
    readFrom: settled.readFrom,
    balancer: settled.balancer,
    functions: settled.functions === 'strict' ? { strict: true } : settled.functions,
  }
  if (options['readFrom'] !== undefined) {
    checkReadFrom(
      options['readFrom'],
      `${path}.readFrom`,
      tagsOf([{ nodes: [primary, ...resolved.replicas] }]),
    )
  }
  return resolved
}

/** It takes a share of the reads when it is given one, and has one name. */
function resolvePrimary(alias: string, primary: ResolvedNode, path: string): NamedNode {
  const { id, weight, reads } = primary
  if (id !== null) refuse(`${path}.id`, `none, since it is known as ${alias}:primary`, id)
  if (reads !== null)
    refuse(`${path}.reads`, 'none, since a weight makes it one of those that are read', reads)
  return { ...primary, id: `${alias}:primary`, weight: weight ?? 1, reads: weight !== null }
}

function resolveRollout(given: RouterOptions['rollout'], random: Random): Rollout | null {
  if (given === undefined) return null
  if (typeof given === 'number') {
    checkShare(given, 'rollout')
    return new Rollout(given, null, random)
  }
  const options = record(given, 'rollout', 'a number from 0 to 1, or an object with share')
  refuseUnknown(options, ['share', 'key'], 'rollout')
  const { share, key } = options
  checkShare(share, 'rollout.share')
  if (key !== undefined && typeof key !== 'function') refuse('rollout.key', 'a function of the scope', key)
  return new Rollout(share, (key as ScopeKey | undefined) ?? null, random)
}

function checkShare(given: unknown, path: string): asserts given is number {
  if (!(typeof given === 'number' && given >= 0 && given <= 1)) refuse(path, 'a number from 0 to 1', given)
}

/** The options that router and database share, checked; only those that were given. */
function databaseOptions(given: DatabaseOptions, path: string): Partial<Required<DatabaseOptions>> {
  const { reads, readFrom, balancer, functions } = given
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`)
  if (reads !== undefined) refuseUnlessOneOf(reads, READ_PREFERENCES, at('reads'))
  if (balancer !== undefined) checkBalancer(balancer, at('balancer'))
  if (functions !== undefined && functions !== 'strict') {
    const declared = record(functions, at('functions'), `'strict' or an object`)
    refuseUnknown(declared, ['write', 'read', 'strict'], at('functions'))
    for (const key of ['write', 'read'] as const) {
      const names = declared[key]
      if (names !== undefined && !(Array.isArray(names) && names.every((name) => typeof name === 'string'))) {
        refuse(`${at('functions')}.${key}`, 'an array of function names', names)
      }
    }
    if (declared['strict'] !== undefined && typeof declared['strict'] !== 'boolean') {
      refuse(`${at('functions')}.strict`, 'true or false', declared['strict'])
    }
  }
  return {
    ...(reads === undefined ? {} : { reads }),
    ...(readFrom === undefined ? {} : { readFrom }),
    ...(balancer === undefined ? {} : { balancer }),
    ...(functions === undefined ? {} : { functions }),
  }
}

const MODELS = 'an object with the options of each model by its name'

function resolveModels(
  given: RouterOptions['models'],
  aliases: readonly string[],
  tags: ReadonlySet<string>,
): Models {
  const models = new Models()
  const named = given === undefined ? {} : record(given, 'models', MODELS)
  if (kindOf(named) !== 'Object') refuse('models', MODELS, given)
  if ('' in named) refuse('models', 'a name for each model', '')
  const entries = Object.entries(named)
  models.defineAll(
    new Map(
      entries.map(([name, model]) => [name, checkModelOptions(model, aliases, tags, `models.${name}`)]),
    ),
  )
  for (const { name, bind } of models.list()) checkHome(bind, aliases, `models.${name}`)
  return models
}

function resolveRouters(routers: RouterOptions['routers'], aliases: readonly string[]): DatabaseRouter[] {
  if (routers === undefined) return []
  if (!Array.isArray(routers)) refuse('routers', 'an array of routers', routers)
  return (routers as unknown[]).map((given, index) => {
    const router: unknown = isClass(given) ? new given() : given
    if (typeof router !== 'object' || router === null || Array.isArray(router) || 'then' in router)
      refuse(`routers[${index}]`, 'an object or a class', router)
    checkRouter(router, aliases, `routers[${index}]`)
    return router
  })
}

function checkRouter(router: object, aliases: readonly string[], path: string): void {
  for (const method of ROUTER_METHODS) {
    const own = (router as Readonly<Record<string, unknown>>)[method]
    if (own != null && typeof own !== 'function') refuse(`${path}.${method}`, 'a method', own)
    const theirs = method.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    if (theirs in router)
      refuse(
        `${path}.${theirs}`,
        `nothing of this name (did you mean ${method}?)`,
        (router as Readonly<Record<string, unknown>>)[theirs],
      )
  }
  const { [ANSWERS]: answers = [] } = router as { readonly [ANSWERS]?: readonly string[] }
  for (const alias of answers) refuseUnlessOneOf(alias, aliases, `${path}: the alias`)
}

/** Whether the application gave one and the same pool for two nodes. */
function samePool(one: ResolvedNode, other: ResolvedNode): boolean {
  return one.pool !== null && one.pool === other.pool
}

/** Arrow functions and methods have no prototype, and cannot be constructed; generators have one, and cannot either. */
function isClass(value: unknown): value is new () => unknown {
  if (typeof value !== 'function' || kindOf(value) !== 'Function') return false
  return (value as { readonly prototype?: unknown }).prototype !== undefined
}

function isDatabase(value: unknown): value is Database {
  return typeof value === 'object' && value !== null && 'adapter' in value && 'dialect' in value
}
