import type { Adapter } from './adapters/adapter'
import type { Balancer } from './balancing/balancer'
import type { BalancerName } from './balancing/create-balancer'
import type { Dialect } from './dialects/dialect'
import type { ReadPreference } from './routing/read-preference'
import type { FunctionOptions } from './statement/classification'

/** What a database takes besides its nodes. */
export interface DatabaseOptions {
  /** Where its reads go. Default: the router's `reads`. */
  readonly reads?: ReadPreference
  /** How a scope's replica is chosen. Default: the router's `balancer`. */
  readonly balancer?: BalancerName | Balancer
  /** What its functions do. Default: the router's `functions`. */
  readonly functions?: FunctionOptions | 'strict'
}

/**
 * One primary and its replicas, as `postgres()` and `mysql()` make it: options and the adapter that understands them.
 * Nothing is checked or opened before `createRouter`, which knows the path that messages name.
 */
export interface Database<Pool = unknown, Client = unknown> extends DatabaseOptions {
  readonly adapter: Adapter
  readonly dialect: Dialect
  readonly primary: unknown
  readonly replicas: unknown
  /** The keys that came and are none of the above; refused by name. */
  readonly rest: Readonly<Record<string, unknown>>
  /** Carries the driver's types; never set. */
  readonly types?: { readonly pool: Pool; readonly client: Client }
}
