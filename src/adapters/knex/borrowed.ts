import { captureContext } from '../capture-context'
import type { Lease } from '../adapter'
import type { KnexQuery } from './dialect'

/** The server that a query was sent to: its connection, and its name. */
interface Place {
  readonly by: Borrowed
  readonly native: object
  readonly nodeId: string
}

/** What is known of a connection that Knex has borrowed: its lease, and where each of its queries runs. */
export class Borrowed {
  readonly lease: Lease
  /** Where its transaction is being opened, by one statement or two. */
  #opening: Place | null = null
  #released = false

  constructor(lease: Lease) {
    this.lease = lease
  }

  get released(): boolean {
    return this.#released
  }

  /** Chooses the server of a query by its text, and then runs it; once more, on the primary, when a replica refuses. */
  place<T>(query: KnexQuery, text: unknown, run: () => Promise<T>): Promise<T> {
    // Knex writes the positions of the bindings into its query, so each attempt begins with what was given.
    const { sql, bindings } = query
    const inContext = captureContext()
    return this.lease.run({ sql: text }, (native, { nodeId }) => {
      query.sql = sql
      query.bindings = bindings
      this.#put(query, { by: this, native: native as object, nodeId })
      return inContext(run)
    })
  }

  /** Chooses the server of a transaction by the statement that declares it, whichever statements then open it. */
  open<T>(declaration: string, begin: () => Promise<T>): Promise<T> {
    const inContext = captureContext()
    return this.lease.run({ sql: declaration }, async (native, { nodeId }) => {
      this.#opening = { by: this, native: native as object, nodeId }
      try {
        return await inContext(begin)
      } finally {
        this.#opening = null
      }
    })
  }

  /** The driver's connection for a query, if it has been placed. */
  placeOf(query: KnexQuery): object | null {
    if (this.#opening !== null && this.#placed(query) === null) this.#put(query, this.#opening)
    return this.#placed(query)?.native ?? null
  }

  release(error?: unknown): void {
    this.#released = true
    this.lease.release(error)
  }

  #put(query: KnexQuery, place: Place): void {
    query.node = place.nodeId
    Object.defineProperty(query, PLACE, { value: place, configurable: true })
  }

  #placed(query: KnexQuery): Place | null {
    const place = (query as { readonly [PLACE]?: Place })[PLACE]
    return place?.by === this ? place : null
  }
}

/** Where a query keeps its place, and a connection what is known of it: WeakMaps would cost each garbage collection their entries. */
const PLACE = Symbol('splitpool.place')
const BORROWED = Symbol('splitpool.borrowed')

/** Marks what is lent, for the clients that Knex copies. */
export function lend<T extends object>(
  connection: T,
  uid: string,
  borrowed: Borrowed,
): T & { readonly __knexUid: string } {
  Object.defineProperty(connection, BORROWED, { value: borrowed })
  return Object.assign(connection, { __knexUid: uid })
}

/** What is known of a connection that was lent; nothing of any other. */
export function borrowedOf(connection: object): Borrowed | undefined {
  return (connection as { readonly [BORROWED]?: Borrowed })[BORROWED]
}
