import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Dialect } from '../../src/dialects/dialect'
import { startMariadb, startMysql, startPostgres, ServersUnavailable, type StartedCluster } from '../servers'
import { MysqlSession } from './mysql-session'
import type { Outcome } from './outcome'
import { PostgresSession } from './postgres-session'
import { wantedDialects } from './wanted-dialects'

/** Our own decision tables, held against the servers: no statement that they call a read may be refused by a replica. */
const START = { postgres: startPostgres, mysql: startMysql, mariadb: startMariadb }

/** What the tables' statements read from, so that more of them get past "no such table". */
const COLUMNS = ['id', 'n', ...'a b c d e f g h'.split(' ')]
const SET_UP: readonly string[] = ['t', 'u'].map(
  (table) => `CREATE TABLE ${table} (${COLUMNS.map((column) => `${column} int`).join(', ')})`,
)

/** What a server says when it cannot read a statement at all. */
const SYNTAX_ERRORS = new Set(['42601', '1064'])

for (const dialect of wantedDialects()) {
  describe(`the reads in the decision table of ${dialect}`, () => {
    it('are refused by no replica', async (context) => {
      let cluster: StartedCluster
      try {
        cluster = await START[dialect]({ replicas: 1 })
      } catch (error) {
        if (process.env['CI'] || !(error instanceof ServersUnavailable)) throw error
        context.skip(error.message)
        return
      }
      try {
        const outcomes = await ask(dialect, cluster, readsOf(dialect))
        const of = (kind: Outcome['kind']): string[] =>
          [...outcomes].filter(([, outcome]) => outcome.kind === kind).map(([sql]) => sql)
        const notUnderstood = [...outcomes].filter(
          ([, outcome]) => outcome.kind === 'failed' && SYNTAX_ERRORS.has(outcome.code),
        )
        console.log(
          `${dialect} ${cluster.version}: ${outcomes.size} reads of the decision table, ${of('answered').length} answered, ` +
            `${of('failed').length} failed (${notUnderstood.length} of them not understood), ${of('refused').length} refused`,
        )
        if (process.env['SPLITPOOL_ORACLE']) console.log(notUnderstood.map(([sql]) => `  ${sql}`).join('\n'))
        expect(of('refused')).toEqual([])
        expect(of('answered').length).toBeGreaterThan(outcomes.size / 4)
      } finally {
        await cluster.stop()
      }
    }, 120_000)
  })
}

interface Case {
  readonly intent: string
  readonly sql: string | readonly string[]
  readonly functions?: unknown
}

function readsOf(dialect: Dialect): string[] {
  const file = join(__dirname, '..', 'cases', `classify-${dialect}.yaml`)
  const cases = parse(readFileSync(file, 'utf8')) as readonly Case[]
  return cases
    .filter(({ intent, functions }) => intent === 'read' && functions === undefined)
    .flatMap(({ sql }) => sql)
    .filter((sql) => typeof sql === 'string')
}

async function ask(
  dialect: Dialect,
  cluster: StartedCluster,
  statements: readonly string[],
): Promise<ReadonlyMap<string, Outcome>> {
  const { primary, replica } = sessions(dialect, cluster)
  for (const statement of SET_UP) await primary.run(statement)
  await cluster.caughtUp()
  const outcomes = new Map<string, Outcome>()
  for (const sql of statements) outcomes.set(sql, await replica.run(sql))
  await primary.close()
  await replica.close()
  return outcomes
}

/** As the ordinary user, whom every replica refuses. */
function sessions(dialect: Dialect, cluster: StartedCluster) {
  const [primary, replica] = [cluster.primary.url, cluster.replicas[0]!.url]
  if (dialect === 'postgres') {
    const open = (connectionString: string): PostgresSession =>
      new PostgresSession({ connectionString, settings: { statement_timeout: '1000' }, patienceMs: 5_000 })
    return { primary: open(primary), replica: open(replica) }
  }
  const open = (uri: string): MysqlSession =>
    new MysqlSession({
      dialect,
      connection: { uri },
      limits: [],
      patienceMs: 5_000,
      kill: () => Promise.resolve(),
    })
  return { primary: open(primary), replica: open(replica) }
}
