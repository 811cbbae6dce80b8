import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import type { Pool as CallbackPool } from 'mysql2'
import type { Pool, PoolConnection } from 'mysql2/promise'
import type { Handle, Note, OrmUnderTest, Seen } from '../orm-under-test'

type Queryable = Pick<Pool, 'query'>
type Rows<T> = (T & RowDataPacket)[]

const SEEN = 'SELECT id, body, node, pid FROM orm_seen_notes'

/** mysql2 with no ORM over it. */
export const mysql2: OrmUnderTest = {
  name: 'mysql2',
  package: 'mysql2',
  mysql: (router) => {
    const callbacks = router.pool()
    const db = callbacks.promise()
    return Promise.resolve({
      ...handle(db),
      rawSeen: (id) => seenBy(db, id),
      rawInsert: async (body) => {
        await db.query('INSERT INTO orm_notes (body) VALUES (?)', [body])
      },
      insertMany: async (bodies) => {
        await db.query('INSERT INTO orm_notes (body) VALUES ?', [bodies.map((body) => [body])])
      },
      several: async (body) => {
        await db.query('SELECT 1; INSERT INTO orm_notes (body) VALUES (?); SELECT 2', [body])
      },
      withUpdate: async (id, body) => {
        await db.query(
          `WITH w AS (SELECT id FROM orm_notes WHERE id = ?)
           UPDATE orm_notes SET body = ? WHERE id IN (SELECT id FROM w)`,
          [id, body],
        )
      },
      lock: async (id, strength) => {
        const [rows] = await db.query<Rows<Seen>>(`${SEEN} WHERE id = ? FOR ${strength}`, [id])
        return rows[0]!
      },
      writingFunction: async (body) => {
        await db.query('SELECT orm_write(?)', [body])
      },
      createTable: async () => {
        await db.query('CREATE TABLE orm_made (id int PRIMARY KEY)')
      },
      truncate: async () => {
        await db.query('TRUNCATE orm_scratch')
      },
      transaction: (fn) =>
        borrowed(db, (connection) => transaction(connection, () => connection.beginTransaction(), fn)),
      readOnly: (fn) =>
        borrowed(db, (connection) =>
          transaction(connection, () => connection.query('START TRANSACTION READ ONLY'), fn),
        ),
      connection: (fn) => borrowed(db, (connection) => fn(handle(connection))),
      stream: () => stream(callbacks),
      leavesStreams: true,
      prepared: async (id) => {
        const [rows] = await db.execute<Rows<Seen>>(`${SEEN} WHERE id = ?`, [id])
        return rows[0]!
      },
      joins: true,
      duplicate: (id) => db.query('INSERT INTO orm_notes (id, body) VALUES (?, ?)', [id, 'twice']),
      isDuplicate: (error) => (error as { code?: unknown }).code === 'ER_DUP_ENTRY',
      close: () => db.end(),
    })
  },
  lacks: [
    { operation: 'migrate', reason: 'no migrations' },
    { operation: 'authors', reason: 'no relations' },
  ],
}

function handle(db: Queryable): Handle {
  return {
    seen: (id) => seenBy(db, id),
    find: async (id) => {
      const [rows] = await db.query<Rows<Note>>('SELECT id, body FROM orm_notes WHERE id = ?', [id])
      return rows[0] === undefined ? null : { ...rows[0] }
    },
    insert: async (body) => {
      const [{ insertId }] = await db.query<ResultSetHeader>('INSERT INTO orm_notes (body) VALUES (?)', [
        body,
      ])
      return insertId
    },
    update: async (id, body) => {
      await db.query('UPDATE orm_notes SET body = ? WHERE id = ?', [body, id])
    },
    remove: async (id) => {
      await db.query('DELETE FROM orm_notes WHERE id = ?', [id])
    },
  }
}

async function seenBy(db: Queryable, id: number): Promise<Seen> {
  const [rows] = await db.query<Rows<Seen>>(`${SEEN} WHERE id = ?`, [id])
  return rows[0]!
}

async function borrowed<T>(db: Pool, fn: (connection: PoolConnection) => Promise<T>): Promise<T> {
  const connection = await db.getConnection()
  try {
    return await fn(connection)
  } finally {
    connection.release()
  }
}

async function transaction<T>(
  connection: PoolConnection,
  begin: () => Promise<unknown>,
  fn: (tx: Handle) => Promise<T>,
): Promise<T> {
  await begin()
  const nested = <N>(inner: (tx: Handle) => Promise<N>): Promise<N> => savepoint(connection, inner)
  try {
    const result = await fn({ ...handle(connection), nested })
    await connection.commit()
    return result
  } catch (error) {
    await connection.rollback()
    throw error
  }
}

async function savepoint<T>(connection: PoolConnection, fn: (tx: Handle) => Promise<T>): Promise<T> {
  await connection.query('SAVEPOINT inner_one')
  try {
    const result = await fn(handle(connection))
    await connection.query('RELEASE SAVEPOINT inner_one')
    return result
  } catch (error) {
    await connection.query('ROLLBACK TO SAVEPOINT inner_one')
    throw error
  }
}

function stream(db: CallbackPool): AsyncIterable<Seen> {
  return db.query(SEEN).stream({ highWaterMark: 5 }) as AsyncIterable<Seen>
}
