import type { Adapter } from './adapters/adapter'
import type { Balancer } from './balancing/balancer'
import type { BalancerName } from './balancing/create-balancer'
import type { Dialect } from './dialects/dialect'
import type { ReadFrom } from './routing/read-from'
import type { ReadPreference } from './routing/read-preference'
import type { FunctionOptions } from './statement/classification'

/** What a database takes besides its nodes. */
export interface DatabaseOptions {
  /** Where its reads go. Default: the router's `reads`. */
  readonly reads?: ReadPreference
  /** Which of its nodes reads may go to, by tag. Default: the router's `readFrom`. */
  readonly readFrom?: ReadFrom
  /** How a scope's replica is chosen. Default: the router's `balancer`. */
  readonly balancer?: BalancerName | Balancer
  /** What its functions do. Default: the router's `functions`. */
  readonly functions?: FunctionOptions | 'strict'
}

/** A database with its nodes, as the application describes it. */
export interface NodesOptions<Node> extends DatabaseOptions {
  /** The server that takes writes. */
  readonly primary: Node
  /** The servers that serve reads. Default none: then the primary serves them. */
  readonly replicas?: readonly Node[]
}

/**
 * One primary and its replicas, as `postgres()` and `mysql()` make it: options, and the adapter that understands them.
 * Nothing is checked or opened before `createRouter`, which knows the path that messages name.
 */
export interface Database<Pool = unknown, Client = unknown> {
  /** @internal */
  readonly adapter: Adapter
  readonly dialect: Dialect
  /** @internal */
  readonly options: Readonly<Record<string, unknown>>
  /** Carries the driver's types; never set. */
  readonly types?: { readonly pool: Pool; readonly client: Client }
}
