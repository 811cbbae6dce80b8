import type { Dialect } from '../dialects/dialect'

/** What a statement needs from the server that runs it. */
export type Intent = 'read' | 'write' | 'transaction' | 'session'

/** A table that a statement names, folded the way its dialect folds unquoted names. */
export interface TableName {
  /** The schema (PostgreSQL) or database (MySQL) in front of the name; `null` when the statement gives none. */
  readonly schema: string | null
  readonly name: string
}

/** What a transaction-control statement does to the transaction of its connection. */
export type TransactionControl =
  | { readonly kind: 'begin'; readonly readOnly: boolean }
  | { readonly kind: 'commit' | 'rollback'; readonly chain: boolean }
  | { readonly kind: 'savepoint' }

/** The verdict on one statement text. A frozen value, shared by all who ask about the same text. */
export interface Classification {
  readonly dialect: Dialect
  readonly intent: Intent
  /** Why, in a few words that a person can read: `'locking clause FOR UPDATE'`. */
  readonly reason: string
  /** Tables named where a table can stand, without the names of CTEs, in order of appearance, each once. */
  readonly tables: readonly TableName[]
  /** Names that are called like functions and are neither known built-ins nor declared, lower case, each once. */
  readonly unknownFunctions: readonly string[]
  /** How many statements the text holds; 0 when it holds none. */
  readonly statements: number
  /** Present when the text is one transaction-control statement. */
  readonly transaction: TransactionControl | null
  /** What the text sets, when it does nothing else: something of the session, or of one transaction. */
  readonly sets: 'session' | 'transaction' | null
  /** The target in a leading comment `/* splitpool: users:primary *‍/`, or `null`. */
  readonly hint: string | null
  /** True when the text may hold a password (`PASSWORD`, `IDENTIFIED BY`): it is never put in an event. */
  readonly sensitive: boolean
}

/** What the application declares about its own functions. */
export interface FunctionOptions {
  /** Functions that write: a statement that calls one is not a read. */
  readonly write?: readonly string[]
  /** Functions that only read: they count as known under `strict`. */
  readonly read?: readonly string[]
  /** When true, a statement that calls a function that is neither built in nor declared is not a read. Default `false`. */
  readonly strict?: boolean
}
