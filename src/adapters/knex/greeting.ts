import { readOnlySession } from '../../dialects/begin'
import { foundWritable, WRITABLE } from '../../dialects/writable'
import type { NodeEvents, NodeIdentity } from '../adapter'
import type { DialectClient } from './dialect'

/** What a connection is told before anybody gets it. */
export type Greeting = (client: DialectClient, connection: object) => Promise<void>

/**
 * The sessions of a replica begin read only, so that one that takes writes by mistake refuses them too. The first one
 * is asked whether it does; what that finds is a warning, and a failure to find it is nobody's.
 */
export function greetReplica({ id, dialect }: NodeIdentity, events: NodeEvents): Greeting {
  const question = WRITABLE[dialect]
  let asked = false
  return async (client, connection) => {
    await client._query(connection, { sql: readOnlySession(dialect) })
    if (asked) return
    asked = true
    const { response } = await client
      ._query(connection, { sql: question.sql })
      .catch(() => ({ response: null }))
    const found = foundWritable(question, rowsOf(response)[0])
    if (found !== undefined) events.writableReplica(id, found)
  }
}

/** pg answers with a result, mysql2 with rows and fields. */
function rowsOf(response: unknown): readonly object[] {
  if (Array.isArray(response)) return response[0] as object[]
  return (response as { readonly rows: object[] } | null)?.rows ?? []
}
