import type { Dialect } from '../dialects/dialect'
import type { Decision, Role } from '../routing/decision'

/**
 * The bridge to one driver. The core knows drivers only through this; what is `unknown` here is the driver's own
 * (its pool, its connection), made, used and understood by the adapter alone.
 */
export interface Adapter {
  /** The driver's package name. */
  readonly name: string
  /**
   * Checks what the application gave for one node and opens nothing.
   *
   * @param path where the options stand, for messages: `databases.users.replicas[1]`
   * @throws {SplitpoolError} `ERR_INVALID_OPTION`
   */
  resolveNode(given: unknown, path: string): ResolvedNode
  /** Makes the driver's pool for a node, or takes in the application's. Nothing connects before the first statement. */
  openNode(settings: unknown, node: NodeIdentity, events: NodeEvents): Connector
  /** The pool that the application uses in place of the driver's own. */
  createPool(port: PoolPort): unknown
  /** The driver's client over a connection that chooses its server late; `like` is one of the database's nodes. */
  createClient(lease: Lease, like: Connector): object
  /** The client that the callback of `router.transaction` gets. */
  createTransactionClient(connection: Connection, port: TransactionPort): unknown
  /** What an error of the driver says about the statement that met it. */
  classifyError(error: unknown): ErrorClass
  /** The rows in what the driver, or Knex over it, answered; what else is in there may be among them. */
  rowsOf(result: unknown): readonly unknown[]
}

/**
 * - `read-only`: the server refused because it, or the session, is read only; the statement did nothing
 * - `connection`: the connection, not the statement, failed; what the statement did is unknown
 * - `unsent`: the connection had failed before, and the statement never left
 * - `rolled-back`: the server has rolled back the whole transaction, and not the statement alone
 * - `other`: an ordinary error of SQL
 */
export type ErrorClass = 'read-only' | 'connection' | 'unsent' | 'rolled-back' | 'other'

export interface ResolvedNode {
  /** The part after the colon: `replica-1`; `null` when the application gave none. */
  readonly id: string | null
  /** `null` when the application gave none. */
  readonly weight: number | null
  readonly tags: readonly string[]
  /** Whether it takes a share of the reads; `null` when the application did not say. */
  readonly reads: boolean | null
  /** The pool that the application made, or `null`. */
  readonly pool: object | null
  /** The adapter's own: what `openNode` gets back. */
  readonly settings: unknown
}

export interface NodeIdentity {
  readonly id: string
  readonly role: Role
  readonly dialect: Dialect
}

export interface NodeEvents {
  /** The first connection to a replica found that the server would take writes from somebody. */
  writableReplica(nodeId: string, found: string): void
}

/** One node, through its driver's pool. */
export interface Connector {
  /** The driver's pool: what a statement runs on when it needs no connection of its own. */
  readonly native: unknown
  /** Which server it is, as far as its options tell; `null`, or absent, where they do not. */
  readonly server?: ServerIdentity | null
  connect(): Promise<Connection>
  /** Ends the pool if splitpool made it. One that the application made is the application's to end. */
  end(): Promise<void>
}

/** One server; two nodes are on the same one when both name it alike. */
export interface ServerIdentity {
  /** Its address, and in PostgreSQL the database, beyond which no statement reaches; or a pool that hides its address. */
  readonly server: string | object
  /** The database in which MySQL looks up a table without one in front; `null` where there is none. */
  readonly schema: string | null
}

/** One borrowed connection. */
export interface Connection {
  /** The driver's connection. */
  readonly native: unknown
  /** Its server has gone, or has closed it. Not asked for where nobody keeps connections. */
  readonly lost?: boolean
  /** Runs a statement of splitpool's own; resolves to the command tag where the server gives one (`'ROLLBACK'`). */
  run(sql: string): Promise<string | undefined>
  /** Gives it back; with an error, closes it instead. Never throws. */
  release(error?: unknown): void
}

/** A statement on its way in. */
export interface Statement {
  /** The text that decides; anything but a string is left to the primary. */
  readonly sql: unknown
  /** True for what has no text and writes nothing (`ping`, `changeUser`), where `sql` is left out. Default false. */
  readonly textless?: boolean
  /** False for what can be sent once only, as an object that keeps its own state. Default true. */
  readonly repeatable?: boolean
}

/**
 * Runs the statement on what it is given: the driver's pool or one connection, which take the same calls; with the
 * decision that led there. It is called once more, on the primary, when a replica refuses.
 */
export type Attempt<T> = (native: unknown, decision: Decision) => Promise<T>

/** Decides where a statement goes, runs it there, and reports it. */
export type Run = <T>(statement: Statement, attempt: Attempt<T>) => Promise<T>

/** What a drop-in pool asks of the router. */
export interface PoolPort {
  /** The nodes that the pool stands for: those of its database, the primary first, or the one that it names. */
  readonly connectors: readonly Connector[]
  readonly run: Run
  /** A borrowed connection that chooses its server at its first statement. */
  readonly lease: () => Lease
  /** A connection that is kept for long, and chooses its server at every statement; see `execution/kept-lease.ts`. */
  readonly keep: () => KeptLease
  /** The driver's client over a lease. */
  readonly client: (lease: Lease) => object
  /** Ends the pools of these nodes. */
  readonly end: () => Promise<void>
}

/** What a transaction's client asks of the router. */
export interface TransactionPort {
  /** Throws `ERR_TRANSACTION_CLOSED` once the callback has returned. */
  readonly run: Run
}

/** A borrowed connection that decides late; see `execution/lease.ts`. */
export interface Lease {
  run<T>(statement: Statement, attempt: Attempt<T>): Promise<T>
  /** The driver's connection that is held now, or `null` before the first statement. */
  readonly native: unknown
  /**
   * Hands on, in turn, the connection for what has no statement (`ping`, `changeUser`): the one held, else one that is
   * borrowed for it.
   *
   * @param alone it changes the whole connection, which must not be that of a transaction it would join. Default false
   */
  connection<T>(use: (native: unknown) => T | Promise<T>, alone?: boolean): Promise<T>
  /** Called when the connection is about to be given back for one of another server. */
  onMove: (() => void) | null
  /** Called when it has been released and has given everything back. */
  onOver: (() => void) | null
  release(error?: unknown): void
}

/** A lease that its owner keeps; it holds a connection of each server that it has needed. */
export interface KeptLease extends Lease {
  /** Releases it, and resolves when its connections have been given back. */
  end(): Promise<void>
}

/** Makes the driver's pool for one node of a database; `settings` is what `resolveNode` made of it. */
export type OpenNode = (settings: unknown, node: NodeIdentity, events: NodeEvents) => Connector

/** A router, to adapters that make pools of their own over its databases, as ORMs do that are given a driver. */
export interface PoolSource {
  /**
   * What a target (`users`, `users:primary`) belongs to; `driver` is the driver's package name.
   *
   * @internal
   * @throws {SplitpoolError} `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`
   */
  describe(target: string): { readonly alias: string; readonly dialect: Dialect; readonly driver: string }
  /**
   * A pool with connections of its own, made by `open`, and decisions of the router's. It ends with the router.
   *
   * @internal
   * @throws {SplitpoolError} `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`
   */
  openPool(target: string, open: OpenNode): PoolPort
  close(): Promise<void>
}
