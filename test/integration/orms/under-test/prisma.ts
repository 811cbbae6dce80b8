import { createHash } from 'node:crypto'
import { mariadbPool } from '../../../../examples/prisma/mariadb-pool'
import type {
  Handle,
  MysqlRouter,
  OpenOrm,
  OrmDialect,
  OrmUnderTest,
  PostgresRouter,
  Seen,
} from '../orm-under-test'
import { loadPrisma, type Prisma, type PrismaPackage, type SeenNote } from '../prisma/generated-client'

/** Prisma with `@prisma/adapter-pg`, and with `@prisma/adapter-mariadb` over a mysql2 pool. */
export const prisma: OrmUnderTest = {
  name: 'Prisma',
  package: '@prisma/client',
  postgres: async (router) => {
    const loaded = await loadPrisma('postgres')
    const pool = router.pool()
    const client = overPg(loaded, router)
    const naming = { statementNameGenerator: ({ sql }: { sql: string }) => digest(sql) }
    const named = new loaded.PrismaClient({ adapter: new loaded.PrismaPg(pool, naming) })
    return {
      ...open(client, named, loaded, 'postgres'),
      joins: true,
      writingCte: async (body) => {
        const [row] = await client.$queryRaw<{ id: number }[]>`
          WITH w AS (INSERT INTO orm_notes (body) VALUES (${body}) RETURNING id) SELECT id FROM w`
        return row!.id
      },
      nextval: async () => {
        const [row] = await client.$queryRaw<{ n: bigint }[]>`SELECT nextval('orm_sequence') AS n`
        return Number(row!.n)
      },
    }
  },
  mysql: async (router) => {
    const loaded = await loadPrisma('mysql')
    const client = overMysql2(loaded, router)
    // The adapter prepares every statement.
    return open(client, client, loaded, 'mysql')
  },
  lacks: [
    { operation: 'readOnly', reason: 'no read-only transactions' },
    { operation: 'connection', reason: 'lends no connections' },
    { operation: 'joins', reason: 'opens a transaction to read back what it wrote', dialect: 'mysql' },
    { operation: 'stream', reason: 'no streams' },
    { operation: 'leavesStreams', reason: 'no streams' },
    { operation: 'migrate', reason: '`prisma migrate` is a program with a connection of its own' },
  ],
}

export function overPg({ PrismaClient, PrismaPg }: PrismaPackage, router: PostgresRouter): Prisma {
  return new PrismaClient({ adapter: new PrismaPg(router.pool()) })
}

export function overMysql2({ PrismaClient, PrismaMariaDb }: PrismaPackage, router: MysqlRouter): Prisma {
  return new PrismaClient({ adapter: new PrismaMariaDb(mariadbPool(router.pool())) })
}

function open(client: Prisma, prepared: Prisma, loaded: PrismaPackage, dialect: OrmDialect): OpenOrm {
  return {
    ...handle(client),
    rawSeen: async (id) => {
      const rows = await client.$queryRaw<
        SeenNote[]
      >`SELECT id, body, node, pid FROM orm_seen_notes WHERE id = ${id}`
      return seen(rows[0]!)
    },
    rawInsert: async (body) => {
      await client.$executeRaw`INSERT INTO orm_notes (body) VALUES (${body})`
    },
    insertMany: async (bodies) => {
      await client.note.createMany({ data: bodies.map((body) => ({ body })) })
    },
    several: async (body) => {
      await client.$transaction([
        client.$queryRaw`SELECT 1`,
        client.note.create({ data: { body } }),
        client.$executeRaw`UPDATE orm_notes SET body = ${body} WHERE body = ${body}`,
      ])
    },
    withUpdate: async (id, body) => {
      await client.$executeRaw`
        WITH w AS (SELECT id FROM orm_notes WHERE id = ${id})
        UPDATE orm_notes SET body = ${body} WHERE id IN (SELECT id FROM w)`
    },
    lock: async (id, strength) => {
      const sql = 'SELECT id, body, node, pid FROM orm_seen_notes WHERE id ='
      const parameter = dialect === 'postgres' ? '$1' : '?'
      const rows = await client.$queryRawUnsafe<SeenNote[]>(`${sql} ${parameter} FOR ${strength}`, id)
      return seen(rows[0]!)
    },
    writingFunction: async (body) => {
      await client.$queryRaw`SELECT orm_write(${body})`
    },
    createTable: async () => {
      await client.$executeRaw`CREATE TABLE orm_made (id int PRIMARY KEY)`
    },
    truncate: async () => {
      await client.$executeRaw`TRUNCATE TABLE orm_scratch`
    },
    transaction: (fn) => client.$transaction((tx) => fn(inside(tx))),
    prepared: (id) => handle(prepared).seen(id),
    authors: async () => {
      const authors = await client.seenAuthor.findMany({
        include: { notes: true },
        orderBy: { id: 'asc' },
        take: 2,
      })
      return authors.map(({ name, node, notes }) => ({ name, node, notes: notes.map(seen) }))
    },
    duplicate: (id) => client.note.create({ data: { id, body: 'twice' } }),
    isDuplicate: (error) =>
      error instanceof loaded.Prisma.PrismaClientKnownRequestError && error.code === 'P2002',
    close: async () => {
      await client.$disconnect()
      await prepared.$disconnect()
    },
  }
}

function inside(tx: Prisma): Handle {
  return { ...handle(tx), nested: (fn) => tx.$transaction((inner) => fn(inside(inner))) }
}

/** `findFirst`, since Prisma gathers the `findUnique`s of one tick; see `prisma.test.ts`. */
function handle(db: Prisma): Handle {
  return {
    seen: async (id) => seen(await db.seenNote.findFirstOrThrow({ where: { id } })),
    find: async (id) => await db.note.findFirst({ where: { id }, select: { id: true, body: true } }),
    insert: async (body) => (await db.note.create({ data: { body } })).id,
    update: async (id, body) => {
      await db.note.update({ where: { id }, data: { body } })
    },
    remove: async (id) => {
      await db.note.delete({ where: { id } })
    },
  }
}

function seen({ id, body, node, pid }: SeenNote): Seen {
  return { id, body, node, pid: Number(pid) }
}

function digest(sql: string): string {
  return createHash('sha256').update(sql).digest('hex').slice(0, 32)
}
