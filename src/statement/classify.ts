import type { Dialect } from '../dialects/dialect'
import type { Reading } from '../dialects/vocabulary'
import type { Classification, FunctionOptions, Intent, TransactionControl } from './classification'
import { type DeclaredFunctions, declaredFunctions } from './declared-functions'
import { rulesOf } from './dialect-rules'
import { hintOf } from './hint'
import { SETS_SESSION, SETS_TRANSACTION } from './kinds/set'
import { readStatement } from './read-statement'
import { Reader, type ReaderRules } from './reader'
import { type Effect, GRAVE, READ, SECRET, SESSION, WRITE } from './word-table'

export interface ClassifyOptions {
  readonly functions?: FunctionOptions
}

/**
 * What a statement text needs from the server that runs it. What is not provably a read is not a `read`: an unknown
 * statement, a text that is not whole, something that is no text at all. No text makes it throw, and its time grows
 * with the length of the text.
 *
 * Of several statements in one text the gravest decides: `read` < `write` < `session`. Transaction control among other
 * statements counts as `session`, as all of them then belong to one connection.
 */
export function classify(sql: unknown, dialect: Dialect, options: ClassifyOptions = {}): Classification {
  return classifyWith(sql, dialect, declaredFunctions(options.functions))
}

/** The same, for a caller that keeps its declarations prepared. */
export function classifyWith(
  sql: unknown,
  dialect: Dialect,
  declared: DeclaredFunctions | undefined,
): Classification {
  if (typeof sql !== 'string') return unreadable(dialect, 'not a text')
  if (sql.includes('\0')) return unreadable(dialect, 'a NUL character')
  const rules = rulesOf(dialect)
  if (rules === undefined) return unreadable(dialect, 'an unknown dialect')
  const { readings } = rules.lexical
  const { verdict, ambiguous } = read(sql, rules, readings[0], declared)
  if (!ambiguous) return verdict
  return agreed(
    verdict,
    readings.slice(1).map((reading) => read(sql, rules, reading, declared).verdict),
  )
}

interface Read {
  readonly verdict: Classification
  /** Under other settings the server may read the text differently. */
  readonly ambiguous: boolean
}

/** Reads the text under one meaning of its backslashes. */
function read(
  sql: string,
  rules: ReaderRules,
  reading: Reading,
  declared: DeclaredFunctions | undefined,
): Read {
  const reader = new Reader(sql, rules, reading, declared)
  let statements = 0
  let effect: Effect = READ
  let reason = 'no statement'
  let transaction: TransactionControl | null = null
  let sets: Classification['sets'] = null
  while (reader.startStatement()) {
    readStatement(reader)
    statements++
    const set = setBy(reader)
    sets = statements === 1 || set === sets ? set : null
    if (statements === 1 || reader.effect > effect) {
      effect = reader.effect
      reason = reader.reason
    }
    transaction ??= reader.transaction
  }
  if (transaction !== null && statements > 1) {
    effect = SESSION
    reason = 'transaction control among other statements'
  }
  if (effect === READ && reader.executable && ((reader.allWords & GRAVE) !== 0 || declared !== undefined)) {
    effect = WRITE
    reason = 'an executable comment, which some servers run and others skip'
  }
  if (effect !== READ) transaction = null
  const { unknown } = reader.calls
  const tables = reader.tables.list()
  return {
    ambiguous: reader.ambiguous,
    verdict: Object.freeze({
      dialect: reader.dialect,
      intent: transaction === null ? INTENTS[effect] : 'transaction',
      reason: transaction === null ? reason : 'transaction control',
      tables,
      unknownFunctions: unknown === undefined ? NONE : Object.freeze([...unknown]),
      statements,
      transaction: transaction === null ? null : Object.freeze(transaction),
      sets:
        sets === null || tables.length > 0 || unknown !== undefined || OPENS_TRANSACTIONS.test(sql)
          ? null
          : sets,
      hint: hintOf(sql),
      sensitive: (reader.allWords & SECRET) !== 0 && reader.literal,
    }),
  }
}

/** MySQL's, which open and end transactions. */
const OPENS_TRANSACTIONS = /\b(autocommit|completion_type)\b/i

/** What the statement sets: session, if it sets nothing else. */
function setBy({ effect, reason }: Reader): Classification['sets'] {
  if (effect !== SESSION) return null
  return reason === SETS_SESSION ? 'session' : reason === SETS_TRANSACTION ? 'transaction' : null
}

/** One verdict of several on the same text: all must agree, or the gravest counts. */
function agreed(first: Classification, others: readonly Classification[]): Classification {
  if (others.every(({ intent }) => intent === first.intent)) return first
  const session = [first, ...others].some(({ intent }) => intent === 'session')
  return Object.freeze({
    ...first,
    intent: session ? 'session' : 'write',
    reason: 'a backslash before a quote, which settings read differently',
    transaction: null,
    sets: null,
    sensitive: first.sensitive || others.some(({ sensitive }) => sensitive),
  })
}

const INTENTS: Readonly<Record<Effect, Intent>> = { [READ]: 'read', [WRITE]: 'write', [SESSION]: 'session' }

const NONE: readonly never[] = Object.freeze([])

function unreadable(dialect: Dialect, reason: string): Classification {
  return Object.freeze({
    dialect,
    intent: 'write',
    reason,
    tables: NONE,
    unknownFunctions: NONE,
    statements: 1,
    transaction: null,
    sets: null,
    hint: null,
    sensitive: true,
  })
}
