import type { Router } from '../../../src'
import type { MysqlDatabase } from '../../../src/adapters/mysql2'
import type { PostgresDatabase } from '../../../src/adapters/pg'

/** A row of the view `orm_seen_notes`, in which the server says who it is. */
export interface Seen {
  readonly id: number
  readonly body: string
  /** The node that served the read: `primary`, `replica-1`, … */
  readonly node: string
  /** The server's own number for the connection that it came through. */
  readonly pid: number
}

/** A row of the table `orm_notes`. */
export interface Note {
  readonly id: number
  readonly body: string
}

/** A row of the view `orm_seen_authors` with the notes that belong to it. */
export interface SeenAuthor {
  readonly name: string
  readonly node: string
  readonly notes: readonly Seen[]
}

/**
 * What an ORM does through one of its handles: the outer one, or that of a transaction. Every method uses the ORM as
 * its manual says, and returns plain values.
 */
export interface Handle {
  /** Reads a row of the view `orm_seen_notes` by its id. */
  seen(id: number): Promise<Seen>
  /** Reads a row of the table `orm_notes` by its id. */
  find(id: number): Promise<Note | null>
  /** Inserts a note and gives the id that the server made. */
  insert(body: string): Promise<number>
  update(id: number, body: string): Promise<void>
  remove(id: number): Promise<void>
  /** A transaction inside this one. On the handle of a transaction only. */
  nested?<T>(fn: (inner: Handle) => Promise<T>): Promise<T>
}

/** An ORM over the pool of a router. What it has no way to do is left out here and told in {@link OrmUnderTest.lacks}. */
export interface OpenOrm extends Handle {
  /** The same read as `seen`, as raw SQL. */
  rawSeen?(id: number): Promise<Seen>
  /** An INSERT as raw SQL. */
  rawInsert?(body: string): Promise<void>
  /** Several notes in one call. */
  insertMany?(bodies: readonly string[]): Promise<void>
  /** `SELECT 1; INSERT INTO orm_notes …; UPDATE …` in one text or call. */
  several?(body: string): Promise<void>
  /** `WITH w AS (INSERT INTO orm_notes … RETURNING …) SELECT … FROM w`. PostgreSQL only. Gives the new id. */
  writingCte?(body: string): Promise<number>
  /** `WITH w AS (SELECT …) UPDATE orm_notes … WHERE id IN (SELECT id FROM w)`. */
  withUpdate?(id: number, body: string): Promise<void>
  /** `SELECT … FROM orm_seen_notes … FOR UPDATE`, or `FOR SHARE`, in no transaction. */
  lock?(id: number, strength: 'update' | 'share'): Promise<Seen>
  /** `SELECT nextval('orm_sequence')`. PostgreSQL only. */
  nextval?(): Promise<number>
  /** `SELECT orm_write(body)`, a function that inserts a note, of which the router has not been told. */
  writingFunction?(body: string): Promise<void>
  /** Creates the table `orm_made` with a column `id` by the ORM's schema builder. */
  createTable?(): Promise<void>
  /** Empties the table `orm_scratch`. */
  truncate?(): Promise<void>
  /** Creates the table `orm_migrated` by the ORM's migration tool; a second call finds nothing to do. */
  migrate?(): Promise<void>
  transaction?: <T>(fn: (tx: Handle) => Promise<T>) => Promise<T>
  /** A transaction that can be nested, where an ORM opens such a one in another way. Default: `transaction`. */
  nestable?: <T>(fn: (tx: Handle) => Promise<T>) => Promise<T>
  /** A transaction that is declared read only. */
  readOnly?<T>(fn: (tx: Handle) => Promise<T>): Promise<T>
  /** Work on one borrowed connection, in no transaction. */
  connection?<T>(fn: (borrowed: Handle) => Promise<T>): Promise<T>
  /** Every row of `orm_seen_notes`, as they come. */
  stream?(): AsyncIterable<Seen>
  /** A stream that is left half way is the ORM's to end. */
  readonly leavesStreams?: true
  /** `seen` by a statement that the ORM prepares once and runs at each call. */
  prepared?(id: number): Promise<Seen>
  /** The first two authors, each with the notes that belong to it, by the ORM's way of loading relations. */
  authors?(): Promise<readonly SeenAuthor[]>
  /** Its statements come through `pool.query`, so that they join a `router.transaction`. */
  readonly joins?: true
  /**
   * How many connections are borrowed from a pool of the ORM's own, whose connections keep theirs of the driver's pools
   * while they are idle. Default: what is borrowed from the driver's pools.
   */
  inUse?(): number
  /** Inserts a note with an id that is taken. */
  duplicate(id: number): Promise<unknown>
  /** Whether this is how the ORM reports a duplicate key. */
  isDuplicate(error: unknown): boolean
  /** The ORM's own way to end. The router is closed afterwards. */
  close(): Promise<void>
}

/** What an ORM may lack. */
export type Operation = Exclude<
  keyof OpenOrm,
  'seen' | 'find' | 'insert' | 'update' | 'remove' | 'duplicate' | 'isDuplicate' | 'close'
>

export type PostgresRouter = Router<{ default: PostgresDatabase }>
export type MysqlRouter = Router<{ default: MysqlDatabase }>
export type OrmDialect = 'postgres' | 'mysql'

/** Something that an ORM has no way to do. */
export interface Lack {
  readonly operation: Operation
  /** Why, in a few words for the table of the docs. */
  readonly reason: string
  /** Only there. Default: on every dialect. */
  readonly dialect?: OrmDialect
}

/** An ORM, and how it is put over a router. */
export interface OrmUnderTest {
  /** As its own docs spell it. */
  readonly name: string
  /** The package whose version the table shows. */
  readonly package: string
  readonly postgres?: (router: PostgresRouter) => Promise<OpenOrm>
  readonly mysql?: (router: MysqlRouter) => Promise<OpenOrm>
  readonly lacks?: readonly Lack[]
}
