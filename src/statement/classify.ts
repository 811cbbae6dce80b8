import type { Dialect } from '../dialects/dialect'
import type { Reading } from '../dialects/vocabulary'
import type { Classification, FunctionOptions, Intent, TransactionControl } from './classification'
import { type DeclaredFunctions, declaredFunctions } from './declared-functions'
import { rulesOf } from './dialect-rules'
import { hintOf } from './hint'
import { readStatement } from './read-statement'
import { Reader, type ReaderRules } from './reader'
import { type Effect, GRAVE, READ, SECRET, SESSION, WRITE } from './word-table'

export interface ClassifyOptions {
  readonly functions?: FunctionOptions
}

/**
 * What a statement text needs from the server that runs it. One pass over the text, in time that grows with its
 * length; no text makes it throw. What is not provably a read is not a `read`.
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
  const [first, ...others] = rules.lexical.readings as readonly [Reading, ...Reading[]]
  const verdict = read(sql, dialect, rules, first, declared)
  if (!verdict.ambiguous) return verdict.classification
  for (const reading of others) {
    const other = read(sql, dialect, rules, reading, declared)
    if (other.classification.intent !== verdict.classification.intent) {
      return Object.freeze({
        ...verdict.classification,
        ...(verdict.classification.intent === 'read' || verdict.classification.intent === 'transaction'
          ? {
              intent: 'write' as const,
              reason: 'a backslash before a quote, which settings read differently',
            }
          : {}),
        transaction: null,
        sensitive: verdict.classification.sensitive || other.classification.sensitive,
      })
    }
  }
  return verdict.classification
}

interface Verdict {
  readonly classification: Classification
  /** Another reading of the text may come to another verdict. */
  readonly ambiguous: boolean
}

/** Reads the text under one meaning of its backslashes. */
function read(
  sql: string,
  dialect: Dialect,
  rules: ReaderRules,
  reading: Reading,
  declared: DeclaredFunctions | undefined,
): Verdict {
  const reader = new Reader(sql, rules, reading, declared)
  let statements = 0
  let effect: Effect = READ
  let reason = 'no statement'
  let transaction: TransactionControl | null = null
  let controls = false
  while (reader.startStatement()) {
    statements++
    readStatement(reader)
    if (reader.effect > effect || statements === 1) {
      effect = reader.effect
      reason = reader.reason
    }
    if (reader.effect === READ && reader.transaction !== null) {
      controls = true
      transaction = reader.transaction
    }
  }
  if (controls && statements > 1) {
    // A transaction that opens or ends among other statements belongs to its connection, as they then do.
    transaction = null
    effect = SESSION
    reason = 'transaction control among other statements'
  }
  if (effect === READ && reader.executable && ((reader.allWords & GRAVE) !== 0 || declared !== undefined)) {
    effect = WRITE
    reason = 'an executable comment, which some servers run and others skip'
  }
  const intent = transaction !== null && effect === READ ? 'transaction' : INTENTS[effect]
  return {
    ambiguous: reader.ambiguous,
    classification: Object.freeze({
      dialect,
      intent,
      reason: intent === 'transaction' ? 'transaction control' : reason,
      tables: reader.tables.list(),
      unknownFunctions:
        reader.unknownFunctions === undefined ? NONE : Object.freeze([...reader.unknownFunctions]),
      statements,
      transaction: intent === 'transaction' && transaction !== null ? Object.freeze(transaction) : null,
      hint: hintOf(sql),
      sensitive: (reader.allWords & SECRET) !== 0 && reader.literal,
    }),
  }
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
    hint: null,
    sensitive: true,
  })
}
