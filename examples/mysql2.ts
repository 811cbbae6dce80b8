// router.pool() in place of mysql2's createPool(): the same calls, each on the server it belongs to.
import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import type { Pool } from 'mysql2/promise'
import { createRouter } from '../src' // in an application: 'splitpool'
import { mysql } from '../src/adapters/mysql2' // 'splitpool/mysql2'
import { runExample } from './servers'

void runExample('mysql', async ({ servers }) => {
  const router = createRouter({
    databases: {
      default: mysql({ primary: servers.primary, replicas: servers.replicas }),
    },
  })
  const db: Pool = router.pool().promise()

  // A scope is one request, job or message. It picks a replica and keeps it.
  for (let job = 1; job <= 4; job++) {
    await router.scope(async () => {
      console.log(`job ${job} reads from`, await server(db), 'and again from', await server(db))
    })
  }

  // A scope that has written reads from the primary, so it sees what it wrote.
  await router.scope(async () => {
    await db.query('CREATE TABLE IF NOT EXISTS example_notes (id int AUTO_INCREMENT PRIMARY KEY, body text)')
    const [{ insertId }] = await db.execute<ResultSetHeader>('INSERT INTO example_notes (body) VALUES (?)', [
      'hello',
    ])
    const [found] = await db.execute<RowDataPacket[]>('SELECT body FROM example_notes WHERE id = ?', [
      insertId,
    ])
    console.log('wrote and read back', found[0], 'on', await server(db))
  })

  // A borrowed connection chooses its server at its first statement.
  await router.scope(async () => {
    const connection = await db.getConnection()
    console.log('a borrowed connection reads from', await server(connection))
    await connection.query('DROP TABLE example_notes')
    console.log('and stays, once it has written, on', await server(connection))
    connection.release()
  })

  // With callbacks, as mysql2 has them without promise().
  await new Promise<void>((resolve, reject) => {
    router.pool().query<RowDataPacket[]>('SELECT 1 + 1 AS two', (error, rows) => {
      if (error) {
        reject(error)
        return
      }
      console.log('with a callback', rows[0])
      resolve()
    })
  })

  await db.end()
})

async function server(db: Pick<Pool, 'query'>): Promise<string> {
  const [rows] = await db.query<RowDataPacket[]>('SELECT @@super_read_only AS readOnly, @@port AS port')
  return `${rows[0]!['readOnly'] === 1 ? 'replica' : 'primary'} :${rows[0]!['port']}`
}
