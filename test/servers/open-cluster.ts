import type { Dialect } from '../../src/dialects/dialect'
import type { Cluster, ClusterInfo, ClusterNode, NodeInfo } from './cluster'
import { mariadbReplication, mysqlReplication } from './replication/mysql'
import { postgresReplication } from './replication/postgres'
import { containerControl } from './container-control'
import type { Replication } from './replication/replication'
import type { RuntimeControl } from './runtime'
import { runSql } from './run-sql'
import { processControl } from './server-process'

const REPLICATION: Readonly<Record<Dialect, Replication>> = {
  postgres: postgresReplication,
  mysql: mysqlReplication,
  mariadb: mariadbReplication,
}

export function replicationOf(dialect: Dialect): Replication {
  return REPLICATION[dialect]
}

/** A handle on running servers, made of what is known of them, in any process of this machine. */
export function openCluster(info: ClusterInfo): Cluster {
  const replication = replicationOf(info.dialect)
  const replica = (id: string): NodeInfo => {
    const found = info.replicas.find((node) => node.id === id)
    if (found) return found
    const known = info.replicas.map((node) => node.id).join(', ')
    throw new Error(`No replica ${id}; there are ${known}`)
  }
  return {
    ...info,
    primary: openNode(info.primary),
    replicas: info.replicas.map((node) => openNode(node)),
    caughtUp: () => replication.caughtUp(info),
    pauseReplication: (id) => replication.pause(replica(id)),
    resumeReplication: (id) => replication.resume(replica(id)),
  }
}

export function openNode(info: NodeInfo): ClusterNode {
  const control = controlOf(info)
  return {
    ...info,
    kill: (signal = 'SIGKILL') => control.signal(signal),
    stop: () => control.stop(),
    start: () => control.start(() => answers(info)),
    freeze: () => control.freeze(),
    thaw: () => control.thaw(),
  }
}

/** Whether a server accepts connections. */
export async function answers({ adminUrl }: NodeInfo): Promise<boolean> {
  try {
    await runSql(adminUrl, 'select 1')
    return true
  } catch {
    return false
  }
}

function controlOf({ id, runtime }: NodeInfo): RuntimeControl {
  switch (runtime.kind) {
    case 'process':
      return processControl(runtime.launch)
    case 'container':
      return containerControl(runtime.containerId)
    case 'foreign': {
      const refuse = (): Promise<never> =>
        Promise.reject(new Error(`${id} was not started here, so it can be neither stopped nor started`))
      return { signal: refuse, stop: refuse, start: refuse, freeze: refuse, thaw: refuse }
    }
  }
}
