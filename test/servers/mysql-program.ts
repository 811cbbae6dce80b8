import { execFile } from 'node:child_process'
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { unpackedPackage } from './debian-packages'
import type { MysqlDialect } from './mysql-dialect'
import type { ServerCommand } from './process-cluster'

/** A MySQL or MariaDB server that can be started; its options follow `args`. */
export interface MysqlProgram extends ServerCommand {
  /** The folder with the server's messages and, for MariaDB, the SQL that makes its system tables. */
  readonly share: string
}

const PROGRAM = {
  mysql: {
    name: 'mysqld',
    setting: 'SPLITPOOL_MYSQLD',
    packages: ['mysql-server-core', 'mysql-server-core-8.0'],
  },
  mariadb: { name: 'mariadbd', setting: 'SPLITPOOL_MARIADBD', packages: ['mariadb-server-core'] },
} as const

/** The server that is installed: the one that the environment names, else the one on the PATH or beside it. */
export async function installedProgram(dialect: MysqlDialect): Promise<MysqlProgram> {
  const { name, setting } = PROGRAM[dialect]
  const named = process.env[setting]
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  const found = named ?? folders.map((folder) => join(folder, name)).find(existsSync)
  if (found === undefined) throw new Error(`no ${name} on PATH or in ${setting}`)

  const command = realpathSync(found)
  const { stdout } = await promisify(execFile)(command, ['--no-defaults', '--version'])
  if (stdout.includes('MariaDB') !== (dialect === 'mariadb')) throw new Error(`${found} is no ${name}`)
  return { command, args: ['--no-defaults'], share: shareFolder(join(dirname(command), '..')) }
}

/** The server of the distribution's packages, started through their own loader and with their own libraries. */
export async function packagedProgram(dialect: MysqlDialect): Promise<MysqlProgram> {
  const { name, packages } = PROGRAM[dialect]
  const root = await firstToSucceed(packages, unpackedPackage)
  const usr = join(root, 'usr')
  const share = shareFolder(usr)
  const libraries = childrenOf(root, ['usr/lib', 'lib']).filter((path) => /-linux-gnu\w*$/.test(path))
  const loader = childrenOf(root, ['usr/lib64', 'lib64', 'usr/lib', 'lib']).find((path) =>
    /\/ld-linux-[^/]*$/.test(path),
  )
  return {
    command: loader!,
    args: [
      ...['--library-path', libraries.join(':'), join(usr, 'sbin', name)],
      ...['--no-defaults', `--basedir=${usr}`, `--lc-messages-dir=${share}`],
      `--plugin-dir=${join(usr, 'lib', 'mysql', 'plugin')}`,
    ],
    share,
  }
}

function shareFolder(base: string): string {
  const places = ['share/mariadb', 'share/mysql', 'share'].map((name) => join(base, name))
  return places.find((place) => existsSync(join(place, 'english'))) ?? join(base, 'share')
}

function childrenOf(root: string, folders: readonly string[]): string[] {
  return folders
    .map((folder) => join(root, folder))
    .filter(existsSync)
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
}

async function firstToSucceed<T, R>(
  [first, ...others]: readonly T[],
  attempt: (value: T) => Promise<R>,
): Promise<R> {
  try {
    return await attempt(first!)
  } catch (error) {
    if (others.length === 0) throw error
    return firstToSucceed(others, attempt)
  }
}
