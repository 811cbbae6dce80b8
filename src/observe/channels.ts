import { channel } from 'node:diagnostics_channel'
import type { Decision } from '../routing/decision'

/** Published on `splitpool:decision`: once for each decision, before anything runs. */
export interface DecisionEvent {
  readonly decision: Decision
  /** The text, or `null` when it is no string or may hold a password. Parameters are never published. */
  readonly sql: string | null
}

/** Published on `splitpool:statement`: once for each run of a statement, when it has ended. */
export interface StatementEvent extends DecisionEvent {
  readonly durationMs: number
  /** The driver's error, or `null`. */
  readonly error: unknown
}

/** Every warning, by its code. `docs/errors.md` explains each. */
export const WARNING_CODES = ['SPLITPOOL_WRITABLE_REPLICA'] as const

/** Published on `splitpool:warning`, and emitted as a process warning: once for each kind and router. */
export interface WarningEvent {
  readonly code: (typeof WARNING_CODES)[number]
  readonly message: string
}

/** The `diagnostics_channel`s of splitpool. Nothing is built for a channel that nobody listens to. */
export const channels = {
  decision: channel('splitpool:decision'),
  statement: channel('splitpool:statement'),
  warning: channel('splitpool:warning'),
} as const
