import type { Pool, ResultSetHeader, RowDataPacket } from 'mysql2'
import type { PoolConnection } from 'mysql2/promise'
import type { Database, Router } from '../../../src'
import type { Article, Blog, User } from '../blog/blog'

type Mysql = Database<Pool, PoolConnection>
type Rows<T> = (T & RowDataPacket)[]

/** The application's queries, as they would be written on one mysql2 pool to one server. */
export function mysqlBlog(router: Router<{ default: Mysql; users: Mysql }>): Blog {
  const db = router.pool().promise()

  return {
    async latest() {
      const [rows] = await db.query<Rows<Article>>('SELECT * FROM articles ORDER BY id DESC LIMIT 5')
      return rows
    },

    article,

    async text(id) {
      const [rows] = await db.execute<Rows<{ text: string | null }>>('SELECT article_text(?) AS text', [id])
      return rows[0]?.text ?? null
    },

    async isFree(id) {
      try {
        await db.execute('SELECT id FROM articles WHERE id = ? FOR UPDATE NOWAIT', [id])
        return true
      } catch (error) {
        if ((error as { code?: string }).code === 'ER_LOCK_NOWAIT') return false
        throw error
      }
    },

    async addArticle(title, authorId) {
      const [{ insertId }] = await db.execute<ResultSetHeader>(
        'INSERT INTO articles (title, author_id) VALUES (?, ?)',
        [title, authorId],
      )
      return insertId
    },

    // Through the router: commits when the callback returns, and what it calls on the pool joins in.
    rename: (id, title) =>
      router.transaction(async (tx) => {
        await tx.execute('SELECT id FROM articles WHERE id = ? FOR UPDATE', [id])
        await tx.execute(
          'INSERT INTO revisions (article_id, title) SELECT id, title FROM articles WHERE id = ?',
          [id],
        )
        await tx.execute('UPDATE articles SET title = ? WHERE id = ?', [title, id])
        return await article(id)
      }),

    // In the driver's own way: a borrowed connection, beginTransaction and commit.
    async review() {
      const connection = await db.getConnection()
      try {
        await connection.beginTransaction()
        const [rows] = await connection.query<Rows<Article>>(
          'SELECT * FROM articles WHERE NOT reviewed ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED',
        )
        await connection.execute('UPDATE articles SET reviewed = true WHERE id = ?', [rows[0]?.id ?? null])
        await connection.commit()
        return rows[0]
      } catch (error) {
        await connection.rollback()
        throw error
      } finally {
        connection.release()
      }
    },

    report: () =>
      router.transaction(
        async (tx) => {
          const [articles] = await tx.query<Rows<Count>>('SELECT count(*) AS n FROM articles')
          const [revisions] = await tx.query<Rows<Count>>('SELECT count(*) AS n FROM revisions')
          return { articles: articles[0]!.n, revisions: revisions[0]!.n }
        },
        { readOnly: true, isolationLevel: 'repeatable read' },
      ),

    async user(id) {
      const [rows] = await db.execute<Rows<User>>('SELECT * FROM t_user WHERE id = ?', [id])
      return rows[0]
    },

    async usersNamed(ids) {
      const [rows] = await db.query<Rows<User>>('SELECT * FROM t_user WHERE id IN (?)', [ids])
      return rows
    },

    async addUser(name) {
      const [{ insertId }] = await db.execute<ResultSetHeader>('INSERT INTO t_user (name) VALUES (?)', [name])
      return insertId
    },
  }

  async function article(id: number): Promise<Article | undefined> {
    const [rows] = await db.execute<Rows<Article>>('SELECT * FROM articles WHERE id = ?', [id])
    return rows[0]
  }
}

interface Count {
  readonly n: number
}
