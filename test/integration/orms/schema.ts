import type { Cluster } from '../../servers/cluster'
import { runSql } from '../../servers/run-sql'
import type { OrmDialect } from './orm-under-test'

/** How many notes there are. Authors 1 and 2 have three each, the rest belongs to author 3. */
export const NOTES = 300

/** What every ORM works on. The views tell which server answered, and through which of its connections. */
const CREATE: Readonly<Record<OrmDialect, readonly string[]>> = {
  postgres: [
    `CREATE TABLE orm_authors (id serial PRIMARY KEY, name varchar(100) NOT NULL)`,
    `CREATE TABLE orm_notes (id serial PRIMARY KEY, author_id int NOT NULL DEFAULT 3, body varchar(100) NOT NULL)`,
    `CREATE TABLE orm_scratch (id int PRIMARY KEY)`,
    `CREATE VIEW orm_seen_authors AS
       SELECT id, name, current_setting('cluster_name') AS node, pg_backend_pid() AS pid FROM orm_authors`,
    `CREATE VIEW orm_seen_notes AS
       SELECT id, author_id, body, current_setting('cluster_name') AS node, pg_backend_pid() AS pid FROM orm_notes`,
    `CREATE SEQUENCE orm_sequence`,
    `CREATE FUNCTION orm_write(varchar) RETURNS int LANGUAGE sql AS
       'INSERT INTO orm_notes (body) VALUES ($1) RETURNING id'`,
    `INSERT INTO orm_authors (name) VALUES ('Ada'), ('Grace'), ('Edsger')`,
    `INSERT INTO orm_notes (author_id, body)
       SELECT least((n + 2) / 3, 3), 'note ' || n FROM generate_series(1, ${NOTES}) AS n`,
  ],
  mysql: [
    `CREATE TABLE orm_authors (id int AUTO_INCREMENT PRIMARY KEY, name varchar(100) NOT NULL)`,
    `CREATE TABLE orm_notes (
       id int AUTO_INCREMENT PRIMARY KEY, author_id int NOT NULL DEFAULT 3, body varchar(100) NOT NULL)`,
    `CREATE TABLE orm_scratch (id int PRIMARY KEY)`,
    // A view may not name a system variable; a function that it calls may.
    `CREATE FUNCTION orm_node() RETURNS varchar(20) READS SQL DATA
       RETURN IF(@@server_id = 1, 'primary', CONCAT('replica-', @@server_id - 1))`,
    `CREATE VIEW orm_seen_authors AS
       SELECT id, name, orm_node() AS node, CONNECTION_ID() AS pid FROM orm_authors`,
    `CREATE VIEW orm_seen_notes AS
       SELECT id, author_id, body, orm_node() AS node, CONNECTION_ID() AS pid FROM orm_notes`,
    `CREATE FUNCTION orm_write(given varchar(100)) RETURNS int MODIFIES SQL DATA
       BEGIN INSERT INTO orm_notes (body) VALUES (given); RETURN 1; END`,
    `INSERT INTO orm_authors (id, name) VALUES (1, 'Ada'), (2, 'Grace'), (3, 'Edsger')`,
    `INSERT INTO orm_notes (id, author_id, body)
       WITH RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM n WHERE n < ${NOTES})
       SELECT n, least((n + 2) DIV 3, 3), concat('note ', n) FROM n`,
  ],
}

const TABLES = ['orm_notes', 'orm_authors', 'orm_scratch', 'orm_made', 'orm_migrated']

/** The bookkeeping of migration tools, by whatever name they give it. */
const BOOKKEEPING: Readonly<Record<OrmDialect, string>> = {
  postgres: `SELECT table_schema AS s, table_name AS t FROM information_schema.tables
    WHERE table_schema = 'public' AND table_name LIKE '%migration%'`,
  mysql: `SELECT table_schema AS s, table_name AS t FROM information_schema.tables
    WHERE table_schema = database() AND (table_name LIKE '%migration%' OR table_name = 'SequelizeMeta')`,
}

export async function dropSchema({ primary }: Cluster, dialect: OrmDialect): Promise<void> {
  const run = (sql: string): Promise<unknown> => runSql(primary.url, sql)
  for (const view of ['orm_seen_notes', 'orm_seen_authors']) await run(`DROP VIEW IF EXISTS ${view}`)
  for (const table of TABLES) await run(`DROP TABLE IF EXISTS ${table}`)
  if (dialect === 'postgres') await run('DROP SEQUENCE IF EXISTS orm_sequence')
  if (dialect === 'postgres') await run('DROP SCHEMA IF EXISTS drizzle CASCADE')
  await run(`DROP FUNCTION IF EXISTS orm_write`)
  if (dialect === 'mysql') await run(`DROP FUNCTION IF EXISTS orm_node`)
  for (const { s, t } of await runSql(primary.url, BOOKKEEPING[dialect])) {
    const quote = dialect === 'postgres' ? '"' : '`'
    await run(`DROP TABLE ${quote}${String(s)}${quote}.${quote}${String(t)}${quote}`)
  }
}

export async function createSchema(cluster: Cluster, dialect: OrmDialect): Promise<void> {
  await dropSchema(cluster, dialect)
  for (const sql of CREATE[dialect]) await runSql(cluster.primary.url, sql)
  await cluster.caughtUp()
}
