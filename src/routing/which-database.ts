import { SplitpoolError } from '../errors'
import type { Classification } from '../statement/classification'
import type { DatabaseRule } from './decision'
import type { Model, Models } from './models'
import { askRouters, type DatabaseRouter, type Hints } from './router-chain'
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
  readonly routers: readonly DatabaseRouter[]
}

export interface DatabaseAnswer {
  readonly alias: string
  readonly rule: DatabaseRule
  /** What the rule answered, which may name a role or a node as well; `null` for a database alone. */
  readonly target: Target | null
  /** The model the statement is about: the call's, or that of the tables when they agree on one. */
  readonly model: Model | null
}

/**
 * Which database a statement belongs to; the first answer wins:
 * the call's alias → the comment in the text → a frame → the router chain → the bind key of the model → that of the
 * tables the statement names → the alias of the pool → `default`.
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
    const home = homeOf(model, question, rules)
    if (home !== null) return home
  } else if (classification.tables.length > 0) {
    const home = homeOfTables(question, rules)
    if (home !== null) return home
  }
  if (question.pool !== null) return answer(question.pool, 'pool', null, model)
  return answer('default', 'default', null, model)
}

function answer(
  alias: string,
  rule: DatabaseRule,
  target: Target | null,
  model: Model | null,
): DatabaseAnswer {
  return { alias, rule, target, model }
}

/** Where one model lives by the router chain, else by its bind key; `null` when neither has an opinion. */
function homeOf(model: Model, question: DatabaseQuestion, rules: DatabaseRules): DatabaseAnswer | null {
  const method = question.classification.intent === 'read' ? 'dbForRead' : 'dbForWrite'
  const said = askRouters(rules.routers, method, model, question.hints)
  if (said !== null) {
    const target = parseTarget(said, rules.databases)
    if (method === 'dbForWrite' && target.role === 'replica') {
      throw new SplitpoolError(
        'ERR_ROUTER_ANSWER',
        `A router of the chain sends writes of ${model.name ?? model.table} to ${said}, which is a replica`,
      )
    }
    if (target.alias !== null) return answer(target.alias, 'router-chain', target, model)
  }
  if (model.bind !== null) return answer(model.bind, question.model === null ? 'table' : 'model', null, model)
  return null
}

/** Where the tables of a statement live. Those that nobody has an opinion on follow the others. */
function homeOfTables(question: DatabaseQuestion, rules: DatabaseRules): DatabaseAnswer | null {
  let home: DatabaseAnswer | null = null
  let named = ''
  for (const table of question.classification.tables) {
    const full = table.schema === null ? table.name : `${table.schema}.${table.name}`
    const model = rules.models.ofTable(table)
    if (model === null && rules.routers.length === 0) continue
    const found = homeOf(model ?? { name: null, table: full, bind: null, reads: null }, question, rules)
    if (found === null) continue
    if (home !== null && home.alias !== found.alias) {
      throw new SplitpoolError(
        'ERR_CROSS_DATABASE',
        `One statement cannot span databases: table ${named} lives in ${home.alias}, table ${full} in ${found.alias}. Run the inner query first and pass its values to the outer one`,
      )
    }
    if (home === null) {
      home = model === null ? { ...found, model: null } : found
      named = full
    }
  }
  return home
}
