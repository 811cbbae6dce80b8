import { readOnlySession } from '../../dialects/begin'
import type { Dialect } from '../../dialects/dialect'
import type { NodeEvents, NodeIdentity } from '../adapter'
import type { DialectClient } from './dialect'

/** What a connection is told before anybody gets it. */
export type Greeting = (client: DialectClient, connection: object) => Promise<void>

/** What a replica is asked, and what each value of its answer means when it is off. */
interface Question {
  readonly sql: string
  readonly whenOff: readonly string[]
}

const READ_ONLY_OFF = 'read_only is off'
const QUESTIONS: Readonly<Record<Dialect, Question>> = {
  postgres: {
    sql: 'SELECT pg_is_in_recovery() AS recovers',
    whenOff: ['it is not in recovery, so it is no standby'],
  },
  mysql: {
    sql: 'SELECT @@read_only AS refuses, @@super_read_only AS refuses_all',
    whenOff: [
      READ_ONLY_OFF,
      'super_read_only is off, so privileged accounts, and procedures that run as one, write to it',
    ],
  },
  mariadb: { sql: 'SELECT @@read_only AS refuses', whenOff: [READ_ONLY_OFF] },
}

/**
 * The sessions of a replica begin read only, so that one that takes writes by mistake refuses them too. The first one
 * is asked whether it does; what that finds is a warning, and a failure to find it is nobody's.
 */
export function greetReplica({ id, dialect }: NodeIdentity, events: NodeEvents): Greeting {
  const { sql, whenOff } = QUESTIONS[dialect]
  let asked = false
  return async (client, connection) => {
    await client._query(connection, { sql: readOnlySession(dialect) })
    if (asked) return
    asked = true
    const { response } = await client._query(connection, { sql }).catch(() => ({ response: null }))
    const values = Object.values(rowsOf(response)[0] ?? {})
    const found = whenOff[values.findIndex((value) => OFF.has(value))]
    if (found !== undefined) events.writableReplica(id, found)
  }
}

/** MariaDB 12 gives a level by its name. */
const OFF = new Set<unknown>([false, 0, '0', 'OFF'])

/** pg answers with a result, mysql2 with rows and fields. */
function rowsOf(response: unknown): readonly object[] {
  if (Array.isArray(response)) return response[0] as object[]
  return (response as { readonly rows: object[] } | null)?.rows ?? []
}
