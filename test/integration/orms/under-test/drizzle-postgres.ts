import { join } from 'node:path'
import { asc, eq, inArray, relations, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import { integer, pgTable, serial, text, type PgDatabase } from 'drizzle-orm/pg-core'
import type { NodePgQueryResultHKT } from 'drizzle-orm/node-postgres'
import type { Handle, OpenOrm, PostgresRouter, Seen } from '../orm-under-test'

export const notes = pgTable('orm_notes', {
  id: serial().primaryKey(),
  authorId: integer('author_id').notNull().default(3),
  body: text().notNull(),
})
const seenAuthors = pgTable('orm_seen_authors', {
  id: integer().primaryKey(),
  name: text().notNull(),
  node: text().notNull(),
})
const seenNotes = pgTable('orm_seen_notes', {
  id: integer().primaryKey(),
  authorId: integer('author_id').notNull(),
  body: text().notNull(),
  node: text().notNull(),
  pid: integer().notNull(),
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

/** What the outer handle and a transaction have in common. */
type Common = PgDatabase<NodePgQueryResultHKT, typeof schema>

const SEEN = { id: seenNotes.id, body: seenNotes.body, node: seenNotes.node, pid: seenNotes.pid }

export function drizzlePostgres(router: PostgresRouter): Promise<Omit<OpenOrm, 'isDuplicate'>> {
  const pool = router.pool()
  const db = drizzle({ client: pool, schema })
  const prepared = db
    .select(SEEN)
    .from(seenNotes)
    .where(eq(seenNotes.id, sql.placeholder('id')))
    .prepare('drizzle_seen')
  return Promise.resolve({
    ...handle(db),
    rawSeen: async (id) => {
      const { rows } = await db.execute<Seen & Record<string, unknown>>(
        sql`SELECT id, body, node, pid FROM orm_seen_notes WHERE id = ${id}`,
      )
      return rows[0]!
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
    writingCte: async (body) => {
      const w = db.$with('w').as(db.insert(notes).values({ body }).returning({ id: notes.id }))
      const [row] = await db.with(w).select().from(w)
      return row!.id
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
    nextval: async () => {
      const { rows } = await db.execute<{ n: number }>(sql`SELECT nextval('orm_sequence')::int AS n`)
      return rows[0]!.n
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
    migrate: () => migrate(db, { migrationsFolder: join(__dirname, 'drizzle-migrations', 'postgres') }),
    transaction: (fn) => transaction(db, fn),
    readOnly: (fn) => db.transaction((tx) => fn(handle(tx)), { accessMode: 'read only' }),
    connection: async (fn) => {
      const client = await pool.connect()
      try {
        return await fn(handle(drizzle({ client, schema })))
      } finally {
        client.release()
      }
    },
    prepared: async (id) => (await prepared.execute({ id }))[0]!,
    authors: () =>
      db.query.seenAuthors.findMany({
        where: inArray(seenAuthors.id, [1, 2]),
        orderBy: asc(seenAuthors.id),
        with: { notes: true },
      }),
    joins: true,
    duplicate: (id) => db.insert(notes).values({ id, body: 'twice' }),
    close: () => db.$client.end(),
  })
}

function transaction<T>(db: Common, fn: (tx: Handle) => Promise<T>): Promise<T> {
  return db.transaction((tx) => fn({ ...handle(tx), nested: (inner) => transaction(tx, inner) }))
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
      const [row] = await db.insert(notes).values({ body }).returning({ id: notes.id })
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
