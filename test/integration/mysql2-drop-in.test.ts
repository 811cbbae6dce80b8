import * as mysql2 from 'mysql2'
import type { Pool } from 'mysql2'
import { afterAll, beforeAll, describe } from 'vitest'
import { describeDialect } from '../servers/provided'
import { runSql } from '../servers/run-sql'
import { calledBack, emitted, outcome, sideBySide, withConnection } from './mysql2-side-by-side'

type Method = 'query' | 'execute'
type Loose = Record<Method, (...args: unknown[]) => unknown>

/** `query` and `execute` as JavaScript calls them. */
function loose(from: object): Loose {
  return from as Loose
}

describeDialect('mysql', (cluster) => {
  beforeAll(async () => {
    const { url } = cluster.primary
    await runSql(url, 'DROP TABLE IF EXISTS dropped_in, dropped_in_written')
    await runSql(
      url,
      `CREATE TABLE dropped_in (id int PRIMARY KEY, body varchar(20), big bigint, price decimal(6,2),
        made datetime(3), doc json, bytes varbinary(4), flag tinyint(1))`,
    )
    await runSql(
      url,
      `INSERT INTO dropped_in VALUES
        (1, 'one', 9007199254740993, 1.50, '2024-02-29 12:00:00.123', '{"a":[1]}', x'00ff', 1),
        (2, NULL, 2, 2.25, '2024-03-01 00:00:00', 'null', NULL, 0)`,
    )
    await runSql(url, 'CREATE TABLE dropped_in_written (id int AUTO_INCREMENT PRIMARY KEY, body varchar(20))')
    await runSql(url, 'DROP PROCEDURE IF EXISTS dropped_in_both')
    await runSql(
      url,
      'CREATE PROCEDURE dropped_in_both() BEGIN SELECT 1 AS a; SELECT id FROM dropped_in ORDER BY id; END',
    )
    await cluster.caughtUp()
  })

  afterAll(async () => {
    await runSql(cluster.primary.url, 'DROP TABLE dropped_in, dropped_in_written')
    await runSql(cluster.primary.url, 'DROP PROCEDURE dropped_in_both')
  })

  const ALL = 'SELECT * FROM dropped_in ORDER BY id'
  const PAIR = 'SELECT ? AS a, ? AS b'
  const WRITE = `INSERT INTO dropped_in_written (body) VALUES ('x'), ('y')`

  const statements: readonly [what: string, ...args: readonly unknown[]][] = [
    ['text', ALL],
    ['text without rows', 'SELECT id, body FROM dropped_in WHERE false'],
    ['empty text', ''],
    ['values', PAIR, [1, 'x']],
    ['a null', 'SELECT ? AS a', [null]],
    ['no values', 'SELECT 1 AS a', []],
    ['too few values', PAIR, [1]],
    ['too many values', PAIR, [1, 2, 3]],
    ['a date and bytes', PAIR, [new Date(1700000000000), Buffer.from('é')]],
    ['options', { sql: ALL }],
    ['options with values', { sql: PAIR, values: [1, 'x'] }],
    ['options with values beside', { sql: PAIR }, [2, 'y']],
    ['options with values in both places', { sql: PAIR, values: [1, 'x'] }, [2, 'y']],
    ['rows as arrays', { sql: 'SELECT 5 AS a, 6 AS a', rowsAsArray: true }],
    ['nested tables', { sql: 'SELECT t.id, u.id FROM dropped_in t JOIN dropped_in u', nestTables: true }],
    ['nested tables with a separator', { sql: 'SELECT t.id FROM dropped_in t', nestTables: '_' }],
    ['no type cast', { sql: ALL, typeCast: false }],
    [
      'a type cast',
      {
        sql: ALL,
        typeCast: (field: { name: string; string(): string | null }, next: () => unknown) =>
          field.name === 'body' ? `${String(field.string())}!` : next(),
      },
    ],
    ['a write', WRITE],
    ['a statement without a result', 'DO 0'],
    ['a syntax error', 'SELEC 1'],
    ['an unknown column', 'SELECT nonsense FROM dropped_in'],
    ['an unknown table', 'SELECT 1 FROM nowhere_to_be_found'],
    ['a duplicate key', `INSERT INTO dropped_in (id) VALUES (1)`],
    ['an error at a row', 'SELECT IF(id = 2, (SELECT 1 UNION SELECT 2), 0) FROM dropped_in ORDER BY id'],
    ['an error before the first row', 'SELECT (SELECT 1 UNION SELECT 2) FROM dropped_in'],
    ['a procedure', 'CALL dropped_in_both()'],
  ]

  const onlyQuery: typeof statements = [
    [
      'an array and an object',
      'SELECT ? AS a, id FROM dropped_in WHERE id IN (?) AND ?',
      [1, [1, 2], { id: 1 }],
    ],
    ['names', 'SELECT ?? FROM ?? WHERE ?? = ?', ['id', 'dropped_in', 'dropped_in.id', 1]],
    ['a single value', 'SELECT ? AS a', 5],
    ['raw text', 'SELECT ? AS a', [mysql2.raw('1 + 1')]],
    ['several statements', 'SELECT 1 AS a; SELECT id FROM dropped_in ORDER BY id'],
    ['several without rows', 'SELECT 1 AS a WHERE false; SELECT 2 AS b WHERE false; SELECT 3 AS c'],
    ['several with a write', `DO 0; ${WRITE}; SELECT 2 AS b`],
    ['several with an error in the last', 'SELECT 1 AS a; SELECT nonsense'],
  ]

  const cannotBeBound: typeof statements = [
    ['an undefined value', PAIR, [1, undefined]],
    ['a function as a value', PAIR, [1, () => 1]],
    ['an object for values', PAIR, { a: 1 }],
  ]

  const noText: typeof statements = [['null for text', null]]

  const forms: readonly [
    string,
    (pool: Pool, method: Method, args: readonly unknown[]) => Promise<unknown>,
  ][] = [
    [
      'a pool, with a callback',
      (pool, method, args) =>
        calledBack((done) => {
          const returned = loose(pool)[method](...args, done)
          // The driver's pool returns nothing from `execute`.
          return method === 'query' ? returned : undefined
        }),
    ],
    ['a pool, with a promise', (pool, method, args) => outcome(() => loose(pool.promise())[method](...args))],
    [
      'a connection, with a callback',
      (pool, method, args) =>
        withConnection(pool, (from) => calledBack((done) => loose(from)[method](...args, done))),
    ],
    [
      'a connection, with a promise',
      (pool, method, args) =>
        withConnection(pool, (from) => outcome(() => loose(from.promise())[method](...args))),
    ],
    [
      'a connection, with events',
      (pool, method, args) => withConnection(pool, (from) => emitted(() => loose(from)[method](...args))),
    ],
  ]
  const events: (typeof forms)[number] = [
    'a pool, with events',
    (pool, method, args) => emitted(() => loose(pool)[method](...args)),
  ]

  /** Ids begin anew for each side. */
  async function clean([sql]: readonly unknown[]): Promise<void> {
    if (String(sql).includes(WRITE)) await runSql(cluster.primary.url, 'TRUNCATE dropped_in_written')
  }

  describe.each([...forms, events])('query of %s', (_form, run) => {
    const same = sideBySide(cluster, { multipleStatements: true })
    for (const [what, ...args] of [...statements, ...onlyQuery, ...noText]) {
      same(what, async (pool) => {
        await clean(args)
        return await run(pool, 'query', args)
      })
    }
  })

  // The driver's pool has no `execute` with events.
  describe.each(forms)('execute of %s', (_form, run) => {
    const same = sideBySide(cluster)
    for (const [what, ...args] of [...statements, ...cannotBeBound, ...noText]) {
      same(what, async (pool) => {
        await clean(args)
        return await run(pool, 'execute', args)
      })
    }
  })
})
