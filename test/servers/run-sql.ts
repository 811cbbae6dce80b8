import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { Client } from 'pg'

export type Row = Readonly<Record<string, unknown>>

const CONNECT_MS = 5_000

/** Runs one statement on a connection of its own, by whichever driver the URL asks for. */
export function runSql(url: string, sql: string, values: unknown[] = []): Promise<Row[]> {
  return url.startsWith('postgres:') ? runOnPostgres(url, sql, values) : runOnMysql(url, sql, values)
}

async function runOnPostgres(url: string, sql: string, values: unknown[]): Promise<Row[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS })
  client.on('error', () => {
    // the query that is under way fails with it
  })
  try {
    await client.connect()
    const { rows } = await client.query<Row>(sql, values)
    return rows
  } finally {
    await client.end()
  }
}

async function runOnMysql(url: string, sql: string, values: unknown[]): Promise<Row[]> {
  const connection = await createConnection({ uri: url, connectTimeout: CONNECT_MS })
  try {
    const [rows] = await connection.query<RowDataPacket[]>(sql, values)
    return rows
  } finally {
    connection.destroy()
  }
}
