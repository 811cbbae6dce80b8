import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Dialect } from '../../src/dialects/dialect'
import { cached } from '../servers/cache'

/** The suites cannot be had on this machine. The message is one line that says why. */
export class MaterialUnavailable extends Error {
  override readonly name = 'MaterialUnavailable'
}

/** Where a server's own regression suite is found in the distribution, and what of it is kept. */
interface Source {
  readonly name: string
  /** Fetches one archive into the current folder. */
  readonly fetch: readonly string[]
  readonly archive: RegExp
  readonly kept: readonly string[]
  /** How many folders in front of the kept ones are dropped. */
  readonly strip: number
}

const SOURCES: Readonly<Record<Dialect, Source>> = {
  postgres: {
    name: 'postgresql-18-regress',
    fetch: ['source', '--download-only', '--tar-only', 'postgresql-18'],
    archive: /\.orig\.tar\./,
    kept: ['sql', 'data', 'parallel_schedule'].map((name) => `*/src/test/regress/${name}`),
    strip: 4,
  },
  mysql: {
    name: 'mysql-testsuite',
    fetch: ['download', 'mysql-testsuite'],
    archive: /\.deb$/,
    kept: ['t/*.test', 't/*.inc', 'include'].map((name) => `./usr/lib/mysql-test/${name}`),
    strip: 4,
  },
  mariadb: {
    name: 'mariadb-test-data',
    fetch: ['download', 'mariadb-test-data'],
    archive: /\.deb$/,
    kept: ['main/*.test', 'main/*.inc', 'include'].map((name) => `./usr/share/mariadb/mariadb-test/${name}`),
    strip: 5,
  },
}

/**
 * The folder of a server's regression suite, taken from Debian's packages: downloaded once, unpacked and not
 * installed, with an apt configuration of its own that no privileges are needed for.
 */
export async function suiteFolder(dialect: Dialect): Promise<string> {
  const source = SOURCES[dialect]
  try {
    return await cached(source.name, (folder) => download(source, folder))
  } catch (error) {
    throw new MaterialUnavailable(
      `The regression suite of ${dialect} cannot be had: ${(error as Error).message}`,
      {
        cause: error,
      },
    )
  }
}

async function download(source: Source, folder: string): Promise<void> {
  const work = join(folder, '.apt')
  mkdirSync(join(work, 'lists', 'partial'), { recursive: true })
  mkdirSync(join(work, 'cache', 'archives', 'partial'), { recursive: true })
  writeFileSync(join(work, 'status'), '')
  const mirror = debianMirror()
  writeFileSync(join(work, 'sources.list'), `deb ${mirror} sid main\ndeb-src ${mirror} sid main\n`)
  const settings = [
    `Dir::Etc::sourcelist=${join(work, 'sources.list')}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${join(work, 'lists')}`,
    `Dir::State::status=${join(work, 'status')}`,
    `Dir::Cache=${join(work, 'cache')}`,
    'APT::Sandbox::User=root',
    'APT::Update::Error-Mode=any',
    'Debug::NoLocking=true',
  ].flatMap((setting) => ['-o', setting])
  await run('apt-get', ['-qq', ...settings, 'update'], work)
  await run('apt-get', ['-qq', ...settings, ...source.fetch], work)
  const archive = readdirSync(work).find((file) => source.archive.test(file))
  if (archive === undefined) throw new Error(`apt fetched no archive for ${source.name}`)
  await unpack(join(work, archive), source, folder)
  rmSync(work, { recursive: true })
}

async function unpack(archive: string, { kept, strip }: Source, folder: string): Promise<void> {
  // apt and dpkg bring their own decompressors; tar would need those of the system.
  const isPackage = archive.endsWith('.deb')
  const reader = isPackage ? 'dpkg-deb' : '/usr/lib/apt/apt-helper'
  const args = [isPackage ? '--fsys-tarfile' : 'cat-file', archive]
  const options = [
    '-x',
    '-f',
    '-',
    '-C',
    folder,
    '--no-same-owner',
    `--strip-components=${strip}`,
    '--wildcards',
  ]
  const tar = spawn('tar', [...options, ...kept], { stdio: ['pipe', 'ignore', 'ignore'] })
  tar.stdin.on('error', () => undefined) // tar stops reading at the archive's end, before the padding behind it
  const reading = spawn(reader, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  reading.on('error', () => tar.stdin.end())
  reading.stdout.pipe(tar.stdin)
  const [code] = (await once(tar, 'close')) as [number]
  if (code !== 0) throw new Error(`tar ended with ${code} at ${archive}`)
}

/** The mirror of Debian that this machine's own apt uses, in either of its formats. */
function debianMirror(): string {
  if (!existsSync('/etc/os-release') || !/^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'))) {
    throw new Error('this system is not Debian')
  }
  const folder = '/etc/apt/sources.list.d'
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder) : []).map((file) => join(folder, file)),
  ]
  const mirror = files
    .filter((file) => /\.(list|sources)$/.test(file) && existsSync(file))
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/^(?:deb(?:\s+\[.*?\])?|URIs:)\s+(\S+)/gm)])
    .map(([, uri]) => uri!)
    .find((uri) => /\/debian\/?$/.test(uri))
  if (mirror === undefined) throw new Error('the sources of apt name no mirror of Debian')
  return mirror
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  try {
    await promisify(execFile)(command, args, {
      cwd,
      env: { ...process.env, LC_ALL: 'C' },
      maxBuffer: 64 * 1024 * 1024,
    })
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string }
    throw new Error(`${command}: ${(stderr.trim() || message).split('\n').at(-1)!}`, { cause: error })
  }
}
