import { join } from 'node:path'
import { asc, eq, inArray, relations, sql } from 'drizzle-orm'
import {
  int,
  mysqlTable,
  varchar,
  type MySqlDatabase,
  type MySqlTransactionConfig,
} from 'drizzle-orm/mysql-core'
import { drizzle, type MySql2PreparedQueryHKT, type MySql2QueryResultHKT } from 'drizzle-orm/mysql2'
import { migrate } from 'drizzle-orm/mysql2/migrator'
import type { RowDataPacket } from 'mysql2'
import type { Handle, MysqlRouter, OpenOrm, Seen } from '../orm-under-test'

const notes = mysqlTable('orm_notes', {
  id: int().autoincrement().primaryKey(),
  authorId: int('author_id').notNull().default(3),
  body: varchar({ length: 100 }).notNull(),
})
const seenAuthors = mysqlTable('orm_seen_authors', {
  id: int().primaryKey(),
  name: varchar({ length: 100 }).notNull(),
  node: varchar({ length: 20 }).notNull(),
})
const seenNotes = mysqlTable('orm_seen_notes', {
  id: int().primaryKey(),
  authorId: int('author_id').notNull(),
  body: varchar({ length: 100 }).notNull(),
  node: varchar({ length: 20 }).notNull(),
  pid: int().notNull(),
})
const schema = {
  notes,
  seenAuthors,
  seenNotes,
  authorsToNotes: relations(seenAuthors, ({ many }) => ({ notes: many(seenNotes) })),
  notesToAuthors: relations(seenNotes, ({ one }) => ({
    author: one(seenAuthors, { fields: [seenNotes.authorId], references: [seenAuthors.id] }),
  })),
}

/** The typings ask for an isolation level as well, which Drizzle would set on the primary before it begins. */
const READ_ONLY = { accessMode: 'read only' } as MySqlTransactionConfig

/** What the outer handle and a transaction have in common. */
type Common = MySqlDatabase<MySql2QueryResultHKT, MySql2PreparedQueryHKT, typeof schema>

const SEEN = { id: seenNotes.id, body: seenNotes.body, node: seenNotes.node, pid: seenNotes.pid }

export function drizzleMysql(router: MysqlRouter): Promise<Omit<OpenOrm, 'isDuplicate'>> {
  const pool = router.pool().promise()
  const db = drizzle({ client: pool, schema, mode: 'default' })
  const prepared = db
    .select(SEEN)
    .from(seenNotes)
    .where(eq(seenNotes.id, sql.placeholder('id')))
    .prepare()
  return Promise.resolve({
    ...handle(db),
    rawSeen: async (id) => {
      const [rows] = await db.execute(sql`SELECT id, body, node, pid FROM orm_seen_notes WHERE id = ${id}`)
      return (rows as unknown as (Seen & RowDataPacket)[])[0]!
    },
    rawInsert: async (body) => {
      await db.execute(sql`INSERT INTO orm_notes (body) VALUES (${body})`)
    },
    insertMany: async (bodies) => {
      await db.insert(notes).values(bodies.map((body) => ({ body })))
    },
    several: async (body) => {
      await db.execute(sql.raw(`SELECT 1; INSERT INTO orm_notes (body) VALUES ('${body}'); SELECT 2`))
    },
    withUpdate: async (id, body) => {
      const w = db.$with('w').as(db.select({ id: notes.id }).from(notes).where(eq(notes.id, id)))
      await db
        .with(w)
        .update(notes)
        .set({ body })
        .where(inArray(notes.id, db.select({ id: w.id }).from(w)))
    },
    lock: async (id, strength) => {
      const [row] = await db.select(SEEN).from(seenNotes).where(eq(seenNotes.id, id)).for(strength)
      return row!
    },
    writingFunction: async (body) => {
      await db.execute(sql`SELECT orm_write(${body})`)
    },
    createTable: async () => {
      await db.execute(sql`CREATE TABLE orm_made (id int PRIMARY KEY)`)
    },
    truncate: async () => {
      await db.execute(sql`TRUNCATE orm_scratch`)
    },
    migrate: () => migrate(db, { migrationsFolder: join(__dirname, 'drizzle-migrations', 'mysql') }),
    transaction: (fn) => transaction(db, fn),
    readOnly: (fn) => transaction(db, fn, READ_ONLY),
    connection: async (fn) => {
      const client = await pool.getConnection()
      try {
        return await fn(handle(drizzle({ client, schema, mode: 'default' })))
      } finally {
        client.release()
      }
    },
    stream: () => stream(db),
    prepared: async (id) => (await prepared.execute({ id }))[0]!,
    authors: () =>
      db.query.seenAuthors.findMany({
        where: inArray(seenAuthors.id, [1, 2]),
        orderBy: asc(seenAuthors.id),
        with: { notes: true },
      }),
    joins: true,
    duplicate: (id) => db.insert(notes).values({ id, body: 'twice' }),
    close: () => pool.end(),
  })
}

function transaction<T>(
  db: Common,
  fn: (tx: Handle) => Promise<T>,
  config?: MySqlTransactionConfig,
): Promise<T> {
  return db.transaction((tx) => fn({ ...handle(tx), nested: (inner) => transaction(tx, inner) }), config)
}

function handle(db: Common): Handle {
  return {
    seen: async (id) => {
      const [row] = await db.select(SEEN).from(seenNotes).where(eq(seenNotes.id, id))
      return row!
    },
    find: async (id) => {
      const row = await db.query.notes.findFirst({
        columns: { id: true, body: true },
        where: eq(notes.id, id),
      })
      return row ?? null
    },
    insert: async (body) => {
      const [row] = await db.insert(notes).values({ body }).$returningId()
      return row!.id
    },
    update: async (id, body) => {
      await db.update(notes).set({ body }).where(eq(notes.id, id))
    },
    remove: async (id) => {
      await db.delete(notes).where(eq(notes.id, id))
    },
  }
}

async function* stream(db: Common): AsyncGenerator<Seen> {
  yield* db.select(SEEN).from(seenNotes).iterator()
}
