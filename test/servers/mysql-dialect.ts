import type { NodeInfo } from './cluster'
import { runSql } from './run-sql'

export type MysqlDialect = 'mysql' | 'mariadb'

type Settings = Readonly<Record<string, string | number>>

/** How MySQL and MariaDB are set up alike as a primary with replicas, and where they differ. */
export interface MysqlSetup {
  readonly settings: Settings
  /** What makes a server a replica: it takes no writes, not even from `admin` if the server knows how. */
  readonly replicaSettings: Settings
  /** The database and the accounts; every statement on a line of its own, as a server that initialises wants it. */
  readonly accounts: string
  /** With the primary's host and port as parameters. */
  readonly changeSource: string
}

const COMMON_SETTINGS = {
  'report-host': '127.0.0.1',
  'skip-name-resolve': 'ON',
  'log-bin': 'binlog',
  'relay-log': 'relay',
  'binlog-format': 'ROW',
  'log-bin-trust-function-creators': 'ON',
  'performance-schema': 'ON',
  'max-connections': 200,
  'secure-file-priv': '',
  'innodb-buffer-pool-size': '32M',
  'innodb-use-native-aio': 'OFF',
  // what is committed survives the death of the server, and need not survive that of the machine
  'innodb-flush-log-at-trx-commit': 2,
  'innodb-doublewrite': 'OFF',
  'sync-binlog': 0,
} as const

export const MYSQL_SETUP: Readonly<Record<MysqlDialect, MysqlSetup>> = {
  mysql: {
    settings: {
      ...COMMON_SETTINGS,
      'gtid-mode': 'ON',
      'enforce-gtid-consistency': 'ON',
      'innodb-redo-log-capacity': '32M',
      mysqlx: 'OFF',
      'event-scheduler': 'OFF', // with it, a primary takes eight seconds longer to shut down
    },
    replicaSettings: { 'super-read-only': 'ON' },
    accounts: accounts('replication client'),
    changeSource: `change replication source to source_host = ?, source_port = ?, source_user = 'admin',
      source_password = 'admin', source_auto_position = 1, get_source_public_key = 1,
      source_connect_retry = 1, source_retry_count = 100000`,
  },
  mariadb: {
    settings: {
      ...COMMON_SETTINGS,
      'gtid-strict-mode': 'ON',
      'log-slave-updates': 'ON',
      'innodb-log-file-size': '32M',
    },
    replicaSettings: { 'read-only': 'ON' },
    accounts: accounts('binlog monitor, replica monitor'),
    changeSource: `change master to master_host = ?, master_port = ?, master_user = 'admin',
      master_password = 'admin', master_use_gtid = slave_pos, master_connect_retry = 1`,
  },
}

/** `app` owns the database `app` and is an ordinary user who may look at replication; `admin` may do everything. */
function accounts(privilegeToLook: string): string {
  return `create database if not exists app;
create user app@'%' identified by 'app';
grant all on app.* to app@'%';
grant ${privilegeToLook} on *.* to app@'%';
create user admin@'%' identified by 'admin';
grant all on *.* to admin@'%' with grant option;
`
}

/** Makes a server a replica. From then on it follows the primary whenever it runs. */
export async function follow(
  dialect: MysqlDialect,
  replica: NodeInfo,
  primary: { readonly host: string; readonly port: number },
): Promise<void> {
  await runSql(replica.adminUrl, MYSQL_SETUP[dialect].changeSource, [primary.host, primary.port])
  await runSql(replica.adminUrl, 'start replica')
}

export function options(settings: Settings): string[] {
  return Object.entries(settings).map(([name, value]) => `--${name}=${value}`)
}
