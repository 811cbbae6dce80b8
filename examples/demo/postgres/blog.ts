import type { Pool, PoolClient } from 'pg'
import type { Database, Router } from '../../../src'
import type { Article, Blog, Report, User } from '../blog/blog'

type Postgres = Database<Pool, PoolClient>

/** The application's queries, as they would be written on one `pg.Pool` to one server. */
export function postgresBlog(router: Router<{ default: Postgres; users: Postgres }>): Blog {
  const db = router.pool()

  return {
    async latest() {
      const { rows } = await db.query<Article>('SELECT * FROM articles ORDER BY id DESC LIMIT 5')
      return rows
    },

    article,

    async text(id) {
      const { rows } = await db.query<{ text: string | null }>('SELECT article_text($1) AS text', [id])
      return rows[0]?.text ?? null
    },

    async isFree(id) {
      try {
        await db.query('SELECT id FROM articles WHERE id = $1 FOR UPDATE NOWAIT', [id])
        return true
      } catch (error) {
        if ((error as { code?: string }).code === LOCK_NOT_AVAILABLE) return false
        throw error
      }
    },

    async addArticle(title, authorId) {
      const { rows } = await db.query<{ id: number }>(
        'INSERT INTO articles (title, author_id) VALUES ($1, $2) RETURNING id',
        [title, authorId],
      )
      return rows[0]!.id
    },

    // Through the router: commits when the callback returns, and what it calls on the pool joins in.
    rename: (id, title) =>
      router.transaction(async (tx) => {
        await tx.query('SELECT id FROM articles WHERE id = $1 FOR UPDATE', [id])
        await tx.query(
          'INSERT INTO revisions (article_id, title) SELECT id, title FROM articles WHERE id = $1',
          [id],
        )
        await tx.query('UPDATE articles SET title = $2 WHERE id = $1', [id, title])
        return await article(id)
      }),

    // In the driver's own way: a borrowed client, BEGIN and COMMIT.
    async review() {
      const client = await db.connect()
      try {
        await client.query('BEGIN')
        const { rows } = await client.query<Article>(
          'SELECT * FROM articles WHERE NOT reviewed ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED',
        )
        await client.query('UPDATE articles SET reviewed = true WHERE id = $1', [rows[0]?.id])
        await client.query('COMMIT')
        return rows[0]
      } catch (error) {
        await client.query('ROLLBACK')
        throw error
      } finally {
        client.release()
      }
    },

    report: () =>
      router.transaction(
        async (tx) => {
          const articles = await tx.query<Count>('SELECT count(*)::int AS n FROM articles')
          const revisions = await tx.query<Count>('SELECT count(*)::int AS n FROM revisions')
          return { articles: articles.rows[0]!.n, revisions: revisions.rows[0]!.n } satisfies Report
        },
        { readOnly: true, isolationLevel: 'repeatable read' },
      ),

    async user(id) {
      const { rows } = await db.query<User>('SELECT * FROM t_user WHERE id = $1', [id])
      return rows[0]
    },

    async usersNamed(ids) {
      const { rows } = await db.query<User>('SELECT * FROM t_user WHERE id = ANY($1)', [ids])
      return rows
    },

    async addUser(name) {
      const { rows } = await db.query<{ id: number }>('INSERT INTO t_user (name) VALUES ($1) RETURNING id', [
        name,
      ])
      return rows[0]!.id
    },
  }

  async function article(id: number): Promise<Article | undefined> {
    const { rows } = await db.query<Article>('SELECT * FROM articles WHERE id = $1', [id])
    return rows[0]
  }
}

interface Count {
  readonly n: number
}

const LOCK_NOT_AVAILABLE = '55P03'
