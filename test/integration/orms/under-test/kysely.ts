import {
  Kysely,
  Migrator,
  MysqlDialect,
  PostgresDialect,
  sql,
  type ControlledTransaction,
  type Generated,
  type Migration,
} from 'kysely'
import { jsonArrayFrom as mysqlArrayFrom } from 'kysely/helpers/mysql'
import { jsonArrayFrom as postgresArrayFrom } from 'kysely/helpers/postgres'
import { DatabaseError } from 'pg'
import Cursor from 'pg-cursor'
import type { Handle, OpenOrm, OrmDialect, OrmUnderTest, Seen } from '../orm-under-test'

interface Tables {
  orm_notes: { id: Generated<number>; author_id: Generated<number>; body: string }
  orm_seen_authors: { id: number; name: string; node: string }
  orm_seen_notes: Seen & { author_id: number }
  orm_scratch: { id: number }
}

const SEEN = ['id', 'body', 'node', 'pid'] as const

export const kysely: OrmUnderTest = {
  name: 'Kysely',
  package: 'kysely',
  postgres: (router) => {
    const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: router.pool(), cursor: Cursor }) })
    return Promise.resolve({
      ...open(db, 'postgres'),
      writingCte: async (body) => {
        const { id } = await db
          .with('w', (cte) => cte.insertInto('orm_notes').values({ body }).returning('id'))
          .selectFrom('w')
          .select('id')
          .executeTakeFirstOrThrow()
        return id
      },
      nextval: async () => {
        const next = sql<{ n: number }>`SELECT nextval('orm_sequence')::int AS n`
        return (await next.execute(db)).rows[0]!.n
      },
      readOnly: (fn) =>
        db
          .transaction()
          .setAccessMode('read only')
          .execute((tx) => fn(handle(tx, 'postgres'))),
      isDuplicate: (error) => error instanceof DatabaseError && error.code === '23505',
    })
  },
  mysql: (router) => {
    const db = new Kysely<Tables>({ dialect: new MysqlDialect({ pool: router.pool() }) })
    return Promise.resolve({
      ...open(db, 'mysql'),
      isDuplicate: (error) => (error as { code?: unknown }).code === 'ER_DUP_ENTRY',
    })
  },
  lacks: [
    { operation: 'prepared', reason: 'no prepared statements of one’s own' },
    {
      operation: 'readOnly',
      dialect: 'mysql',
      reason: '`SET TRANSACTION` before `BEGIN`: runs on the primary',
    },
  ],
}

type Open = Omit<OpenOrm, 'isDuplicate'>

function open(db: Kysely<Tables>, dialect: OrmDialect): Open {
  return {
    ...handle(db, dialect),
    rawSeen: async (id) => {
      const query = sql<Seen>`SELECT id, body, node, pid FROM orm_seen_notes WHERE id = ${id}`
      return (await query.execute(db)).rows[0]!
    },
    rawInsert: async (body) => {
      await sql`INSERT INTO orm_notes (body) VALUES (${body})`.execute(db)
    },
    insertMany: async (bodies) => {
      await db
        .insertInto('orm_notes')
        .values(bodies.map((body) => ({ body })))
        .execute()
    },
    several: async (body) => {
      await sql`SELECT 1; INSERT INTO orm_notes (body) VALUES (${sql.lit(body)}); SELECT 2`.execute(db)
    },
    withUpdate: async (id, body) => {
      await db
        .with('w', (cte) => cte.selectFrom('orm_notes').select('id').where('id', '=', id))
        .updateTable('orm_notes')
        .set({ body })
        .where('id', 'in', (from) => from.selectFrom('w').select('id'))
        .execute()
    },
    lock: (id, strength) => {
      const query = db.selectFrom('orm_seen_notes').select(SEEN).where('id', '=', id)
      return (strength === 'update' ? query.forUpdate() : query.forShare()).executeTakeFirstOrThrow()
    },
    writingFunction: async (body) => {
      await db.selectNoFrom((from) => from.fn<number>('orm_write', [from.val(body)]).as('id')).execute()
    },
    createTable: async () => {
      await db.schema
        .createTable('orm_made')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .execute()
    },
    truncate: async () => {
      await sql`TRUNCATE TABLE ${sql.table('orm_scratch')}`.execute(db)
    },
    migrate: () => migrate(db),
    transaction: (fn) => db.transaction().execute((tx) => fn(handle(tx, dialect))),
    nestable: (fn) => nestable(db, dialect, fn),
    connection: (fn) => db.connection().execute((borrowed) => fn(handle(borrowed, dialect))),
    stream: () => db.selectFrom('orm_seen_notes').select(SEEN).stream(20),
    leavesStreams: true,
    authors: () => authors(db, dialect),
    joins: true,
    duplicate: (id) => db.insertInto('orm_notes').values({ id, body: 'twice' }).execute(),
    close: () => db.destroy(),
  }
}

function handle(db: Kysely<Tables>, dialect: OrmDialect): Handle {
  return {
    seen: (id) => db.selectFrom('orm_seen_notes').select(SEEN).where('id', '=', id).executeTakeFirstOrThrow(),
    find: async (id) => {
      const row = await db
        .selectFrom('orm_notes')
        .select(['id', 'body'])
        .where('id', '=', id)
        .executeTakeFirst()
      return row === undefined ? null : { ...row }
    },
    insert: async (body) => {
      const insert = db.insertInto('orm_notes').values({ body })
      if (dialect === 'postgres') return (await insert.returning('id').executeTakeFirstOrThrow()).id
      return Number((await insert.executeTakeFirstOrThrow()).insertId)
    },
    update: async (id, body) => {
      await db.updateTable('orm_notes').set({ body }).where('id', '=', id).execute()
    },
    remove: async (id) => {
      await db.deleteFrom('orm_notes').where('id', '=', id).execute()
    },
  }
}

async function authors(db: Kysely<Tables>, dialect: OrmDialect): ReturnType<NonNullable<OpenOrm['authors']>> {
  const arrayFrom = dialect === 'postgres' ? postgresArrayFrom : mysqlArrayFrom
  return await db
    .selectFrom('orm_seen_authors')
    .select((from) => [
      'name',
      'node',
      arrayFrom(
        from
          .selectFrom('orm_seen_notes')
          .select(SEEN)
          .whereRef('orm_seen_notes.author_id', '=', 'orm_seen_authors.id'),
      ).as('notes'),
    ])
    .where('id', 'in', [1, 2])
    .orderBy('id')
    .execute()
}

/** Kysely takes savepoints in transactions that one ends by hand. */
async function nestable<T>(
  db: Kysely<Tables>,
  dialect: OrmDialect,
  fn: (tx: Handle) => Promise<T>,
): Promise<T> {
  const tx = await db.startTransaction().execute()
  const nested = <N>(inner: (tx: Handle) => Promise<N>): Promise<N> => savepoint(tx, dialect, inner)
  try {
    const result = await fn({ ...handle(tx, dialect), nested })
    await tx.commit().execute()
    return result
  } catch (error) {
    await tx.rollback().execute()
    throw error
  }
}

async function savepoint<T>(
  tx: ControlledTransaction<Tables>,
  dialect: OrmDialect,
  fn: (tx: Handle) => Promise<T>,
): Promise<T> {
  const inner = await tx.savepoint('inner_one').execute()
  try {
    const result = await fn(handle(inner, dialect))
    await inner.releaseSavepoint('inner_one').execute()
    return result
  } catch (error) {
    await inner.rollbackToSavepoint('inner_one').execute()
    throw error
  }
}

async function migrate(db: Kysely<Tables>): Promise<void> {
  const first: Migration = {
    up: (schema) =>
      schema.schema
        .createTable('orm_migrated')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .execute(),
  }
  const provider = { getMigrations: () => Promise.resolve({ first }) }
  const { error } = await new Migrator({ db, provider }).migrateToLatest()
  if (error !== undefined) throw error as Error
}
