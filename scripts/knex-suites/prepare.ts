import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const ROOT = path.join(__dirname, '../..')

/** What Knex's suites need of its development dependencies when they run for pg and mysql2 alone. */
const NEEDED = [
  'chai',
  'chai-as-promised',
  'chai-subset-in-order',
  'cli-testlab',
  'mocha',
  'mysql',
  'mysql2',
  'pg',
  'pg-query-stream',
  'rimraf',
  'semver',
  'sinon',
  'sinon-chai',
  'source-map-support',
]

interface Package {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** A copy of the checkout with what it needs installed, and splitpool built into it as an application has it. */
export interface Prepared {
  readonly folder: string
  readonly version: string
  remove(): void
}

/** Copies a checkout of Knex, installs into the copy and leaves the checkout alone. */
export function prepare(checkout: string): Prepared {
  const folder = mkdtempSync(path.join(tmpdir(), 'splitpool-knex-'))
  const knex = readPackage(checkout)
  const own = readPackage(ROOT)
  for (const part of ['lib', 'test', 'bin', 'scripts', 'knex.js', 'knex.mjs']) {
    cpSync(path.join(checkout, part), path.join(folder, part), { recursive: true })
  }
  const wanted = Object.entries(knex.devDependencies ?? {}).filter(([name]) => NEEDED.includes(name))
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({
      name: 'knex',
      version: knex.version,
      private: true,
      main: 'knex.js',
      dependencies: { ...knex.dependencies, ...own.dependencies, ...Object.fromEntries(wanted) },
    }),
  )
  const install = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--silent']
  execFileSync('npm', install, { cwd: folder, stdio: 'inherit' })

  const modules = path.join(folder, 'node_modules')
  const splitpool = path.join(modules, 'splitpool')
  mkdirSync(splitpool)
  cpSync(path.join(ROOT, 'package.json'), path.join(splitpool, 'package.json'))
  const build = ['tsc', '-p', 'tsconfig.build.json', '--outDir', path.join(splitpool, 'dist')]
  execFileSync('npx', build, { cwd: ROOT, stdio: 'inherit' })
  // splitpool takes the application's copy of Knex, which here is the one whose suites run
  symlinkSync('..', path.join(modules, 'knex'), 'dir')

  return {
    folder,
    version: knex.version,
    remove: () => {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function readPackage(folder: string): Package {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Package
}
