import type { ResolvedNode } from './adapters/adapter'
import type { Balancer, Random } from './balancing/balancer'
import type { BalancerName } from './balancing/create-balancer'
import type { Database, DatabaseOptions } from './database'
import { quoted, record, refuse, refuseUnknown, refuseUnlessOneOf } from './refuse'
import { Models, type Model } from './routing/models'
import { READ_PREFERENCES, type ReadPreference } from './routing/read-preference'
import type { DatabaseRouter } from './routing/router-chain'
import { checkBalancer } from './scope/scope-options'
import type { FunctionOptions } from './statement/classification'

/** A model and where it lives. */
export interface ModelOptions {
  /** Its table, with the schema if need be (`'sales.orders'`). Default: the model's name in lower case. */
  readonly table?: string
  /** Flask-SQLAlchemy's bind key: the alias of its database. Default: `default`. */
  readonly bind?: string
  /** Where its reads go. Default: its database's `reads`. */
  readonly reads?: ReadPreference
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
  /** How a scope's replica is chosen. Default `random`. A database may have its own. */
  readonly balancer?: BalancerName | Balancer
  /** What the application's own functions do. Default: they read, until a replica refuses one. */
  readonly functions?: FunctionOptions | 'strict'
  /** What chance is drawn from. Default `Math.random`. */
  readonly random?: Random
}

export interface ResolvedDatabase {
  readonly alias: string
  readonly database: Database
  readonly primary: ResolvedNode & { readonly id: string }
  readonly replicas: readonly (ResolvedNode & { readonly id: string })[]
  readonly reads: ReadPreference
  readonly balancer: BalancerName | Balancer
  readonly functions: FunctionOptions
}

export interface ResolvedOptions {
  readonly databases: readonly ResolvedDatabase[]
  readonly models: Models
  readonly routers: readonly DatabaseRouter[]
  readonly random: Random
}

const DEFAULTS = {
  reads: 'prefer-replica',
  balancer: 'random',
  functions: {},
} as const satisfies DatabaseOptions

const SHARED = ['reads', 'balancer', 'functions'] as const

const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/

/**
 * Checks all options and fills in the defaults.
 *
 * @throws {SplitpoolError} `ERR_INVALID_OPTION`, naming the path, what was expected and what came
 */
export function resolveOptions(options: RouterOptions): ResolvedOptions {
  const given = record(options, 'options')
  refuseUnknown(given, ['databases', 'models', 'routers', 'random', ...SHARED], '')
  const shared = { ...DEFAULTS, ...databaseOptions(options, '') }
  const databases = Object.entries(record(given['databases'], 'databases')).map(([alias, database]) =>
    resolveDatabase(alias, database, shared),
  )
  if (databases.length === 0) refuse('databases', 'at least one database', given['databases'])
  const aliases = databases.map(({ alias }) => alias)
  if (options.random !== undefined && typeof options.random !== 'function') {
    refuse('random', 'a function that returns a number', options.random)
  }
  return {
    databases,
    models: new Models(resolveModels(options.models, aliases)),
    routers: resolveRouters(options.routers),
    random: options.random ?? Math.random,
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
  for (const key of ['id', 'weight']) {
    const came = (first as Readonly<Record<string, unknown>> | null)?.[key]
    const none = `none, since it is known as ${alias}:primary and takes no share`
    if (came !== undefined) refuse(`${path}.primary.${key}`, none, came)
  }
  const primary = { ...adapter.resolveNode(first, `${path}.primary`), id: `${alias}:primary` }
  const ids = new Set([primary.id])
  return {
    alias,
    database: given,
    primary,
    replicas: replicas.map((node: unknown, index) => {
      const at = `${path}.replicas[${index}]`
      const resolved = adapter.resolveNode(node, at)
      if (samePool(primary, resolved))
        refuse(at, 'another pool than the primary’s, since its sessions are made read only', node)
      const name = resolved.id ?? `replica-${index + 1}`
      if (!NAME.test(name)) refuse(`${at}.id`, 'letters, digits, _ and -', name)
      if (name === 'primary' || name === 'replica') refuse(`${at}.id`, `a name other than '${name}'`, name)
      const id = `${alias}:${name}`
      if (ids.has(id)) refuse(`${at}.id`, 'an id that no other node of the database has', name)
      ids.add(id)
      return { ...resolved, id }
    }),
    reads: settled.reads,
    balancer: settled.balancer,
    functions: settled.functions === 'strict' ? { strict: true } : settled.functions,
  }
}

/** The options that router and database share, checked; only those that were given. */
function databaseOptions(given: DatabaseOptions, path: string): Partial<Required<DatabaseOptions>> {
  const { reads, balancer, functions } = given
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
    ...(balancer === undefined ? {} : { balancer }),
    ...(functions === undefined ? {} : { functions }),
  }
}

function resolveModels(models: RouterOptions['models'], aliases: readonly string[]): Model[] {
  if (models === undefined) return []
  return Object.entries(record(models, 'models')).map(([name, given]) => {
    const path = `models.${name}`
    const model = record(given, path)
    refuseUnknown(model, ['table', 'bind', 'reads'], path)
    const { table = name.toLowerCase(), bind, reads } = model
    if (typeof table !== 'string' || table === '') refuse(`${path}.table`, 'the name of a table', table)
    if (bind !== undefined) refuseUnlessOneOf(bind, aliases, `${path}.bind`)
    else if (!aliases.includes('default')) {
      refuse(`${path}.bind`, `${quoted(aliases)}, since there is no database 'default'`, bind)
    }
    if (reads !== undefined) refuseUnlessOneOf(reads, READ_PREFERENCES, `${path}.reads`)
    return { name, table, bind: bind ?? 'default', reads: reads ?? null } as Model
  })
}

function resolveRouters(routers: RouterOptions['routers']): DatabaseRouter[] {
  if (routers === undefined) return []
  if (!Array.isArray(routers)) refuse('routers', 'an array of routers', routers)
  return (routers as unknown[]).map((given, index) => {
    const router: unknown = isClass(given) ? new given() : given
    if (typeof router !== 'object' || router === null)
      refuse(`routers[${index}]`, 'an object or a class', router)
    return router
  })
}

/** Whether the application gave one and the same pool for two nodes. */
function samePool(one: ResolvedNode, other: ResolvedNode): boolean {
  return one.pool !== null && one.pool === other.pool
}

/** Arrow functions and methods have no prototype, and cannot be constructed. */
function isClass(value: unknown): value is new () => unknown {
  return typeof value === 'function' && (value as { prototype?: unknown }).prototype !== undefined
}

function isDatabase(value: unknown): value is Database {
  return typeof value === 'object' && value !== null && 'adapter' in value && 'dialect' in value
}
