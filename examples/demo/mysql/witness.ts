import { runSql } from '../../../test/servers'
import type { Witness } from '../backend'

/**
 * MySQL counts what each user's statements do on a server, in functions too. What a replica applies is not among them:
 * the rows that the application is said to have written on a replica were written there.
 */
export const mysqlWitness: Witness = {
  source: 'performance_schema, statements of the user app',
  unit: 'statements',

  async ask({ adminUrl }) {
    const [row] = await runSql(
      adminUrl,
      `SELECT @@global.super_read_only AS read_only,
              sum(if(event_name LIKE 'statement/sql/%' OR event_name = 'statement/com/Execute', count_star, 0)) AS done,
              sum(sum_errors) AS failed,
              sum(sum_rows_affected) AS written
       FROM performance_schema.events_statements_summary_by_user_by_event_name WHERE user = 'app'`,
    )
    const { read_only: readOnly, done, failed, written } = row!
    return {
      calls: readOnly === 1 ? 'super_read_only' : 'writable',
      done: Number(done),
      failed: Number(failed),
      written: Number(written),
    }
  },
}
