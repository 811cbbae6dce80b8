import { DatabaseError, type Pool, type PoolClient } from 'pg'
import QueryStream from 'pg-query-stream'
import type { Handle, Note, OrmUnderTest, Seen } from '../orm-under-test'

type Queryable = Pick<Pool, 'query'>

const SEEN = 'SELECT id, body, node, pid FROM orm_seen_notes'

/** pg with no ORM over it. */
export const pg: OrmUnderTest = {
  name: 'pg',
  package: 'pg',
  postgres: (router) => {
    const db = router.pool()
    return Promise.resolve({
      ...handle(db),
      rawSeen: (id) => seenBy(db, id),
      rawInsert: async (body) => {
        await db.query(`INSERT INTO orm_notes (body) VALUES ($1)`, [body])
      },
      insertMany: async (bodies) => {
        await db.query('INSERT INTO orm_notes (body) SELECT unnest($1::text[])', [bodies])
      },
      several: async (body) => {
        await db.query(`SELECT 1; INSERT INTO orm_notes (body) VALUES (${literal(body)}); SELECT 2`)
      },
      writingCte: async (body) => {
        const { rows } = await db.query<{ id: number }>(
          'WITH w AS (INSERT INTO orm_notes (body) VALUES ($1) RETURNING id) SELECT id FROM w',
          [body],
        )
        return rows[0]!.id
      },
      withUpdate: async (id, body) => {
        await db.query(
          `WITH w AS (SELECT id FROM orm_notes WHERE id = $1)
           UPDATE orm_notes SET body = $2 WHERE id IN (SELECT id FROM w)`,
          [id, body],
        )
      },
      lock: async (id, strength) => {
        const { rows } = await db.query<Seen>(`${SEEN} WHERE id = $1 FOR ${strength}`, [id])
        return rows[0]!
      },
      nextval: async () => {
        const { rows } = await db.query<{ n: number }>(`SELECT nextval('orm_sequence')::int AS n`)
        return rows[0]!.n
      },
      writingFunction: async (body) => {
        await db.query('SELECT orm_write($1)', [body])
      },
      createTable: async () => {
        await db.query('CREATE TABLE orm_made (id int PRIMARY KEY)')
      },
      truncate: async () => {
        await db.query('TRUNCATE orm_scratch')
      },
      transaction: (fn) => borrowed(db, (client) => transaction(client, 'BEGIN', fn)),
      readOnly: (fn) => borrowed(db, (client) => transaction(client, 'BEGIN READ ONLY', fn)),
      connection: (fn) => borrowed(db, (client) => fn(handle(client))),
      stream: () => stream(db),
      leavesStreams: true,
      prepared: async (id) => {
        const { rows } = await db.query<Seen>({ name: 'seen', text: `${SEEN} WHERE id = $1`, values: [id] })
        return rows[0]!
      },
      joins: true,
      duplicate: (id) => db.query('INSERT INTO orm_notes (id, body) VALUES ($1, $2)', [id, 'twice']),
      isDuplicate: (error) => error instanceof DatabaseError && error.code === '23505',
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
      const { rows } = await db.query<Note>('SELECT id, body FROM orm_notes WHERE id = $1', [id])
      return rows[0] ?? null
    },
    insert: async (body) => {
      const { rows } = await db.query<Note>('INSERT INTO orm_notes (body) VALUES ($1) RETURNING id', [body])
      return rows[0]!.id
    },
    update: async (id, body) => {
      await db.query('UPDATE orm_notes SET body = $2 WHERE id = $1', [id, body])
    },
    remove: async (id) => {
      await db.query('DELETE FROM orm_notes WHERE id = $1', [id])
    },
  }
}

async function seenBy(db: Queryable, id: number): Promise<Seen> {
  const { rows } = await db.query<Seen>(`${SEEN} WHERE id = $1`, [id])
  return rows[0]!
}

async function borrowed<T>(db: Pool, fn: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await db.connect()
  try {
    return await fn(client)
  } finally {
    client.release()
  }
}

async function transaction<T>(client: PoolClient, begin: string, fn: (tx: Handle) => Promise<T>): Promise<T> {
  await client.query(begin)
  const nested = <N>(inner: (tx: Handle) => Promise<N>): Promise<N> => savepoint(client, inner)
  try {
    const result = await fn({ ...handle(client), nested })
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}

async function savepoint<T>(client: PoolClient, fn: (tx: Handle) => Promise<T>): Promise<T> {
  await client.query('SAVEPOINT inner_one')
  try {
    const result = await fn(handle(client))
    await client.query('RELEASE SAVEPOINT inner_one')
    return result
  } catch (error) {
    await client.query('ROLLBACK TO SAVEPOINT inner_one')
    throw error
  }
}

async function* stream(db: Pool): AsyncGenerator<Seen> {
  const client = await db.connect()
  try {
    yield* client.query(new QueryStream(SEEN, [], { batchSize: 20 })) as AsyncIterable<Seen>
  } finally {
    client.release()
  }
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
