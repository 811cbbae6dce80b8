import type { NodeInfo } from '../cluster'
import { runSql } from '../run-sql'
import { until } from '../until'
import { CATCH_UP_MS, type Replication } from './replication'

/** PostgreSQL 14 or later. */
export const postgresReplication: Replication = {
  async version(primary) {
    return String(
      await value(primary, `select split_part(current_setting('server_version'), ' ', 1) as value`),
    )
  },

  async isFollowing(replica) {
    return (await value(replica, 'select status as value from pg_stat_wal_receiver')) === 'streaming'
  },

  async caughtUp({ primary, replicas }) {
    const committed = await value(primary, 'select pg_current_wal_flush_lsn() as value')
    await Promise.all(
      replicas.map((replica) =>
        until(
          `${replica.id} has applied ${String(committed)}`,
          async () =>
            (await value(replica, 'select pg_last_wal_replay_lsn() >= $1 as value', [committed])) === true,
          { timeoutMs: CATCH_UP_MS },
        ),
      ),
    )
  },

  async pause(replica) {
    await value(replica, 'select pg_wal_replay_pause() as value')
    await until(
      `${replica.id} has paused`,
      async () => (await value(replica, 'select pg_get_wal_replay_pause_state() as value')) === 'paused',
    )
  },

  async resume(replica) {
    await value(replica, 'select pg_wal_replay_resume() as value')
  },
}

async function value(node: NodeInfo, sql: string, values?: unknown[]): Promise<unknown> {
  const [row] = await runSql(node.adminUrl, sql, values)
  return row?.['value']
}
