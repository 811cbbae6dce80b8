import type { Router } from '../../src'
import type { NodeInfo } from '../../test/servers'
import type { Servers } from '../servers'
import type { Blog } from './blog/blog'

/** What the demo needs of a dialect and its driver. */
export interface Backend {
  readonly title: string
  /** What to say to somebody who waits for its servers. */
  readonly patience: string
  /** What makes a database of it. */
  readonly factory: string
  /** What `router.pool()` is, in words. */
  readonly pool: string
  /** The statements that make and fill the tables. */
  readonly schema: { readonly articles: readonly string[]; readonly users: readonly string[] }
  readonly witness: Witness
  /** The routed pool and the application's queries on it. */
  open(articles: Servers, users: Servers): { router: DemoRouter; blog: Blog }
}

export type DemoRouter = Pick<Router, 'scope' | 'primary' | 'stats' | 'close'>

/** How a server is asked what it has done, past splitpool. */
export interface Witness {
  /** Where the server keeps its numbers, for a person who knows it. */
  readonly source: string
  /** What `done` and `failed` count. */
  readonly unit: string
  ask(node: NodeInfo): Promise<Testimony>
}

export interface Testimony {
  /** What the server says it is. */
  readonly calls: string
  readonly done: number
  readonly failed: number
  /** Rows inserted, updated and deleted by clients of this server. */
  readonly written: number
}
