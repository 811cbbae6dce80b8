import type { ClusterInfo, NodeInfo } from '../cluster'

/** What the helpers ask of a dialect's servers, as `admin`. */
export interface Replication {
  version(primary: NodeInfo): Promise<string>
  /** Whether the replica receives and applies what the primary does. */
  isFollowing(replica: NodeInfo): Promise<boolean>
  caughtUp(cluster: ClusterInfo): Promise<void>
  pause(replica: NodeInfo): Promise<void>
  resume(replica: NodeInfo): Promise<void>
}

export const CATCH_UP_MS = 30_000
