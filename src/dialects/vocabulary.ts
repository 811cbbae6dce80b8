import type { Dialect } from './dialect'

/**
 * The words that the reading of statements asks for by name, each with a number from 1 to 255. A dialect chooses which of
 * them it knows.
 */
// prettier-ignore
const NUMBERS = {
  select: 1, with: 2, values: 3, table: 4, show: 5, explain: 6, describe: 7, desc: 8, copy: 9, help: 10,
  analyze: 11, analyse: 12, insert: 13, update: 14, delete: 15, replace: 16, merge: 17, truncate: 18,
  create: 19, alter: 20, drop: 21, lock: 22, set: 23, begin: 24, start: 25, commit: 26, rollback: 27,
  end: 28, abort: 29, savepoint: 30, release: 31, prepare: 32, execute: 33, handler: 34, flush: 35,
  rename: 36, grant: 37, revoke: 38, from: 39, join: 40, straight_join: 41, into: 42, using: 43, for: 44,
  as: 45, where: 46, group: 47, having: 48, order: 49, limit: 50, offset: 51, fetch: 52, union: 53,
  intersect: 54, except: 55, window: 56, returning: 57, on: 58, only: 59, lateral: 60, recursive: 61,
  share: 62, no: 63, key: 64, in: 65, distinct: 66, dual: 67, value: 68, next: 69, previous: 70,
  nextval: 71, currval: 72, operator: 73, to: 74, stdout: 75, read: 76, write: 77, isolation: 78,
  level: 79, serializable: 80, repeatable: 81, committed: 82, uncommitted: 83, not: 84, deferrable: 85,
  transaction: 86, work: 87, chain: 88, prepared: 89, snapshot: 90, consistent: 91, verbose: 92,
  extended: 93, partitions: 94, format: 95, schema: 96, database: 97, statement: 98, global: 99,
  persist: 100, persist_only: 101, session: 102, local: 103, temporary: 104, temp: 105, unlogged: 106,
  if: 107, exists: 108, concurrently: 109, low_priority: 110, high_priority: 111, delayed: 112,
  ignore: 113, quick: 114, or: 115, view: 116, materialized: 117, index: 118, unique: 119, trigger: 120,
  procedure: 121, function: 122, event: 123, package: 124, rule: 125, policy: 126, atomic: 127,
  binary: 128, references: 129, sql_calc_found_rows: 130, password: 131, default: 132, tables: 133,
  immediate: 134, foreign: 135, export: 136, uescape: 137, outfile: 138, dumpfile: 139, aggregate: 140,
  definer: 141, columns: 142, fields: 143, indexes: 144, keys: 145, full: 146,
  like: 147, vacuum: 148, refresh: 149,
} as const

export type Keyword = keyof typeof NUMBERS

export const KEYWORD: Readonly<Record<Keyword, number>> = NUMBERS

/** The words of a dialect, as lists of names separated by white space. */
export interface Vocabulary {
  /** Keywords that its statements are read by. */
  readonly keywords: string
  /** Words that start a statement, by what it is. The reads among them are known by their keyword. */
  readonly statements: { readonly write: string; readonly session: string }
  /** Functions, by what a call of them is. */
  readonly calls: { readonly write: string; readonly session: string; readonly pure: string }
  /** Words that stand before a parenthesis without being a function. */
  readonly grammar: string
  /** Tables and views of the server whose rows are not the same on every server or connection. */
  readonly tables: { readonly write: string; readonly session: string }
  /** Schemas that hold nothing but such tables, and the schemas that the server itself owns. */
  readonly schemas: { readonly write: string; readonly session: string; readonly system: string }
  /** System variables whose value is not the same on every server or connection. */
  readonly variables: { readonly write: string; readonly session: string }
  /** Words next to which passwords stand. */
  readonly secrets: string
}

/** How a dialect cuts its text into tokens. */
export interface LexicalRules {
  /** `/* /* *‍/ *‍/` is one comment. */
  readonly nestedComments: boolean
  /** `/*! … *‍/` and `/*M! … *‍/` are code, for some servers. */
  readonly executableComments: boolean
  /** `#` starts a comment that ends with the line. */
  readonly hashComments: boolean
  /** `--` starts a comment only before white space or a control character. */
  readonly dashesNeedSpace: boolean
  /** A carriage return ends the line of a comment. */
  readonly carriageReturnEndsLine: boolean
  /** `$tag$ … $tag$` is a string, `$1` a parameter; otherwise `$` is a letter. */
  readonly dollarQuotes: boolean
  /** `E'…'` has backslash escapes whatever the settings, `U&"…"` is a name with escapes. */
  readonly prefixedQuotes: boolean
  /** `` `…` `` is a name. */
  readonly backticks: boolean
  /** `@name` is a variable of the user, `@@name` one of the system; otherwise `@` is an operator. */
  readonly variables: boolean
  /** A word may start with a digit, as in `2024_sales`. */
  readonly digitsStartWords: boolean
  /**
   * What a backslash can mean inside quotes, by settings that the text does not show. The first is the server's default.
   * A text that reads differently under another one is read under all.
   */
  readonly readings: readonly [Reading, ...Reading[]]
}

export interface Reading {
  /** A backslash in `'…'` takes away the meaning of the next character. */
  readonly backslashInSingleQuotes: boolean
  /** The same in `"…"`. */
  readonly backslashInDoubleQuotes: boolean
}

/** What the reading of statements must know of a dialect. */
export interface DialectRules {
  readonly name: Dialect
  readonly lexical: LexicalRules
  readonly vocabulary: Vocabulary
  /** Names without quotes are folded to lower case. */
  readonly foldsNames: boolean
  /** The statements of PostgreSQL or those of MySQL. */
  readonly family: 'postgres' | 'mysql'
}
