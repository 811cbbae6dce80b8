import { runSql } from '../../../test/servers'
import type { Witness } from '../backend'

/**
 * PostgreSQL counts what the sessions of a server do in its databases. What a standby replays is not counted: the rows
 * that a standby says were written on it were written there. A login counts as a transaction, so those are taken off.
 */
export const postgresWitness: Witness = {
  source: 'pg_stat_database, databases app and users',
  unit: 'transactions',

  async ask({ adminUrl }) {
    const elsewhere = new URL(adminUrl)
    elsewhere.pathname = '/postgres'
    const [row] = await runSql(
      elsewhere.href,
      `SELECT pg_is_in_recovery() AS standby,
              sum(xact_commit + xact_rollback - sessions)::int AS done,
              sum(xact_rollback)::int AS failed,
              sum(tup_inserted + tup_updated + tup_deleted)::int AS written
       FROM pg_stat_database WHERE datname IN ('app', 'users')`,
    )
    const { standby, done, failed, written } = row as Record<'done' | 'failed' | 'written', number> & {
      standby: boolean
    }
    return { calls: standby ? 'standby' : 'primary', done, failed, written }
  },
}
