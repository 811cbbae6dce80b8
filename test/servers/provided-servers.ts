import type { Dialect } from '../../src/dialects/dialect'
import type { ClusterInfo } from './cluster'

/** What the global set-up hands to every test file. */
export type ProvidedServers = Readonly<Record<Dialect, ProvidedCluster>>

export type ProvidedCluster = ClusterInfo | { readonly unavailable: string }

declare module 'vitest' {
  interface ProvidedContext {
    servers: ProvidedServers
  }
}
