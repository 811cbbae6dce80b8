import type { ErrorClass } from '../adapter'
import { SOCKET_ERRORS } from '../socket-errors'

/**
 * What a server answers to a statement that it, or the session, may not run because it is read only (MySQL 8.4 Error
 * Message Reference; MariaDB has the same numbers). 1290 names an option that forbids it: `--read-only` and
 * `--super-read-only`, but others as well, for which the primary gives the same error again. The statement did nothing,
 * so asking is safe.
 */
const READ_ONLY = new Set([
  1290, // ER_OPTION_PREVENTS_STATEMENT
  1792, // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION: also a session that is read only
  1836, // ER_READ_ONLY_MODE: innodb_read_only, Aurora's readers
  1874, // ER_INNODB_READ_ONLY
])

/** InnoDB rolls back the transaction, and not the statement alone (same reference; 1205 does so only where it is set). */
const ROLLED_BACK = new Set([
  1213, // ER_LOCK_DEADLOCK
  1614, // ER_XA_RBDEADLOCK
])

/** The server, or what stands before it, gave up the connection or would not take one (same reference). */
const CONNECTION = new Set([
  1040, // ER_CON_COUNT_ERROR
  1047, // ER_UNKNOWN_COM_ERROR: a Galera node that is not ready
  1053, // ER_SERVER_SHUTDOWN
  1129, // ER_HOST_IS_BLOCKED
  1152, // ER_ABORTING_CONNECTION
  1158, // ER_NET_READ_ERROR
  1159, // ER_NET_READ_INTERRUPTED
  1160, // ER_NET_ERROR_ON_WRITE
  1161, // ER_NET_WRITE_INTERRUPTED
  1184, // ER_NEW_ABORTING_CONNECTION
  1203, // ER_TOO_MANY_USER_CONNECTIONS
  1927, // MariaDB's ER_CONNECTION_KILLED
  2006, // CR_SERVER_GONE_ERROR, which proxies pass on
  2013, // CR_SERVER_LOST, likewise
  3168, // ER_SERVER_ISNT_AVAILABLE
  3169, // ER_SESSION_WAS_KILLED
  4031, // ER_CLIENT_INTERACTION_TIMEOUT
])

/** mysql2's own, where a statement of unknown fate was given up. */
const GIVEN_UP = new Set(['PROTOCOL_CONNECTION_LOST', 'PROTOCOL_SEQUENCE_TIMEOUT'])

/** mysql2 gives these without a code (`lib/base/pool.js`). */
const MESSAGES = ['Pool is closed.', 'No connections available.', 'Queue limit reached.']

/** And this to a command that comes after the connection was lost (`lib/base/connection.js`). */
const UNSENT = "Can't add new command when connection is in closed state"

const AFTER_ROWS = Symbol('splitpool: rows had been delivered')

/** Marks an error that came after rows had been handed on: sending the statement again would hand them on twice. */
export function afterRows(error: Error): Error {
  return Object.defineProperty(error, AFTER_ROWS, { value: true })
}

/** What an error of mysql2 says about the statement that met it. */
export function classifyError(error: unknown): ErrorClass {
  if (!(error instanceof Error)) return 'other'
  const { code, errno, fatal, message } = error as Error & {
    code?: unknown
    errno?: unknown
    fatal?: unknown
  }
  if (message === UNSENT) return 'unsent'
  if (READ_ONLY.has(errno as number)) return AFTER_ROWS in error ? 'other' : 'read-only'
  if (ROLLED_BACK.has(errno as number)) return 'rolled-back'
  if (CONNECTION.has(errno as number) || SOCKET_ERRORS.has(code) || GIVEN_UP.has(code as string))
    return 'connection'
  // The server's errors have a number. Without one, what mysql2 calls fatal is a connection that it has closed.
  if (fatal === true && errno === undefined) return 'connection'
  return MESSAGES.includes(message) ? 'connection' : 'other'
}
