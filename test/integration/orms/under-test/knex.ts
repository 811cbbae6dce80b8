import createKnex, { type Knex } from 'knex'
import { knexClient } from '../../../../src/adapters/knex'
import { DatabaseError } from 'pg'
import type {
  Handle,
  MysqlRouter,
  Note,
  OpenOrm,
  OrmUnderTest,
  PostgresRouter,
  Seen,
} from '../orm-under-test'

const SEEN = ['id', 'body', 'node', 'pid']

export const knex: OrmUnderTest = {
  name: 'Knex',
  package: 'knex',
  postgres: (router) => {
    const db = over(router)
    return Promise.resolve({
      ...open(db),
      rawSeen: async (id) => (await db.raw<{ rows: Seen[] }>(RAW_SEEN, [id])).rows[0]!,
      writingCte: async (body) => {
        const [row] = await db
          .with('w', db<Note>('orm_notes').insert({ body }).returning('id'))
          .select<{ id: number }[]>('id')
          .from('w')
        return row!.id
      },
      nextval: async () => {
        const [row] = await db.select<{ n: number }[]>(db.raw(`nextval('orm_sequence')::int AS n`))
        return row!.n
      },
      isDuplicate: (error) => error instanceof DatabaseError && error.code === '23505',
    })
  },
  mysql: (router) => {
    const db = over(router)
    return Promise.resolve({
      ...open(db),
      rawSeen: async (id) => (await db.raw<[Seen[], unknown]>(RAW_SEEN, [id]))[0][0]!,
      isDuplicate: (error) => (error as { code?: unknown }).code === 'ER_DUP_ENTRY',
    })
  },
  lacks: [
    { operation: 'joins', reason: 'its connections are its own, and so are its transactions' },
    { operation: 'prepared', reason: 'no prepared statements of one’s own' },
    { operation: 'authors', reason: 'no relations' },
  ],
}

const RAW_SEEN = 'SELECT id, body, node, pid FROM orm_seen_notes WHERE id = ?'

export function over(router: PostgresRouter | MysqlRouter, config: Knex.Config = {}): Knex {
  return createKnex({ ...config, client: knexClient(router) })
}

function open(db: Knex): Omit<OpenOrm, 'isDuplicate'> {
  return {
    ...handle(db),
    rawInsert: async (body) => {
      await db.raw('INSERT INTO orm_notes (body) VALUES (?)', [body])
    },
    insertMany: async (bodies) => {
      await db.batchInsert(
        'orm_notes',
        bodies.map((body) => ({ body })),
        2,
      )
    },
    several: async (body) => {
      await db.raw(`SELECT 1; INSERT INTO orm_notes (body) VALUES ('${body}'); SELECT 2`)
    },
    withUpdate: async (id, body) => {
      await db
        .with('w', db('orm_notes').select('id').where({ id }))
        .from('orm_notes')
        .whereIn('id', db.select('id').from('w'))
        .update({ body })
    },
    lock: async (id, strength) => {
      const query = db<Seen>('orm_seen_notes').select('id', 'body', 'node', 'pid').where({ id })
      const [row]: Seen[] = await (strength === 'update' ? query.forUpdate() : query.forShare())
      return row!
    },
    writingFunction: async (body) => {
      await db.select(db.raw('orm_write(?)', [body]))
    },
    createTable: () =>
      db.schema.createTable('orm_made', (table) => {
        table.integer('id').primary()
      }),
    truncate: () => db('orm_scratch').truncate(),
    migrate: () => migrate(db),
    transaction: (fn) => transaction(db, fn),
    readOnly: (fn) => db.transaction((tx) => fn(handle(tx)), { readOnly: true }),
    connection: async (fn) => {
      const connection: unknown = await db.client.acquireConnection()
      try {
        return await fn(handle(db, connection))
      } finally {
        await db.client.releaseConnection(connection)
      }
    },
    stream: () => db('orm_seen_notes').select(SEEN).stream(),
    leavesStreams: true,
    duplicate: (id) => db('orm_notes').insert({ id, body: 'twice' }),
    close: () => db.destroy(),
  }
}

function transaction<T>(db: Knex, fn: (tx: Handle) => Promise<T>): Promise<T> {
  return db.transaction((tx) => fn({ ...handle(tx), nested: (inner) => transaction(tx, inner) }))
}

/** @param connection a borrowed one, which every query is then given */
export function handle(db: Knex, connection?: unknown): Handle {
  const on = <Q extends Knex.QueryBuilder>(query: Q): Q =>
    connection === undefined ? query : query.connection(connection)
  return {
    seen: async (id) => {
      const rows = (await on(db('orm_seen_notes').select(SEEN).where({ id }))) as Seen[]
      return rows[0]!
    },
    find: async (id) => {
      const row = (await on(db('orm_notes').first('id', 'body').where({ id }))) as Note | undefined
      return row === undefined ? null : { ...row }
    },
    insert: async (body) => {
      // MySQL gives the id alone, and warns of what is to be returned.
      const insert = db('orm_notes').insert({ body })
      const returning = (db.client as Knex.Client).dialect === 'postgresql' ? insert.returning('id') : insert
      const [made] = (await on(returning as Knex.QueryBuilder)) as (number | { id: number })[]
      return typeof made === 'object' ? made.id : made!
    },
    update: async (id, body) => {
      await on(db('orm_notes').where({ id }).update({ body }))
    },
    remove: async (id) => {
      await on(db('orm_notes').where({ id }).delete())
    },
  }
}

export async function migrate(db: Knex): Promise<void> {
  await db.migrate.latest({
    migrationSource: {
      getMigrations: () => Promise.resolve(['first']),
      getMigrationName: String,
      getMigration: () =>
        Promise.resolve({
          up: (tx: Knex) =>
            tx.schema.createTable('orm_migrated', (table) => {
              table.integer('id').primary()
            }),
          down: (tx: Knex) => tx.schema.dropTable('orm_migrated'),
        }),
    },
  })
}
