import type { Dialect } from './dialect'

export type IsolationLevel = 'read uncommitted' | 'read committed' | 'repeatable read' | 'serializable'

export const ISOLATION_LEVELS: readonly IsolationLevel[] = [
  'read uncommitted',
  'read committed',
  'repeatable read',
  'serializable',
]

export interface BeginOptions {
  readonly readOnly: boolean
  readonly isolationLevel: IsolationLevel | undefined
}

/**
 * The statements that open a transaction. MySQL and MariaDB set the isolation level of the next transaction in a
 * statement of its own, PostgreSQL in the BEGIN itself.
 */
export function beginStatements(
  dialect: Dialect,
  { readOnly, isolationLevel }: BeginOptions,
): readonly string[] {
  const level = isolationLevel === undefined ? '' : `ISOLATION LEVEL ${isolationLevel.toUpperCase()}`
  switch (dialect) {
    case 'postgres':
      return [['BEGIN', level, readOnly ? 'READ ONLY' : ''].filter(Boolean).join(' ')]
    case 'mysql':
    case 'mariadb':
      return [
        ...(level === '' ? [] : [`SET TRANSACTION ${level}`]),
        readOnly ? 'START TRANSACTION READ ONLY' : 'START TRANSACTION',
      ]
  }
}

/** The statement that makes the transactions of a session read only. */
export function readOnlySession(dialect: Dialect): string {
  return dialect === 'postgres'
    ? 'SET default_transaction_read_only = on'
    : 'SET SESSION TRANSACTION READ ONLY'
}
