import { Migration, Migrator } from '@mikro-orm/migrations'
import { MikroORM as MysqlOrm, MySqlKnexDialect } from '@mikro-orm/mysql'
import {
  type Collection,
  EntitySchema,
  MikroORM as PostgresOrm,
  PostgreSqlKnexDialect,
  UniqueConstraintViolationException,
  type IMigrator,
  type ISchemaGenerator,
  type SqlEntityManager,
} from '@mikro-orm/postgresql'
import type { Pool } from 'tarn'
import { driverModule as mysqlModule } from '../../../../src/adapters/mysql2'
import { driverModule as pgModule } from '../../../../src/adapters/pg'
import type { Handle, MysqlRouter, OpenOrm, OrmUnderTest, PostgresRouter, Seen } from '../orm-under-test'

interface NoteEntity {
  id: number
  body: string
}

interface SeenNote {
  id: number
  body: string
  author: SeenAuthor
  node: string
  pid: number
}

interface SeenAuthor {
  id: number
  name: string
  node: string
  notes: Collection<SeenNote>
}

const NOTE = new EntitySchema<NoteEntity>({
  name: 'Note',
  tableName: 'orm_notes',
  properties: { id: { type: 'number', primary: true }, body: { type: 'string', length: 100 } },
})

const SEEN_AUTHOR = new EntitySchema<SeenAuthor>({
  name: 'SeenAuthor',
  tableName: 'orm_seen_authors',
  properties: {
    id: { type: 'number', primary: true },
    name: { type: 'string' },
    node: { type: 'string' },
    notes: { kind: '1:m', entity: 'SeenNote', mappedBy: 'author' },
  },
})

const SEEN_NOTE = new EntitySchema<SeenNote>({
  name: 'SeenNote',
  tableName: 'orm_seen_notes',
  properties: {
    id: { type: 'number', primary: true },
    body: { type: 'string' },
    author: { kind: 'm:1', entity: 'SeenAuthor' },
    node: { type: 'string' },
    pid: { type: 'number' },
  },
})

const MADE = new EntitySchema<{ id: number }>({
  name: 'Made',
  tableName: 'orm_made',
  properties: { id: { type: 'number', primary: true } },
})

class First extends Migration {
  up(): void {
    this.addSql('CREATE TABLE orm_migrated (id int PRIMARY KEY)')
  }
}

const MIGRATIONS = {
  migrationsList: [{ name: 'first', class: First }],
  tableName: 'mikro_migrations',
  silent: true,
}

interface Orm {
  readonly em: SqlEntityManager
  getMigrator(): IMigrator
  readonly schema: Pick<ISchemaGenerator, 'updateSchema'>
  close(): Promise<void>
}

export const mikroOrm: OrmUnderTest = {
  name: 'MikroORM',
  package: '@mikro-orm/core',
  postgres: async (router) => {
    const driverOptions = { client: postgresDialect(router) }
    const entities = [NOTE, SEEN_NOTE, SEEN_AUTHOR]
    const orm = await PostgresOrm.init({ dbName: 'app', entities, driverOptions })
    const schema = await PostgresOrm.init({
      dbName: 'app',
      entities: [MADE],
      driverOptions,
      extensions: [Migrator],
      migrations: MIGRATIONS,
    })
    return {
      ...open(orm, schema),
      readOnly: (fn) => orm.em.fork().transactional((em) => fn(inside(em)), { readOnly: true }),
      writingCte: async (body) => {
        const [row] = await orm.em
          .fork()
          .execute<{ id: number }[]>(
            'WITH w AS (INSERT INTO orm_notes (body) VALUES (?) RETURNING id) SELECT id FROM w',
            [body],
          )
        return row!.id
      },
      nextval: async () => {
        const [row] = await orm.em.execute<{ n: string }[]>(`SELECT nextval('orm_sequence') AS n`)
        return Number(row!.n)
      },
    }
  },
  mysql: async (router) => {
    const driverOptions = { client: mysqlDialect(router) }
    const entities = [NOTE, SEEN_NOTE, SEEN_AUTHOR]
    const orm = await MysqlOrm.init({ dbName: 'app', entities, driverOptions })
    const schema = await MysqlOrm.init({
      dbName: 'app',
      entities: [MADE],
      driverOptions,
      extensions: [Migrator],
      migrations: MIGRATIONS,
    })
    return open(orm, schema)
  },
  lacks: [
    { operation: 'connection', reason: 'lends no connections' },
    {
      operation: 'readOnly',
      dialect: 'mysql',
      reason: '`SET TRANSACTION` before `BEGIN`: runs on the primary',
    },
    { operation: 'prepared', reason: 'writes values into its texts' },
    { operation: 'joins', reason: 'its connections are its own, and so are its transactions' },
  ],
}

/** MikroORM makes its Knex itself, and that its driver. */
export function postgresDialect(router: PostgresRouter): typeof PostgreSqlKnexDialect {
  return class extends PostgreSqlKnexDialect {
    _driver(): unknown {
      return pgModule(router)
    }
  }
}

export function mysqlDialect(router: MysqlRouter): typeof MySqlKnexDialect {
  return class extends MySqlKnexDialect {
    _driver(): unknown {
      return mysqlModule(router)
    }
  }
}

function open(orm: Orm, schema: Orm): OpenOrm {
  const fork = (): SqlEntityManager => orm.em.fork()
  return {
    ...handle(fork),
    rawSeen: async (id) => {
      const [row] = await fork().execute<Seen[]>(
        'SELECT id, body, node, pid FROM orm_seen_notes WHERE id = ?',
        [id],
      )
      return row!
    },
    rawInsert: async (body) => {
      await fork().execute('INSERT INTO orm_notes (body) VALUES (?)', [body])
    },
    insertMany: async (bodies) => {
      await fork().insertMany<NoteEntity>(
        'Note',
        bodies.map((body) => ({ body }) as NoteEntity),
      )
    },
    several: async (body) => {
      await fork().execute(`SELECT 1; INSERT INTO orm_notes (body) VALUES (?); SELECT 2`, [body])
    },
    withUpdate: async (id, body) => {
      await fork().execute(
        `WITH w AS (SELECT id FROM orm_notes WHERE id = ?)
         UPDATE orm_notes SET body = ? WHERE id IN (SELECT id FROM w)`,
        [id, body],
      )
    },
    lock: async (id, strength) => {
      const sql = `SELECT id, body, node, pid FROM orm_seen_notes WHERE id = ? FOR ${strength}`
      const [row] = await fork().execute<Seen[]>(sql, [id])
      return row!
    },
    writingFunction: async (body) => {
      await fork().execute('SELECT orm_write(?)', [body])
    },
    createTable: async () => {
      await schema.schema.updateSchema({ safe: true, dropTables: false })
    },
    migrate: async () => {
      await schema.getMigrator().up()
    },
    truncate: async () => {
      await fork().createQueryBuilder(NOTE).getKnex().from('orm_scratch').truncate()
    },
    transaction: (fn) => fork().transactional((em) => fn(inside(em))),
    leavesStreams: true,
    inUse: () =>
      [orm, schema].reduce((sum, { em }) => {
        const { pool } = em.getKnex().client as { pool: Pool<unknown> }
        return sum + pool.numUsed() + pool.numPendingAcquires()
      }, 0),
    stream: () =>
      fork()
        .getKnex()
        .select('id', 'body', 'node', 'pid')
        .from('orm_seen_notes')
        .stream() as AsyncIterable<Seen>,
    authors: async () => {
      const authors = await fork().find(
        SEEN_AUTHOR,
        {},
        { populate: ['notes'], orderBy: { id: 'asc' }, limit: 2 },
      )
      return authors.map(({ name, node, notes }) => ({ name, node, notes: notes.map(seen) }))
    },
    duplicate: (id) => fork().insert(NOTE, { id, body: 'twice' }),
    isDuplicate: (error) => error instanceof UniqueConstraintViolationException,
    close: async () => {
      await schema.close()
      await orm.close()
    },
  }
}

function inside(em: SqlEntityManager): Handle {
  return { ...handle(() => em), nested: (fn) => em.transactional((inner) => fn(inside(inner))) }
}

/** Through the unit of work, and past the identity map. */
function handle(manager: () => SqlEntityManager): Handle {
  return {
    seen: async (id) => seen(await manager().findOneOrFail(SEEN_NOTE, id, { refresh: true })),
    find: async (id) => {
      const note = await manager().findOne(NOTE, id, { refresh: true })
      return note && { id: note.id, body: note.body }
    },
    insert: async (body) => {
      const em = manager()
      const note = em.create(NOTE, { body } as NoteEntity)
      await em.persist(note).flush()
      return note.id
    },
    update: async (id, body) => {
      const em = manager()
      const note = await em.findOneOrFail(NOTE, id)
      note.body = body
      await em.flush()
    },
    remove: async (id) => {
      const em = manager()
      await em.remove(em.getReference(NOTE, id)).flush()
    },
  }
}

function seen({ id, body, node, pid }: SeenNote): Seen {
  return { id, body, node, pid }
}
