/**
 * Runs the unit and package tests on other Node versions than the one at hand. npm carries Node's binaries as packages,
 * which are unpacked into the cache directory once.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'

const VERSIONS = ['22', '24']
const ROOT = path.join(__dirname, '..')
const CACHE = process.env['SPLITPOOL_CACHE'] ?? path.join(ROOT, '.cache')

/** The binary of a Node version, unpacked if it is not there yet; a half-unpacked one never takes its place. */
function nodeBinary(version: string): string {
  const name = `node-${process.platform}-${process.arch}`
  const home = path.join(CACHE, 'nodes', version)
  const binary = path.join(home, 'bin', 'node')
  if (!existsSync(binary)) {
    const unpacking = `${home}.${process.pid}`
    mkdirSync(unpacking, { recursive: true })
    try {
      const packed = execFileSync('npm', ['pack', '--silent', `${name}@${version}`], {
        cwd: unpacking,
        encoding: 'utf8',
      })
      execFileSync('tar', ['xzf', packed.trim(), '--strip-components=1'], { cwd: unpacking })
      rmSync(home, { recursive: true, force: true })
      renameSync(unpacking, home)
    } finally {
      rmSync(unpacking, { recursive: true, force: true })
    }
  }
  return binary
}

let failed = false
for (const version of VERSIONS) {
  const node = nodeBinary(version)
  console.log(`\nNode ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`)
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs')
  const run = spawnSync(node, [vitest, 'run', '--project', 'unit', '--project', 'package'], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  failed ||= run.status !== 0
}
process.exitCode = failed ? 1 : 0
