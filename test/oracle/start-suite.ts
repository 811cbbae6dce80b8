import { join } from 'node:path'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import type { Dialect } from '../../src/dialects/dialect'
import { startMariadb, startMysql, startPostgres, type StartedCluster } from '../servers'
import { suiteFolder } from './material'
import { mysqlExcuse } from './mysql-excuse'
import { chooseFiles } from './mysql-files'
import { runMysqlSuite, type MysqlDialect, type RunAsAdmin } from './mysql-suite'
import type { Observer, SuiteRun } from './observation'
import { postgresExcuse } from './postgres-excuse'
import { runPostgresSuite } from './postgres-suite'
import type { Excuse } from './trial'

/** A regression suite and servers of its own to run it on. */
export interface StartedSuite {
  readonly version: string
  readonly excuse: Excuse
  run(observe: Observer, signal: AbortSignal): Promise<SuiteRun>
  stop(): Promise<void>
}

/** The scripts may harm the servers and leave things behind, so these are nobody else's and go when they end. */
export function startSuite(dialect: Dialect): Promise<StartedSuite> {
  return dialect === 'postgres' ? startPostgresSuite() : startMysqlSuite(dialect)
}

const CONCURRENCY = 6

async function startPostgresSuite(): Promise<StartedSuite> {
  const folder = await suiteFolder('postgres')
  // Without it, a server that a script has crashed would not come back over the scripts' tablespaces.
  const cluster = await startPostgres({ replicas: 1, settings: { allow_in_place_tablespaces: 'on' } })
  const within = (url: string): string => url.replace(/\/app$/, '/regression')
  const setUp = new pg.Client(cluster.primary.adminUrl)
  await setUp.connect()
  await setUp.query('CREATE DATABASE regression TEMPLATE template0')
  await cluster.caughtUp()
  // From now on a commit on the primary returns when the replica has applied it, and no one has to wait.
  await setUp.query(`ALTER SYSTEM SET synchronous_standby_names = '*'`)
  await setUp.query('SELECT pg_reload_conf()')
  await setUp.end()
  const catalog = new pg.Client(within(cluster.primary.adminUrl))
  catalog.on('error', () => undefined)
  await catalog.connect()
  return {
    version: cluster.version,
    excuse: postgresExcuse(catalog),
    run: (observe, signal) =>
      runPostgresSuite(
        {
          folder,
          primaryUrl: within(cluster.primary.adminUrl),
          replicaUrl: within(cluster.replicas[0]!.adminUrl),
          concurrency: CONCURRENCY,
          signal,
        },
        observe,
      ),
    async stop() {
      await catalog.end().catch(() => undefined)
      await cluster.stop()
    },
  }
}

const CHEAP = {
  'innodb-flush-log-at-trx-commit': 0,
  'innodb-flush-method': 'nosync',
  'performance-schema': 'OFF',
}

/** A row that the replica cannot find, because some script set its own ways of logging, must not end the replication. */
const MYSQL_SETTINGS: Readonly<Record<MysqlDialect, Readonly<Record<string, string | number>>>> = {
  mysql: { ...CHEAP, 'replica-skip-errors': 'all' },
  mariadb: { ...CHEAP, 'slave-skip-errors': 'all' },
}

/** Lets the user leave out its own binary log, and nothing that `read_only` forbids. */
const MAY_SKIP_THE_LOG: Readonly<Record<MysqlDialect, string>> = {
  mysql: 'SESSION_VARIABLES_ADMIN',
  mariadb: 'BINLOG ADMIN',
}

async function startMysqlSuite(dialect: MysqlDialect): Promise<StartedSuite> {
  const folder = await suiteFolder(dialect)
  const tests = join(folder, dialect === 'mysql' ? 't' : 'main')
  const cluster = await (dialect === 'mysql' ? startMysql : startMariadb)({
    replicas: 1,
    settings: MYSQL_SETTINGS[dialect],
  })
  const admins = {
    primary: createPool({ uri: cluster.primary.adminUrl, connectionLimit: CONCURRENCY }),
    replica: createPool({ uri: cluster.replicas[0]!.adminUrl, connectionLimit: CONCURRENCY }),
  }
  const admin: RunAsAdmin = async (node, sql) => {
    const [rows] = await admins[node].query(sql)
    return rows as unknown[]
  }
  await admin('primary', `CREATE USER oracle@'%' IDENTIFIED BY 'oracle'`)
  await admin('primary', "GRANT ALL ON `oracle%`.* TO oracle@'%'")
  await admin('primary', `GRANT ${MAY_SKIP_THE_LOG[dialect]} ON *.* TO oracle@'%'`)
  await cluster.caughtUp()
  const asOracle = ({ host, port }: StartedCluster['primary']) => ({
    host,
    port,
    user: 'oracle',
    password: 'oracle',
  })
  return {
    version: cluster.version,
    excuse: mysqlExcuse(dialect, admin),
    run: (observe, signal) =>
      runMysqlSuite(
        {
          dialect,
          tests,
          includes: join(folder, 'include'),
          primary: asOracle(cluster.primary),
          replica: asOracle(cluster.replicas[0]!),
          admin,
          concurrency: CONCURRENCY,
          signal,
          files: chooseFiles(tests),
        },
        observe,
      ),
    async stop() {
      await Promise.all([admins.primary.end(), admins.replica.end()])
      await cluster.stop()
    },
  }
}
