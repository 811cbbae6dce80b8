import type { Dialect } from '../../src/dialects/dialect'
import type { ClusterInfo, NodeInfo } from './cluster'
import { nodeId } from './node-address'
import { replicationOf } from './open-cluster'

interface GivenNode {
  readonly url: string
  readonly adminUrl: string
}

/** The form of `SPLITPOOL_TEST_SERVERS`, in JSON: servers that run already, with replication between them. */
export type GivenServers = Readonly<
  Partial<Record<Dialect, { readonly primary: GivenNode; readonly replicas: readonly GivenNode[] }>>
>

/** The servers that the environment names, if it names any: tests then start none of their own. */
export function givenServers(): GivenServers | undefined {
  const json = process.env['SPLITPOOL_TEST_SERVERS']
  return json === undefined ? undefined : (JSON.parse(json) as GivenServers)
}

export async function describeGiven(dialect: Dialect, given: GivenServers): Promise<ClusterInfo | undefined> {
  const servers = given[dialect]
  if (!servers) return undefined
  const primary = describeNode(servers.primary, 0)
  const replicas = servers.replicas.map((replica, index) => describeNode(replica, index + 1))
  return { dialect, version: await replicationOf(dialect).version(primary), primary, replicas }
}

function describeNode(given: GivenNode, index: number): NodeInfo {
  const { hostname, port } = new URL(given.url)
  return { id: nodeId(index), host: hostname, port: Number(port), ...given, runtime: { kind: 'foreign' } }
}
