import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached } from './cache'

interface Distribution {
  /** Which release's packages are taken; the machine's own need not have them. */
  readonly suite: string
  readonly components: string
  /** How the path of its mirrors ends. */
  readonly mirror: RegExp
  readonly keyring: string
}

const KEPT_IN_USR = ['lib', 'lib64', 'sbin', 'share']
const KEPT_IN_SHARE = ['mysql', 'mariadb']

/**
 * A folder with a package of Debian or Ubuntu and everything it depends on, unpacked and not installed: that needs no
 * privileges and changes nothing of the system. Throws an error that says in one line why it cannot be had.
 *
 * apt is given a configuration of its own, in which no package is installed yet, so that it fetches all of them, down to
 * the C library. A program in the folder is started through the folder's own loader.
 */
export async function unpackedPackage(name: string): Promise<string> {
  const distribution = thisDistribution()
  return cached(`${name}-${distribution.suite}-${process.arch}`, async (folder) => {
    const work = join(folder, '.apt')
    const archives = await download(name, distribution, work)
    for (const archive of archives) await run('dpkg', ['-x', archive, folder])
    rmSync(work, { recursive: true })
    keepOnly(folder, ['usr', 'lib', 'lib64'])
    keepOnly(join(folder, 'usr'), KEPT_IN_USR)
    keepOnly(join(folder, 'usr', 'share'), KEPT_IN_SHARE)
  })
}

async function download(name: string, distribution: Distribution, work: string): Promise<string[]> {
  const archives = join(work, 'cache', 'archives')
  mkdirSync(join(archives, 'partial'), { recursive: true })
  mkdirSync(join(work, 'lists', 'partial'), { recursive: true })
  writeFileSync(join(work, 'status'), '')
  writeFileSync(join(work, 'sources.list'), sourceLine(distribution))
  const settings = {
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': join(work, 'status'),
    'Dir::Cache': join(work, 'cache'),
    'APT::Install-Recommends': 'false',
    'APT::Sandbox::User': 'root',
    'APT::Update::Error-Mode': 'any',
    'Debug::NoLocking': 'true',
  }
  const options = ['-qq', ...Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])]
  await run('apt-get', [...options, 'update'])
  await run('apt-get', [...options, '--yes', '--download-only', 'install', name])
  return readdirSync(archives)
    .filter((file) => file.endsWith('.deb'))
    .map((file) => join(archives, file))
}

function sourceLine({ mirror, keyring, suite, components }: Distribution): string {
  const uri = machineSources().find((uri) => mirror.test(uri))
  if (uri === undefined) throw new Error('the sources of apt name no mirror of the distribution')
  const trust = existsSync(keyring) ? `[signed-by=${keyring}] ` : ''
  return `deb ${trust}${uri} ${suite} ${components}\n`
}

/** The addresses in the machine's own sources, in both of apt's formats. */
function machineSources(): string[] {
  const folder = '/etc/apt/sources.list.d'
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((file) => join(folder, file)) : []),
  ]
  return files
    .filter((file) => /\.(list|sources)$/.test(file) && existsSync(file))
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/^(?:deb(?:\s+\[.*?\])?|URIs:)\s+(\S+)/gm)])
    .map(([, uri]) => uri!)
}

function thisDistribution(): Distribution {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  const field = (name: string): string => new RegExp(`^${name}="?([^"\\n]*)`, 'm').exec(release)?.[1] ?? ''
  switch (field('ID')) {
    case 'debian':
      return {
        suite: 'sid', // no stable Debian has MySQL
        components: 'main',
        mirror: /\/debian\/?$/,
        keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
      }
    case 'ubuntu':
      return {
        suite: field('VERSION_CODENAME'),
        components: 'main universe',
        mirror: /\/ubuntu(-ports)?\/?$/,
        keyring: '/usr/share/keyrings/ubuntu-archive-keyring.gpg',
      }
    default:
      throw new Error('this system is neither Debian nor Ubuntu')
  }
}

function keepOnly(folder: string, names: readonly string[]): void {
  for (const name of readdirSync(folder)) {
    if (!names.includes(name)) rmSync(join(folder, name), { recursive: true, force: true })
  }
}

async function run(command: string, args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(command, args, {
      env: { ...process.env, LC_ALL: 'C' },
      maxBuffer: 64 * 1024 * 1024,
    })
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string }
    throw new Error(`${command}: ${(stderr.trim() || message).split('\n').at(-1)!}`, { cause: error })
  }
}
