export const articlesSchema = [
  `CREATE TABLE articles (
     id serial PRIMARY KEY, title text NOT NULL, author_id int NOT NULL,
     reviewed boolean NOT NULL DEFAULT false, views int NOT NULL DEFAULT 0)`,
  `CREATE TABLE revisions (id serial PRIMARY KEY, article_id int NOT NULL, title text NOT NULL)`,
  `CREATE FUNCTION article_text(article int) RETURNS text LANGUAGE sql AS $$
     UPDATE articles SET views = views + 1 WHERE id = article RETURNING 'The text of ' || title
   $$`,
  `INSERT INTO articles (title, author_id) SELECT 'Article ' || n, 1 + n % 3 FROM generate_series(1, 9) AS n`,
]

export const usersSchema = [
  `CREATE TABLE t_user (id serial PRIMARY KEY, name text NOT NULL)`,
  `INSERT INTO t_user (name) VALUES ('Ada'), ('Grace'), ('Edsger')`,
]
