import type { ErrorClass } from '../adapter'
import { SOCKET_ERRORS } from '../socket-errors'

/**
 * What a standby answers to a statement that it may not run (PostgreSQL manual, appendix A and section 26.4.3).
 * 25006: the session or the server is read only. 0A000: what recovery does not support (unlogged tables, serializable).
 * 55000: functions that need a primary. The last two have other meanings as well, for which the primary gives the
 * same error again: a read-only session did nothing, so asking is safe.
 */
const READ_ONLY = new Set(['25006', '0A000', '55000'])

/** Class 08, and the server going away: 57P01 admin_shutdown, 57P02 crash_shutdown, 57P03 cannot_connect_now, 57P05. */
const CONNECTION = /^(08...|57P0[1235])$/

/**
 * pg gives these without a code (`lib/client.js`, pg-pool's `index.js`). After the last, which is `query_timeout`, the
 * server may be at the statement still.
 */
const MESSAGES = ['Connection terminated', 'timeout exceeded when trying to connect', 'Query read timeout']

/** And these to a statement that comes after the connection was lost. */
const UNSENT = ['Client has encountered a connection error', 'Client was closed']

const DELIVERED = Symbol('splitpool: the application was told')

/** Marks an error that a query has handed on already: sending it again would tell of two ends. */
export function afterDelivery(error: unknown): unknown {
  return error instanceof Error ? Object.defineProperty(error, DELIVERED, { value: true }) : error
}

/** What an error of pg says about the statement that met it. */
export function classifyError(error: unknown): ErrorClass {
  const errorClass = classify(error)
  return errorClass === 'read-only' && DELIVERED in (error as object) ? 'other' : errorClass
}

function classify(error: unknown): ErrorClass {
  if (typeof error !== 'object' || error === null) return 'other'
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (typeof code === 'string') {
    if (READ_ONLY.has(code)) return 'read-only'
    if (SOCKET_ERRORS.has(code) || CONNECTION.test(code)) return 'connection'
    return 'other'
  }
  const said = typeof message === 'string' ? message : ''
  if (UNSENT.some((start) => said.startsWith(start))) return 'unsent'
  return MESSAGES.some((start) => said.startsWith(start)) ? 'connection' : 'other'
}
