import type { Dialect } from '../../src/dialects/dialect'
import type { Runtime } from './runtime'

/** What is known of one server. A plain value, so that it can be handed from process to process. */
export interface NodeInfo {
  /** `primary`, `replica-1`, `replica-2`, … A PostgreSQL server reports it as its `cluster_name`. */
  readonly id: string
  readonly host: string
  readonly port: number
  /** As the ordinary user `app`, owner of the database `app`. */
  readonly url: string
  /** As `admin`, who may do everything. */
  readonly adminUrl: string
  readonly runtime: Runtime
}

/** What is known of one primary and its replicas. A plain value like {@link NodeInfo}. */
export interface ClusterInfo {
  readonly dialect: Dialect
  /** As the server says it, for instance `18.4` or `11.8.3-MariaDB`. */
  readonly version: string
  readonly primary: NodeInfo
  readonly replicas: readonly NodeInfo[]
}

/** One server, and what may be done to it. */
export interface ClusterNode extends NodeInfo {
  /** Sends a signal to every process of the server. `SIGKILL` is a crash. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Shuts the server down in good order and waits for its end. */
  stop(): Promise<void>
  /** Starts a stopped or killed server again, on its old port and data, and waits until it answers. */
  start(): Promise<void>
  /** Stops every process of the server in its tracks: connections stay open and nothing answers. */
  freeze(): Promise<void>
  thaw(): Promise<void>
}

/** A primary and its replicas, running. */
export interface Cluster extends ClusterInfo {
  readonly primary: ClusterNode
  readonly replicas: readonly ClusterNode[]
  /** Resolves once every replica has applied all that the primary has committed by now. */
  caughtUp(): Promise<void>
  /** The replica keeps answering, and stays where it is. Resolves once nothing more is applied. */
  pauseReplication(nodeId: string): Promise<void>
  resumeReplication(nodeId: string): Promise<void>
}

/** A cluster that the caller has started, and stops. It also ends with the process that started it. */
export interface StartedCluster extends Cluster {
  readonly info: ClusterInfo
  stop(): Promise<void>
}

export interface StartOptions {
  /** How many replicas. Default 2. */
  readonly replicas?: number
  /** Further server settings, by the server's own names, for every node. */
  readonly settings?: Readonly<Record<string, string | number>>
}
