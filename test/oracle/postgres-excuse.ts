import type pg from 'pg'
import { codeOf, wordsOf } from './code'
import type { Excuse } from './trial'

/**
 * What a statement may name whose effect its text does not show, looked up in the catalog of the primary at the moment
 * of the refusal. Everything with an OID below 16384 came with the server, and excuses nothing.
 */
const HIDING_PLACES: readonly { readonly kind: string; readonly sql: string }[] = [
  {
    kind: 'calls a function of the suite',
    sql: 'SELECT proname FROM pg_proc WHERE oid >= 16384 AND proname = ANY ($1)',
  },
  {
    kind: 'reads a view of the suite',
    sql: `SELECT relname FROM pg_class WHERE oid >= 16384 AND relkind = 'v' AND relname = ANY ($1)`,
  },
]

export function postgresExcuse(catalog: pg.Client): Excuse {
  return async ({ sql, replica }) => {
    const code = codeOf(sql, 'postgres')
    if (replica.kind === 'refused' && showsItself(replica.message, code)) return null
    const words = wordsOf(sql, 'postgres')
    for (const { kind, sql: look } of HIDING_PLACES) {
      const { rowCount } = await catalog.query(look, [words])
      if (rowCount !== 0) return kind
    }
    if (replica.kind === 'refused' && /temporary tables/.test(replica.message)) {
      return 'its session has pg_temp first in search_path'
    }
    return null
  }
}

/** Whether the text itself says what the server refused: `cannot execute SELECT FOR UPDATE in a read-only transaction`. */
function showsItself(message: string, code: string): boolean {
  const says = (words: string): boolean =>
    words.split(' ').every((word) => new RegExp(`\\b${word}\\b`, 'i').test(code))
  if (/temporary tables/.test(message)) return says('temp(orary)?')
  const refused = /cannot execute (.+?)(?:\(.*\))? (?:in|during) /.exec(message)?.[1]
  if (refused === undefined) return false
  if (refused === 'SELECT') return says('(insert|update|delete|merge)')
  if (refused === 'pg_current_xact_id') return says('(pg_current_xact_id|txid_current)')
  return says(refused)
}
