import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { StartOptions } from './cluster'
import { follow, MYSQL_SETUP, options, type MysqlDialect } from './mysql-dialect'
import type { MysqlProgram } from './mysql-program'
import type { Place, ProcessServers } from './process-cluster'
import { runAsServer } from './run-as-server'

const LOCAL_SETTINGS = {
  'bind-address': '127.0.0.1',
  socket: 'mysqld.sock', // relative to the data directory, since the path of a socket must be short
}

/** MySQL's or MariaDB's servers as processes of this machine. */
export function mysqlProcesses(
  dialect: MysqlDialect,
  program: MysqlProgram,
  { settings: furtherSettings }: StartOptions,
): ProcessServers {
  const { settings, replicaSettings } = MYSQL_SETUP[dialect]
  const settingsOf = ({ index, port }: Place) => ({
    ...settings,
    ...(index > 0 && replicaSettings),
    ...LOCAL_SETTINGS,
    'server-id': index + 1,
    port,
    ...furtherSettings,
  })
  return {
    dialect,
    stopSignal: 'SIGTERM',
    initialise: (data) => INITIALISE[dialect](program, data),
    command: (place) => ({
      command: program.command,
      args: [...program.args, `--datadir=${join(place.directory, 'data')}`, ...options(settingsOf(place))],
    }),
    follow: (replica, primary) => follow(dialect, replica, primary),
  }
}

const INITIALISE: Readonly<Record<MysqlDialect, (program: MysqlProgram, data: string) => Promise<void>>> = {
  async mysql({ command, args }, data) {
    const directory = dirname(data)
    const initFile = join(directory, 'accounts.sql')
    writeFileSync(initFile, MYSQL_SETUP.mysql.accounts, { mode: 0o644 })
    const initialise = ['--initialize-insecure', `--init-file=${initFile}`, `--datadir=${data}`]
    await runAsServer(command, [...args, ...initialise, '--skip-log-bin'], { cwd: directory })
    rmSync(join(data, 'auto.cnf')) // the server's own UUID, which its copies must not share
  },

  async mariadb({ command, args, share }, data) {
    const script = (name: string): string => readFileSync(join(share, `${name}.sql`), 'utf8')
    const input = [
      'create database mysql;',
      'use mysql;',
      'set @auth_root_socket = null;',
      'set @skip_auth_anonymous = 1;',
      ...['mariadb_system_tables', 'mariadb_performance_tables', 'mariadb_system_tables_data'].map(script),
      ...['maria_add_gis_sp_bootstrap', 'mariadb_sys_schema'].map(script),
      'flush privileges;',
      MYSQL_SETUP.mariadb.accounts,
    ].join('\n')
    await runAsServer('mkdir', ['-m', '700', data], { cwd: dirname(data) })
    await runAsServer(command, [...args, '--bootstrap', `--datadir=${data}`], { cwd: dirname(data), input })
  },
}
