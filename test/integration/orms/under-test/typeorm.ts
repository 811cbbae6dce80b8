/* eslint-disable @typescript-eslint/no-unsafe-class-instance-assignment -- the options are a class in TypeORM's typings, and a literal in its manual */
import {
  DataSource,
  EntitySchema,
  In,
  QueryFailedError,
  Table,
  type EntityManager,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm'
import { driverModule as mysqlModule } from '../../../../src/adapters/mysql2'
import { driverModule as pgModule } from '../../../../src/adapters/pg'
import type {
  Handle,
  MysqlRouter,
  Note,
  OpenOrm,
  OrmUnderTest,
  PostgresRouter,
  Seen,
} from '../orm-under-test'

const notes = new EntitySchema<Note>({
  name: 'Note',
  tableName: 'orm_notes',
  columns: {
    id: { type: 'int', primary: true, generated: 'increment' },
    body: { type: 'varchar', length: 100 },
  },
})

/** The same table for ids of one's own: TypeORM sends none where the server makes them. */
const numberedNotes = new EntitySchema<Note>({
  name: 'NumberedNote',
  tableName: 'orm_notes',
  columns: { id: { type: 'int', primary: true }, body: { type: 'varchar', length: 100 } },
})

const scratch = new EntitySchema<{ id: number }>({
  name: 'Scratch',
  tableName: 'orm_scratch',
  columns: { id: { type: 'int', primary: true } },
})

interface SeenNote extends Seen {
  readonly author?: SeenAuthor
}

const seenNotes = new EntitySchema<SeenNote>({
  name: 'SeenNote',
  tableName: 'orm_seen_notes',
  columns: {
    id: { type: 'int', primary: true },
    body: { type: 'varchar' },
    node: { type: 'varchar' },
    pid: { type: 'int' },
  },
  relations: {
    author: { type: 'many-to-one', target: 'SeenAuthor', joinColumn: { name: 'author_id' } },
  },
})

interface SeenAuthor {
  readonly id: number
  readonly name: string
  readonly node: string
  readonly notes: SeenNote[]
}

const seenAuthors = new EntitySchema<SeenAuthor>({
  name: 'SeenAuthor',
  tableName: 'orm_seen_authors',
  columns: { id: { type: 'int', primary: true }, name: { type: 'varchar' }, node: { type: 'varchar' } },
  relations: { notes: { type: 'one-to-many', target: 'SeenNote', inverseSide: 'author' } },
})

class First1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(made('orm_migrated'))
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('orm_migrated')
  }
}

export const COMMON = {
  entities: [notes, numberedNotes, scratch, seenNotes, seenAuthors],
  migrations: [First1700000000000],
}
const RAW_SEEN = 'SELECT id, body, node, pid FROM orm_seen_notes WHERE id = '

export const typeorm: OrmUnderTest = {
  name: 'TypeORM',
  package: 'typeorm',
  postgres: async (router) => {
    const db = await new DataSource({ type: 'postgres', driver: pgModule(router), ...COMMON }).initialize()
    return {
      ...open(db, router),
      rawSeen: async (id) => (await db.query<Seen[]>(`${RAW_SEEN}$1`, [id]))[0]!,
      rawInsert: async (body) => {
        await db.query('INSERT INTO orm_notes (body) VALUES ($1)', [body])
      },
      writingCte: async (body) => {
        const insert = db.createQueryBuilder().insert().into(notes).values({ body }).returning('id')
        const row = await db
          .createQueryBuilder()
          .addCommonTableExpression(insert, 'w')
          .select('w.id', 'id')
          .from('w', 'w')
          .getRawOne<{ id: number }>()
        return row!.id
      },
      nextval: async () => {
        const row = await db
          .createQueryBuilder()
          .select(`nextval('orm_sequence')::int`, 'n')
          .from(seenAuthors, 'author')
          .where('author.id = 1')
          .getRawOne<{ n: number }>()
        return row!.n
      },
      isDuplicate: (error) =>
        error instanceof QueryFailedError && (error.driverError as { code?: unknown }).code === '23505',
    }
  },
  mysql: async (router) => {
    const db = await new DataSource({ type: 'mysql', driver: mysqlModule(router), ...COMMON }).initialize()
    return {
      ...open(db, router),
      rawSeen: async (id) => ({ ...(await db.query<Seen[]>(`${RAW_SEEN}?`, [id]))[0]! }),
      rawInsert: async (body) => {
        await db.query('INSERT INTO orm_notes (body) VALUES (?)', [body])
      },
      isDuplicate: (error) =>
        error instanceof QueryFailedError &&
        (error.driverError as { code?: unknown }).code === 'ER_DUP_ENTRY',
    }
  },
  lacks: [
    { operation: 'joins', reason: 'its connections are its own, and so are its transactions' },
    { operation: 'lock', reason: 'refuses a lock outside a transaction itself' },
    { operation: 'readOnly', reason: 'no read-only transactions' },
    { operation: 'prepared', reason: 'no prepared statements of one’s own' },
  ],
}

function open(db: DataSource, router: PostgresRouter | MysqlRouter): Omit<OpenOrm, 'isDuplicate'> {
  return {
    ...handle(db.manager),
    insertMany: async (bodies) => {
      await db.getRepository(notes).insert(bodies.map((body) => ({ body })))
    },
    several: async (body) => {
      await db.query(`SELECT 1; INSERT INTO orm_notes (body) VALUES ('${body}'); SELECT 2`)
    },
    withUpdate: async (id, body) => {
      const w = db.createQueryBuilder().select('note.id', 'id').from(notes, 'note').where({ id })
      await db
        .createQueryBuilder()
        .addCommonTableExpression(w, 'w')
        .update(notes)
        .set({ body })
        .where('id IN (SELECT id FROM w)')
        .execute()
    },
    writingFunction: async (body) => {
      await db
        .createQueryBuilder()
        .select(`orm_write('${body}')`)
        .from(seenAuthors, 'author')
        .where('author.id = 1')
        .getRawOne()
    },
    createTable: () => withRunner(db, (runner) => runner.createTable(made('orm_made'))),
    truncate: () => db.getRepository(scratch).clear(),
    // It looks for its table and for what has run, and goes by what it finds.
    migrate: async () => {
      await router.primary(() => db.runMigrations())
    },
    transaction: (fn) => transaction(db.manager, fn),
    connection: (fn) => withRunner(db, (runner) => fn(handle(runner.manager))),
    stream: () => stream(db),
    leavesStreams: true,
    authors: () =>
      db.getRepository(seenAuthors).find({
        where: { id: In([1, 2]) },
        order: { id: 'ASC' },
        relations: { notes: true },
        relationLoadStrategy: 'query',
      }),
    duplicate: (id) => db.getRepository(numberedNotes).insert({ id, body: 'twice' }),
    close: () => db.destroy(),
  }
}

function transaction<T>(manager: EntityManager, fn: (tx: Handle) => Promise<T>): Promise<T> {
  return manager.transaction((tx) => fn({ ...handle(tx), nested: (inner) => transaction(tx, inner) }))
}

function handle(manager: EntityManager): Handle {
  return {
    seen: async (id) => ({ ...(await manager.getRepository(seenNotes).findOneByOrFail({ id })) }),
    find: async (id) => {
      const note = await manager.getRepository(notes).findOneBy({ id })
      return note === null ? null : { ...note }
    },
    insert: async (body) => (await manager.getRepository(notes).save({ body })).id,
    update: async (id, body) => {
      await manager.getRepository(notes).update({ id }, { body })
    },
    remove: async (id) => {
      await manager.getRepository(notes).delete({ id })
    },
  }
}

async function withRunner<T>(db: DataSource, fn: (runner: QueryRunner) => Promise<T>): Promise<T> {
  const runner = db.createQueryRunner()
  try {
    return await fn(runner)
  } finally {
    await runner.release()
  }
}

async function* stream(db: DataSource): AsyncGenerator<Seen> {
  const runner = db.createQueryRunner()
  try {
    const query = db.createQueryBuilder(runner).from(seenNotes, 'note')
    yield* (await query
      .select('note.id', 'id')
      .addSelect('note.body', 'body')
      .addSelect('note.node', 'node')
      .addSelect('note.pid', 'pid')
      .stream()) as unknown as AsyncIterable<Seen>
  } finally {
    await runner.release()
  }
}

function made(name: string): Table {
  return new Table({ name, columns: [{ name: 'id', type: 'int', isPrimary: true }] })
}
