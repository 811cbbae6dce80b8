import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const ROOT = path.join(__dirname, '../..')

/** A directory outside the project in which the packed tarball is installed, as an application would. */
let home: string
let tarball: string

beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'splitpool-package-'))
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', home], { cwd: ROOT })
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string }]
  tarball = path.join(home, filename)
  await writeFile(path.join(home, 'package.json'), JSON.stringify({ name: 'application', private: true }))
  await run('npm', ['install', '--no-audit', '--no-fund', tarball, ...(await drivers())], { cwd: home })
  await cp(path.join(__dirname, 'consumers'), home, { recursive: true })
})

afterAll(async () => {
  await rm(home, { recursive: true, force: true })
})

/** The drivers, frameworks and types in the versions that the project itself is tested with. */
async function drivers(): Promise<string[]> {
  const { devDependencies } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  return [
    'pg',
    'mysql2',
    'express',
    'fastify',
    '@types/pg',
    '@types/express',
    '@types/node',
    'typescript',
  ].map((name) => `${name}@${devDependencies[name]!}`)
}

async function node(...args: string[]): Promise<unknown> {
  const { stdout } = await run(process.execPath, args, { cwd: home })
  return JSON.parse(stdout)
}

describe('the packed tarball', () => {
  it('holds the build, the README and the licence, and nothing else', async () => {
    const { stdout } = await run('tar', ['tzf', tarball])
    const files = stdout.trim().split('\n')
    for (const file of files) {
      expect(file).toMatch(/^package\/(package\.json|README\.md|LICENSE|dist\/.*\.(js|d\.ts))$/)
      expect(file).not.toMatch(/\.test\.|testing/)
    }
    expect(files).toContain('package/LICENSE')
    expect(files).toContain('package/dist/index.js')
  })

  it('brings no driver', async () => {
    const manifest = JSON.parse(
      await readFile(path.join(home, 'node_modules/splitpool/package.json'), 'utf8'),
    ) as { dependencies: object }
    expect(Object.keys(manifest.dependencies)).toEqual(['lru-cache'])
  })

  it('works from import', async () => {
    expect(await node('import.mjs')).toEqual({
      role: 'replica',
      rule: 'read',
      pool: true,
      mysql: true,
      intent: 'write',
    })
  })

  it('works from require', async () => {
    expect(await node('require.cjs')).toEqual({
      role: 'replica',
      rule: 'read',
      pool: true,
      mysql: true,
      intent: 'write',
    })
  })

  it('is one instance from import and require', async () => {
    expect(await node('same.mjs')).toEqual({ same: true })
  })

  it('opens scopes for requests of Express and Fastify', async () => {
    expect(await node('web.mjs')).toEqual({ express: '1', fastify: '2' })
  })

  it('needs only the driver that is used', async () => {
    expect(await node('core-only.cjs')).toEqual({ drivers: [] })
  })

  it('has types for every module resolution, and keeps the driver’s own', async () => {
    for (const project of ['tsconfig.node16.json', 'tsconfig.bundler.json']) {
      const tsc = path.join(home, 'node_modules/typescript/bin/tsc')
      await run(process.execPath, [tsc, '-p', project], { cwd: home }).catch((error: unknown) => {
        throw new Error(`${project}: ${(error as { stdout: string }).stdout}`)
      })
    }
  })

  it('passes publint', async () => {
    const bin = path.join(ROOT, 'node_modules/publint/src/cli.js')
    const { stdout } = await run(process.execPath, [bin, 'run', tarball, '--strict'], { cwd: ROOT })
    expect(stdout).toContain('All good!')
  })

  it('passes arethetypeswrong', async () => {
    const bin = path.join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    // The entry points below the root are found through `exports`, which the oldest resolution does not read.
    await run(process.execPath, [bin, tarball, '--profile', 'node16', '--no-emoji'], { cwd: ROOT }).catch(
      (error: unknown) => {
        throw new Error((error as { stdout: string }).stdout)
      },
    )
  })
})
