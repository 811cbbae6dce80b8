import type { Dialect } from '../../src/dialects/dialect'
import type { NodeInfo, StartedCluster, StartOptions } from './cluster'
import { openCluster, replicationOf } from './open-cluster'
import { withFreePorts } from './ports'
import { createServerDirectory, type ServerDirectory } from './server-directory'
import { until } from './until'

/**
 * Starts servers in a fresh directory and on free ports, one of each for the primary, which is the first, and the
 * replicas; and waits until the replicas follow. `run` starts them.
 */
export function startCluster(
  dialect: Dialect,
  { replicas: count = 2 }: StartOptions,
  run: (home: ServerDirectory, ports: readonly number[]) => Promise<readonly NodeInfo[]>,
): Promise<StartedCluster> {
  const replication = replicationOf(dialect)

  return withFreePorts(count + 1, async (ports) => {
    const home = createServerDirectory()
    try {
      const [primary, ...replicas] = (await run(home, ports)) as [NodeInfo, ...NodeInfo[]]
      await Promise.all(
        replicas.map((replica) =>
          until(`${dialect} ${replica.id} follows the primary`, () => replication.isFollowing(replica)),
        ),
      )
      const info = { dialect, version: await replication.version(primary), primary, replicas }
      return { ...openCluster(info), info, stop: () => home.remove() }
    } catch (error) {
      await home.remove()
      throw error
    }
  })
}
