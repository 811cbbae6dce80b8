import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { runSql, type StartedCluster } from '../../test/servers'

/** How the suites run: over Knex alone, or in one of the ways that `over-splitpool.cjs` tells of. */
export type Way = 'alone' | 'ambient' | 'scoped' | 'statements' | 'pool' | 'bare-pool'

/** The name of a test, with a number where several have the same; and how it ended. */
export type Outcomes = ReadonlyMap<
  string,
  { readonly state: 'passed' | 'failed' | 'pending'; readonly error: string }
>

interface Reported {
  readonly fullTitle: string
  readonly err?: { readonly message?: string; readonly stack?: string }
}

interface Report {
  readonly tests: readonly Reported[]
  readonly passes: readonly Reported[]
  readonly pending: readonly Reported[]
  readonly failures: readonly Reported[]
}

/** The specs of other databases, whose drivers are not installed. */
const OTHERS = ['mssql', 'oracledb', 'sqlite', 'better-sqlite3', 'mariadb', 'cockroachdb']
const DATABASE = 'knex_test'
const ACCOUNT = { user: 'admin', password: 'admin', database: DATABASE }
/** As in Knex's own settings for its suites. */
const FURTHER = { postgres: {}, mysql: { charset: 'utf8' } } as const
/** Knex's names for the databases that are asked for, as its suites take them. */
const DB = { postgres: 'postgres', mysql: 'mysql2' } as const
export type SuiteDialect = keyof typeof DB

/** Runs Knex's integration suites in a process of their own, on an empty database. */
export async function runSuites(
  folder: string,
  clusters: readonly StartedCluster[],
  way: Way,
  only: readonly string[],
): Promise<Outcomes> {
  for (const cluster of clusters) await emptyDatabase(cluster)
  const config = path.join(folder, 'connections.json')
  const report = path.join(folder, `${way}.json`)
  rmSync(report, { force: true })
  const connections = clusters.map(({ dialect, primary: { host, port } }) => [
    dialect,
    { host, port, ...ACCOUNT, ...FURTHER[dialect as SuiteDialect] },
  ])
  writeFileSync(config, JSON.stringify(Object.fromEntries(connections)))
  const nodes = clusters.map(({ dialect, primary, replicas }) => [
    dialect,
    [primary, ...replicas].map(({ host, port }) => ({ host, port })),
  ])

  const shim = path.join(__dirname, 'over-splitpool.cjs')
  const spec =
    only.length === 0
      ? ['--config', 'test/mocha-integration-config-test.js']
      : ['test/prep-db-mocha.js', ...only]
  const mocha = fork(
    path.join(folder, 'node_modules/mocha/bin/_mocha'),
    [
      ...['--exit', '-t', '30000', '--reporter', 'json', '--reporter-option', `output=${report}`],
      ...(way === 'alone' ? [] : ['--require', path.join(folder, path.basename(shim))]),
      ...OTHERS.flatMap((name) => ['--ignore', `test/integration2/**/${name}.spec.js`]),
      ...spec,
    ],
    {
      cwd: folder,
      silent: true,
      execArgv: [],
      env: {
        ...process.env,
        DB: clusters.map(({ dialect }) => DB[dialect as SuiteDialect]).join(' '),
        KNEX_TEST: config,
        KNEX_TEST_TIMEOUT: '30000',
        SPLITPOOL_KNEX_SUITES: JSON.stringify({ way, account: ACCOUNT, nodes: Object.fromEntries(nodes) }),
      },
    },
  )
  const output: string[] = []
  mocha.stdout?.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  mocha.stderr?.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  await once(mocha, 'exit')
  writeFileSync(path.join(folder, `${way}.log`), output.join(''))
  const summary = output.join('').match(/^over splitpool: .*$/m)?.[0]
  if (way !== 'alone') {
    if (summary === undefined || summary.includes('"swapped":0')) {
      throw new Error(`No client was swapped in:\n${output.join('').slice(-4_000)}`)
    }
    console.log(`  ${summary}`)
  }
  return read(report, output.join(''))
}

function read(report: string, output: string): Outcomes {
  let parsed: Report
  try {
    parsed = JSON.parse(readFileSync(report, 'utf8')) as Report
  } catch {
    throw new Error(`The suites ended without a report:\n${output.slice(-4_000)}`)
  }
  const outcomes = new Map<string, { state: 'passed' | 'failed' | 'pending'; error: string }>()
  const add = (tests: readonly Reported[], state: 'passed' | 'failed' | 'pending'): void => {
    const times = new Map<string, number>()
    for (const { fullTitle, err } of tests) {
      const time = (times.get(fullTitle) ?? 0) + 1
      times.set(fullTitle, time)
      const name = time === 1 ? fullTitle : `${fullTitle} (${time})`
      outcomes.set(name, { state, error: err?.stack ?? err?.message ?? '' })
    }
  }
  add(parsed.passes, 'passed')
  add(parsed.pending, 'pending')
  add(parsed.failures, 'failed')
  return outcomes
}

async function emptyDatabase(cluster: StartedCluster): Promise<void> {
  const { dialect, primary } = cluster
  const force = dialect === 'postgres' ? ' WITH (FORCE)' : ''
  await runSql(primary.adminUrl, `DROP DATABASE IF EXISTS ${DATABASE}${force}`)
  await runSql(primary.adminUrl, `CREATE DATABASE ${DATABASE}`)
  await cluster.caughtUp()
}
