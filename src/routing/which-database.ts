import { SplitpoolError } from '../errors'
import type { Classification } from '../statement/classification'
import type { DatabaseRule } from './decision'
import type { Instances } from './instances'
import { unclaimed, type Model, type Models } from './models'
import { nearestToPrimary } from './read-preference'
import type { AliasMethod, Hints, RouterChain } from './router-chain'
import { parseTarget, type KnownNodes, type Target } from './target'

/** All that the choice of a database looks at. */
export interface DatabaseQuestion {
  readonly classification: Classification
  /** The call's own word. */
  readonly explicit: Target | null
  /** The innermost frame that names a database. */
  readonly frame: Target | null
  /** The model, when the call names one. */
  readonly model: Model | null
  readonly hints: Hints
  /** The alias of the pool the statement came through; `null` when it came through none. */
  readonly pool: string | null
}

/** What the choice of a database knows of the application; the same for every statement. */
export interface DatabaseRules {
  readonly databases: ReadonlyMap<string, KnownNodes>
  readonly models: Models
  readonly chain: RouterChain
  readonly instances: Instances
  readonly reach: Reach
}

/**
 * Which tables of `other` a statement for `alias` can name: `all` when both are the same databases on the same servers,
 * `qualified` when only the servers are, so that a table needs the name of its database in front.
 */
export type Reach = (alias: string, other: string) => 'all' | 'qualified' | 'none'

export interface DatabaseAnswer {
  readonly alias: string
  readonly rule: DatabaseRule
  /** What the rule answered, which may name a role or a node as well; `null` for a database alone. */
  readonly target: Target | null
  /** The model the statement is about: the call's, or that of the first table that has one. */
  readonly model: Model | null
  /** What that model wishes for its reads, or those of all tables together. */
  readonly wishes: Wishes | null
  /** Other aliases whose tables it names too, which are on the same servers. */
  readonly also: readonly string[]
}

export type Wishes = Pick<Model, 'reads' | 'readFrom' | 'balancer'>

const NONE: readonly string[] = Object.freeze([])

/**
 * Which database a statement belongs to; the first answer wins:
 * the call's alias → the comment in the text → a frame → where its model lives, or those of the tables that it names →
 * the alias of the pool → `default`.
 *
 * @throws {SplitpoolError} `ERR_CROSS_DATABASE` when the tables of one statement live in two databases
 */
export function whichDatabase(question: DatabaseQuestion, rules: DatabaseRules): DatabaseAnswer {
  const { classification, explicit, frame, model } = question
  if (explicit?.alias != null) return answer(explicit.alias, 'explicit-alias', explicit, model)
  if (classification.hint !== null) {
    const target = parseTarget(classification.hint, rules.databases)
    if (target.alias !== null) return answer(target.alias, 'comment', target, model)
  }
  if (frame?.alias != null) return answer(frame.alias, 'frame', null, model)

  if (model !== null) {
    const { alias, rule, target } = homeOf(model, methodFor(classification), question.hints, rules)
    return answer(alias, rule, target, model)
  }
  const home = classification.tables.length === 0 ? null : homeOfTables(question, rules)
  if (home !== null) return home
  if (question.pool !== null) return answer(question.pool, 'pool', null, null)
  return answer('default', 'default', null, null)
}

function answer(
  alias: string,
  rule: DatabaseRule,
  target: Target | null,
  model: Model | null,
): DatabaseAnswer {
  return { alias, rule, target, model, wishes: model, also: NONE }
}

function methodFor({ intent }: Classification): AliasMethod {
  return intent === 'read' ? 'dbForRead' : 'dbForWrite'
}

/** Where a model lives. */
export type Home = Pick<DatabaseAnswer, 'alias' | 'rule' | 'target'>

/**
 * Where a model that was defined lives; the first answer wins: the router chain → its bind key → the alias of the
 * instance in the hints → `default`.
 */
export function homeOf(model: Model, method: AliasMethod, hints: Hints, rules: DatabaseRules): Home {
  return settled(model, method, hints, rules) ?? { alias: 'default', rule: 'model', target: null }
}

/** The same without the last resort; `null` when nobody has an opinion. */
function settled(model: Model, method: AliasMethod, hints: Hints, rules: DatabaseRules): Home | null {
  const target = rules.chain.aliasFor(method, model, hints)
  if (target?.alias != null) return { alias: target.alias, rule: 'router-chain', target }
  if (model.bind !== null) return { alias: model.bind, rule: 'model', target: null }
  const alias = rules.instances.aliasOf(hints.instance)
  return alias === null ? null : { alias, rule: 'instance', target: null }
}

/** Where the tables of a statement live. Those that nobody has an opinion on follow the others. */
function homeOfTables(
  { classification, hints }: DatabaseQuestion,
  rules: DatabaseRules,
): DatabaseAnswer | null {
  let home: DatabaseAnswer | null = null
  let named = ''
  for (const table of classification.tables) {
    const full = table.schema === null ? table.name : `${table.schema}.${table.name}`
    const model = rules.models.ofTable(table)
    if (model === null && rules.chain.empty) continue
    const method = methodFor(classification)
    const found =
      model === null ? settled(unclaimed(full), method, hints, rules) : homeOf(model, method, hints, rules)
    if (found === null) continue
    const { alias, rule, target } = found
    if (home === null) {
      home = answer(alias, rule === 'model' ? 'table' : rule, target, model)
      named = full
      continue
    }
    if (home.alias !== alias) {
      const reach = rules.reach(home.alias, alias)
      if (reach === 'none' || (reach === 'qualified' && table.schema === null)) {
        throw new SplitpoolError(
          'ERR_CROSS_DATABASE',
          `One statement cannot span databases: table ${named} lives in ${home.alias}, table ${full} in ${alias}. Run the inner query first and pass its values to the outer one`,
        )
      }
    }
    home = together(home, found, model)
  }
  return home
}

/** Of several tables, whatever their order, the wish that is nearer to the primary holds. */
function together(home: DatabaseAnswer, found: Home, model: Model | null): DatabaseAnswer {
  const { wishes } = home
  const elsewhere = found.alias !== home.alias && !home.also.includes(found.alias)
  const role = home.target?.role ?? null
  const stricter =
    found.target !== null && (role === null ? found.target.role !== null : found.target.role === 'primary')
  // A node of another alias is, on the same servers, the primary here, or else any replica.
  const node =
    found.alias === home.alias
      ? found.target
      : { alias: home.alias, role: found.target?.role ?? null, nodeId: null }
  const adds = model !== null && (home.model === null || hasWishes(model))
  if (!elsewhere && !stricter && !adds) return home
  return {
    ...home,
    ...(stricter && { target: node, rule: 'router-chain' }),
    model: home.model ?? model,
    wishes:
      wishes === null || model === null
        ? (wishes ?? model)
        : {
            reads: nearestToPrimary(wishes.reads, model.reads),
            readFrom: wishes.readFrom ?? model.readFrom,
            balancer: wishes.balancer ?? model.balancer,
          },
    also: elsewhere ? [...home.also, found.alias] : home.also,
  }
}

/** Most models have none, and then nothing is made for their tables. */
function hasWishes({ reads, readFrom, balancer }: Wishes): boolean {
  return reads !== null || readFrom !== null || balancer !== null
}
