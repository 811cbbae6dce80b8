import {
  DataTypes,
  literal,
  QueryTypes,
  Sequelize,
  Transaction,
  UniqueConstraintError,
  type Model,
  type ModelStatic,
  type Options,
} from 'sequelize'
import { driverModule as mysqlModule } from '../../../../src/adapters/mysql2'
import { driverModule as pgModule } from '../../../../src/adapters/pg'
import type {
  Handle,
  MysqlRouter,
  Note,
  OpenOrm,
  OrmDialect,
  OrmUnderTest,
  PostgresRouter,
  Seen,
} from '../orm-under-test'

const ID = { type: DataTypes.INTEGER, primaryKey: true }
const COMMON: Options = { logging: false, define: { timestamps: false } }
const RAW_SEEN = 'SELECT id, body, node, pid FROM orm_seen_notes WHERE id = ?'

interface Models {
  readonly db: Sequelize
  readonly notes: ModelStatic<Model>
  readonly seenNotes: ModelStatic<Model>
  readonly seenAuthors: ModelStatic<Model>
}

export const sequelize: OrmUnderTest = {
  name: 'Sequelize',
  package: 'sequelize',
  postgres: (router) => {
    const models = define(over('postgres', router))
    const { db } = models
    return Promise.resolve({
      ...open(models),
      writingCte: async (body) => {
        const [row] = await db.query<{ id: number }>(
          'WITH w AS (INSERT INTO orm_notes (body) VALUES (?) RETURNING id) SELECT id FROM w',
          { replacements: [body], type: QueryTypes.SELECT },
        )
        return row!.id
      },
      nextval: async () => {
        const [row] = await db.query<{ n: number }>(`SELECT nextval('orm_sequence')::int AS n`, {
          type: QueryTypes.SELECT,
        })
        return row!.n
      },
    })
  },
  mysql: (router) => {
    const models = define(over('mysql', router))
    return Promise.resolve(open(models))
  },
  lacks: [
    { operation: 'joins', reason: 'its connections are its own, and so are its transactions' },
    { operation: 'readOnly', reason: 'does not tell the server of its `readOnly`' },
    { operation: 'connection', reason: 'lends no connections' },
    { operation: 'stream', reason: 'no streams' },
    { operation: 'leavesStreams', reason: 'no streams' },
    { operation: 'prepared', reason: 'no prepared statements of one’s own' },
    { operation: 'migrate', reason: 'its migrations are a package of their own' },
  ],
}

export function over(dialect: OrmDialect, router: PostgresRouter | MysqlRouter): Sequelize {
  const driverModule = dialect === 'postgres' ? pgModule : mysqlModule
  return new Sequelize({ dialect, dialectModule: driverModule(router), ...COMMON })
}

export function define(db: Sequelize): Models {
  const body = DataTypes.STRING(100)
  const notes = db.define('note', { id: { ...ID, autoIncrement: true }, body }, { tableName: 'orm_notes' })
  const seenNotes = db.define(
    'seenNote',
    {
      id: ID,
      authorId: { type: DataTypes.INTEGER, field: 'author_id' },
      body,
      node: body,
      pid: DataTypes.INTEGER,
    },
    { tableName: 'orm_seen_notes' },
  )
  const seenAuthors = db.define(
    'seenAuthor',
    { id: ID, name: body, node: body },
    { tableName: 'orm_seen_authors' },
  )
  seenAuthors.hasMany(seenNotes, { as: 'notes', foreignKey: 'authorId', constraints: false })
  return { db, notes, seenNotes, seenAuthors }
}

function open(models: Models): OpenOrm {
  const { db, notes, seenNotes, seenAuthors } = models
  return {
    ...handle(models, null),
    rawSeen: async (id) => {
      const [row] = await db.query<Seen>(RAW_SEEN, { replacements: [id], type: QueryTypes.SELECT })
      return { ...row! }
    },
    rawInsert: async (body) => {
      await db.query('INSERT INTO orm_notes (body) VALUES (?)', { replacements: [body] })
    },
    insertMany: async (bodies) => {
      await notes.bulkCreate(bodies.map((body) => ({ body })))
    },
    several: async (body) => {
      await db.query(`SELECT 1; INSERT INTO orm_notes (body) VALUES ('${body}'); SELECT 2`)
    },
    withUpdate: async (id, body) => {
      await db.query(
        `WITH w AS (SELECT id FROM orm_notes WHERE id = ?)
         UPDATE orm_notes SET body = ? WHERE id IN (SELECT id FROM w)`,
        { replacements: [id, body], type: QueryTypes.UPDATE },
      )
    },
    lock: async (id, strength) => {
      const lock = strength === 'update' ? Transaction.LOCK.UPDATE : Transaction.LOCK.SHARE
      return plain(await seenNotes.findByPk(id, { lock, rejectOnEmpty: true }))
    },
    writingFunction: async (body) => {
      await seenAuthors.findOne({
        attributes: [[literal(`orm_write(${db.escape(body)})`), 'written']],
        where: { id: 1 },
      })
    },
    createTable: () => db.getQueryInterface().createTable('orm_made', { id: ID }),
    truncate: async () => {
      await db.define('scratch', { id: ID }, { tableName: 'orm_scratch' }).truncate()
    },
    transaction: (fn) => transaction(models, null, fn),
    authors: async () => {
      const found = await seenAuthors.findAll({
        where: { id: [1, 2] },
        order: ['id'],
        include: [{ model: seenNotes, as: 'notes', separate: true }],
      })
      return found.map(
        (author) => author.get({ plain: true }) as { name: string; node: string; notes: Seen[] },
      )
    },
    inUse: () => {
      const { pool } = db.connectionManager as unknown as { pool: { using: number; waiting: number } }
      return pool.using + pool.waiting
    },
    duplicate: (id) => notes.create({ id, body: 'twice' }),
    isDuplicate: (error) => error instanceof UniqueConstraintError,
    close: () => db.close(),
  }
}

/** @param outer the transaction in which this is a savepoint */
function transaction<T>(
  models: Models,
  outer: Transaction | null,
  fn: (tx: Handle) => Promise<T>,
): Promise<T> {
  return models.db.transaction({ transaction: outer }, (tx) =>
    fn({ ...handle(models, tx), nested: (inner) => transaction(models, tx, inner) }),
  )
}

function handle({ notes, seenNotes }: Models, transaction: Transaction | null): Handle {
  return {
    seen: async (id) => plain(await seenNotes.findByPk(id, { transaction, rejectOnEmpty: true })),
    find: async (id) => {
      const found = await notes.findByPk(id, { transaction })
      return found === null ? null : (found.get({ plain: true }) as Note)
    },
    insert: async (body) => ((await notes.create({ body }, { transaction })).get() as Note).id,
    update: async (id, body) => {
      await notes.update({ body }, { where: { id }, transaction })
    },
    remove: async (id) => {
      await notes.destroy({ where: { id }, transaction })
    },
  }
}

function plain(row: Model): Seen {
  const { id, body, node, pid } = row.get({ plain: true }) as Seen
  return { id, body, node, pid }
}
