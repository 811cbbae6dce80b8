import type { Decision } from './routing/decision'
import type { Classification } from './statement/classification'

/** Every error that splitpool itself throws, by its stable code. `docs/errors.md` explains each, and no other. */
export const ERROR_CODES = {
  ERR_INVALID_OPTION: 'An option given to createRouter, or to a method of the router, is not valid',
  ERR_UNKNOWN_ALIAS: 'No database has this alias',
  ERR_UNKNOWN_NODE: 'The database has no node with this id',
  ERR_UNKNOWN_MODEL: 'No model has this name',
  ERR_CROSS_DATABASE: 'One statement names tables of two databases',
  ERR_DIALECT_MISMATCH: 'A statement sent through a pool of one driver belongs to a database of another',
  ERR_NO_CANDIDATE: 'No node may serve this statement',
  ERR_BALANCER: 'A custom balancer returned something that is not one of its candidates',
  ERR_ROUTER_ANSWER: 'A router of the chain answered with something that is not an alias or a node',
  ERR_KEY: 'The key function of a balancer or of the rollout gave something that is no key',
  ERR_TRANSACTION_CLOSED: 'The transaction of this client has ended',
  ERR_TRANSACTION_ABORTED: 'The server rolled the transaction back where it was asked to commit',
  ERR_TRANSACTION_CONTROL: 'A statement inside router.transaction opens or ends a transaction itself',
  ERR_TRANSACTION_OPTIONS: 'A nested transaction asks for what its outer one cannot give',
  ERR_OUTCOME_UNKNOWN: 'The connection was lost while COMMIT was under way: it may or may not have happened',
  ERR_READ_ONLY: 'A statement that may write came where the application has declared that nothing is written',
  ERR_CLOSED: 'The router or the client has been closed',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/** What callers may look at on every error of splitpool's own; a driver's errors reach the caller as they are. */
export class SplitpoolError extends Error {
  override readonly name = 'SplitpoolError'
  readonly code: ErrorCode
  /** The decision under which the statement ran, where there was one. */
  readonly decision: Decision | undefined

  constructor(code: ErrorCode, message: string, details: { cause?: unknown; decision?: Decision } = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    this.decision = details.decision
  }
}

/** A statement that belongs to `alias` came to a transaction, or to a connection with a session, of another database. */
export function crossDatabase(decision: Decision, alias: string): SplitpoolError {
  return new SplitpoolError(
    'ERR_CROSS_DATABASE',
    `The statement belongs to ${alias}, and this transaction or connection is on ${decision.alias}; neither can span databases`,
    { decision },
  )
}

/** A statement that may write came to a scope or a frame that is read only; nothing of it has been sent. */
export function readOnlyScope(sql: unknown, { intent, reason, sensitive }: Classification): SplitpoolError {
  const text = typeof sql === 'string' && !sensitive ? sql : reason
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text
  return new SplitpoolError(
    'ERR_READ_ONLY',
    `Nothing may be written here (readOnly: true), and this is a ${intent} (${reason}): ${shown}`,
  )
}
