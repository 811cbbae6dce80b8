import type { ClusterInfo, NodeInfo } from '../cluster'
import { runSql } from '../run-sql'
import { CATCH_UP_MS, type Replication } from './replication'

/** MySQL 8.0.26 or later. */
export const mysqlReplication: Replication = {
  version,
  pause,
  resume,

  async isFollowing(replica) {
    const [status] = await runSql(replica.adminUrl, 'show replica status')
    return status?.['Replica_IO_Running'] === 'Yes' && status['Replica_SQL_Running'] === 'Yes'
  },

  async caughtUp(cluster) {
    const [row] = await runSql(cluster.primary.adminUrl, 'select @@global.gtid_executed as committed')
    await untilReached(cluster, 'select wait_for_executed_gtid_set(?, ?) as outcome', row?.['committed'])
  },
}

/** MariaDB speaks of replication in words of its own, and its GTIDs are others. */
export const mariadbReplication: Replication = {
  version,
  pause,
  resume,

  async isFollowing(replica) {
    const [status] = await runSql(replica.adminUrl, 'show replica status')
    return status?.['Slave_IO_Running'] === 'Yes' && status['Slave_SQL_Running'] === 'Yes'
  },

  async caughtUp(cluster) {
    const [row] = await runSql(cluster.primary.adminUrl, 'select @@global.gtid_binlog_pos as committed')
    await untilReached(cluster, 'select master_gtid_wait(?, ?) as outcome', row?.['committed'])
  },
}

async function version(primary: NodeInfo): Promise<string> {
  const [row] = await runSql(primary.adminUrl, 'select version() as version')
  return String(row?.['version'])
}

async function pause(replica: NodeInfo): Promise<void> {
  await runSql(replica.adminUrl, 'stop replica sql_thread')
}

async function resume(replica: NodeInfo): Promise<void> {
  await runSql(replica.adminUrl, 'start replica sql_thread')
}

/** Both servers have a function that waits for a position, and says 0 when it is reached. */
async function untilReached({ replicas }: ClusterInfo, wait: string, position: unknown): Promise<void> {
  await Promise.all(
    replicas.map(async ({ id, adminUrl }) => {
      const [row] = await runSql(adminUrl, wait, [position, CATCH_UP_MS / 1_000])
      if (Number(row?.['outcome']) !== 0) {
        throw new Error(`Waited ${CATCH_UP_MS} ms in vain until ${id} has applied ${String(position)}`)
      }
    }),
  )
}
