import { dirname, join } from 'node:path'
import type { Dialect } from '../../src/dialects/dialect'
import type { NodeInfo, StartedCluster, StartOptions } from './cluster'
import { nodeAddress, nodeId } from './node-address'
import { openNode } from './open-cluster'
import { runAsServer } from './run-as-server'
import { createDirectoryForServer } from './server-directory'
import { serverUser } from './server-user'
import { startCluster } from './start-cluster'

/** Where one server is to live. */
export interface Place {
  readonly id: string
  /** 0 is the primary. */
  readonly index: number
  /** Its own, empty at first. Its data goes into `data`. */
  readonly directory: string
  readonly port: number
  readonly primaryPort: number
}

export interface ServerCommand {
  readonly command: string
  readonly args: readonly string[]
}

/** What a dialect has to say about running its servers as processes of this machine. */
export interface ProcessServers {
  readonly dialect: Dialect
  /** The signal at which a server shuts down in good order. */
  readonly stopSignal: NodeJS.Signals
  /** Makes a data directory, with the accounts and the database in it. */
  initialise(data: string): Promise<void>
  /** Turns a copy of that directory into a replica's, if there is anything to do. */
  makeReplica?(data: string): Promise<void>
  command(place: Place): ServerCommand
  /** Makes a replica, which answers already, follow the primary. */
  follow?(replica: NodeInfo, primary: NodeInfo): Promise<void>
}

/** Starts a primary and replicas, all from copies of one data directory. */
export function startProcesses(servers: ProcessServers, options: StartOptions): Promise<StartedCluster> {
  return startCluster(servers.dialect, options, async (home, ports) => {
    const places = ports.map((port, index): Place => {
      const id = nodeId(index)
      const directory = createDirectoryForServer(join(home.path, id))
      return { id, index, directory, port, primaryPort: ports[0]! }
    })
    await initialiseAll(servers, places)

    const nodes = places.map((place) => describeNode(servers, place))
    await Promise.all(nodes.map((node) => openNode(node).start()))
    const [primary, ...replicas] = nodes
    await Promise.all(
      replicas.map(async (replica) => {
        await servers.follow?.(replica, primary!)
      }),
    )
    return nodes
  })
}

async function initialiseAll(servers: ProcessServers, places: readonly Place[]): Promise<void> {
  const [first, ...others] = places.map(({ directory }) => join(directory, 'data'))
  await servers.initialise(first!)
  await Promise.all(
    others.map(async (data) => {
      await runAsServer('cp', ['-R', first!, data], { cwd: dirname(data) })
      await servers.makeReplica?.(data)
    }),
  )
}

function describeNode(servers: ProcessServers, place: Place): NodeInfo {
  const { dialect, stopSignal } = servers
  const { id, directory, port } = place
  return {
    id,
    ...nodeAddress(dialect, port),
    runtime: {
      kind: 'process',
      launch: { directory, ...servers.command(place), user: serverUser, stopSignal },
    },
  }
}
