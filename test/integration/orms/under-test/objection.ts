import type { Knex } from 'knex'
import { Model, raw, UniqueViolationError, type QueryBuilder } from 'objection'
import type { Handle, OpenOrm, OrmUnderTest, Seen } from '../orm-under-test'
import { migrate, over } from './knex'

class Note extends Model {
  static override tableName = 'orm_notes'
  declare id: number
  declare body: string
}

class SeenNote extends Model {
  static override tableName = 'orm_seen_notes'
  declare id: number
  declare body: string
  declare node: string
  declare pid: number
}

class SeenAuthor extends Model {
  static override tableName = 'orm_seen_authors'
  static override relationMappings = {
    notes: {
      relation: Model.HasManyRelation,
      modelClass: SeenNote,
      join: { from: 'orm_seen_authors.id', to: 'orm_seen_notes.author_id' },
    },
  }
  declare id: number
  declare name: string
  declare node: string
  declare notes: SeenNote[]
}

const SEEN = ['id', 'body', 'node', 'pid']

export const objection: OrmUnderTest = {
  name: 'Objection',
  package: 'objection',
  postgres: (router) => {
    const db = over(router)
    return Promise.resolve({
      ...open(db),
      rawSeen: async (id) => (await db.raw<{ rows: Seen[] }>(RAW_SEEN, [id])).rows[0]!,
      writingCte: async (body) => {
        const [row] = (await Note.query(db)
          .with('w', Note.query(db).insert({ body }).returning('id') as unknown as QueryBuilder<Note>)
          .select('w.id')
          .from('w')) as { id: number }[]
        return row!.id
      },
      nextval: async () => {
        const [row] = await SeenAuthor.query(db)
          .select(raw(`nextval('orm_sequence')::int AS n`))
          .limit(1)
          .castTo<{ n: number }[]>()
        return row!.n
      },
    })
  },
  mysql: (router) => {
    const db = over(router)
    return Promise.resolve({
      ...open(db),
      rawSeen: async (id) => (await db.raw<[Seen[], unknown]>(RAW_SEEN, [id]))[0][0]!,
    })
  },
  lacks: [
    { operation: 'joins', reason: 'its connections are its own, and so are its transactions' },
    { operation: 'prepared', reason: 'no prepared statements of one’s own' },
    { operation: 'connection', reason: 'that is Knex’s to do' },
  ],
}

const RAW_SEEN = 'SELECT id, body, node, pid FROM orm_seen_notes WHERE id = ?'

function open(db: Knex): OpenOrm {
  return {
    ...handle(db),
    rawInsert: async (body) => {
      await Note.bindKnex(db).knex().raw('INSERT INTO orm_notes (body) VALUES (?)', [body])
    },
    insertMany: async (bodies) => {
      await Note.query(db).insertGraph(bodies.map((body) => ({ body })))
    },
    several: async (body) => {
      await Note.bindKnex(db)
        .knex()
        .raw(`SELECT 1; INSERT INTO orm_notes (body) VALUES ('${body}'); SELECT 2`)
    },
    withUpdate: async (id, body) => {
      await Note.query(db)
        .with('w', Note.query(db).select('id').where({ id }))
        .patch({ body })
        .whereIn('id', db.select('id').from('w'))
    },
    lock: async (id, strength) => {
      const query = SeenNote.query(db).select(SEEN).findById(id).throwIfNotFound()
      return plain(await (strength === 'update' ? query.forUpdate() : query.forShare()))
    },
    writingFunction: async (body) => {
      await SeenAuthor.query(db)
        .select(raw('orm_write(?)', [body]))
        .limit(1)
    },
    createTable: () =>
      db.schema.createTable('orm_made', (table) => {
        table.integer('id').primary()
      }),
    truncate: async () => {
      await db('orm_scratch').truncate()
    },
    migrate: () => migrate(db),
    transaction: (fn) => transaction(db, fn),
    readOnly: (fn) => db.transaction((tx) => fn(handle(tx)), { readOnly: true }),
    stream: () => SeenNote.query(db).select(SEEN).toKnexQuery().stream(),
    leavesStreams: true,
    authors: async () => await SeenAuthor.query(db).findByIds([1, 2]).orderBy('id').withGraphFetched('notes'),
    duplicate: async (id) => await Note.query(db).insert({ id, body: 'twice' }),
    isDuplicate: (error) => error instanceof UniqueViolationError,
    close: () => db.destroy(),
  }
}

function transaction<T>(db: Knex, fn: (tx: Handle) => Promise<T>): Promise<T> {
  return Note.transaction(db, (tx) => fn({ ...handle(tx), nested: (inner) => transaction(tx, inner) }))
}

function handle(db: Knex): Handle {
  return {
    seen: async (id) => plain(await SeenNote.query(db).select(SEEN).findById(id).throwIfNotFound()),
    find: async (id) => {
      const note = await Note.query(db).select('id', 'body').findById(id)
      return note === undefined ? null : { id: note.id, body: note.body }
    },
    insert: async (body) => (await Note.query(db).insert({ body })).id,
    update: async (id, body) => {
      await Note.query(db).patch({ body }).where({ id })
    },
    remove: async (id) => {
      await Note.query(db).deleteById(id)
    },
  }
}

function plain({ id, body, node, pid }: SeenNote): Seen {
  return { id, body, node, pid }
}
