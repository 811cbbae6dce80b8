/** What applications send: a key look-up, an ORM's read with a join, and one that selects sixty columns. */
export const STATEMENTS: readonly { readonly name: string; readonly sql: string }[] = [
  { name: 'simple', sql: 'SELECT * FROM users WHERE id = $1' },
  {
    name: 'medium',
    sql: `SELECT a.id, a.title, a.body, u.name AS author FROM articles a JOIN users u ON u.id = a.author_id
WHERE a.published AND a.created_at > $1 AND u.name <> 'for update' ORDER BY a.created_at DESC LIMIT 20 OFFSET $2`,
  },
  {
    name: '60 columns',
    sql: `SELECT ${Array.from({ length: 60 }, (_, n) => `"Article"."column_${n}" AS "Article_column_${n}"`).join(', ')} FROM "article" "Article" LEFT JOIN "user" "Author" ON "Author"."id" = "Article"."authorId" WHERE "Article"."id" IN ($1, $2, $3)`,
  },
]
