import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../src/dialects/dialect'
import { describeEachDialect } from '../servers/provided'
import { processesIn } from '../servers/server-process'
import { until } from '../servers/until'

/** A process that starts servers in a temporary directory of its own. */
interface Scene {
  readonly child: ChildProcess
  readonly directories: () => string[]
  /** The servers that run, as processes or as containers. */
  readonly running: () => string[]
  readonly started: () => Promise<unknown>
  /** Waits until the process has ended and nothing of its servers is left. */
  readonly nothingIsLeft: () => Promise<void>
}

function startScene(dialect: Dialect, ending: string): Scene {
  const temporary = mkdtempSync(join(realpathSync(tmpdir()), 'splitpool-test-'))
  chmodSync(temporary, 0o755)
  const script = join(__dirname, '..', 'servers', 'start-and-end.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', script, dialect, ending], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = once(child, 'exit')
  const directories = (): string[] =>
    readdirSync(temporary).filter((name) => name.startsWith('splitpool-servers-'))
  const running = (): string[] => [...processesIn(temporary).map(String), ...containersOf(temporary)]
  return {
    child,
    directories,
    running,
    started: () => once(child.stdout, 'data'),
    async nothingIsLeft() {
      await ended
      await until(
        () => `nothing is left; there are ${[...directories(), ...running()].join()}`,
        () => directories().length === 0 && running().length === 0,
      )
      rmSync(temporary, { recursive: true, force: true })
    },
  }
}

/** The containers of servers whose directory is in a temporary directory. */
function containersOf(temporary: string): string[] {
  const label = 'splitpool.servers'
  const args = ['ps', '--all', '--filter', `label=${label}`, '--format', `{{.ID}} {{.Label "${label}"}}`]
  const { stdout } = spawnSync('docker', args, { encoding: 'utf8' }) as { stdout: string | null }
  return (stdout ?? '').split('\n').filter((line) => line.includes(` ${temporary}/`))
}

describe('servers', { timeout: 180_000 }, () => {
  describeEachDialect((dialect) => {
    it('end with a process that is killed', async () => {
      const { child, started, running, nothingIsLeft } = startScene(dialect, 'stay')
      await started()
      expect(running()).not.toHaveLength(0)
      child.kill('SIGKILL')
      await nothingIsLeft()
    })

    it('end with a process that is killed while it starts them', async () => {
      const { child, directories, nothingIsLeft } = startScene(dialect, 'stay')
      await until('the directory is there', () => directories().length > 0)
      await sleep(Math.random() * 500) // anywhere in the middle
      child.kill('SIGKILL')
      await nothingIsLeft()
    })
  })

  it.concurrent.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'end with a process that gets %s',
    async (signal) => {
      const { child, started, nothingIsLeft } = startScene('postgres', 'stay')
      await started()
      child.kill(signal)
      await nothingIsLeft()
    },
  )

  it.concurrent.each(['exit', 'throw', 'reject', 'return', 'stop'])(
    'end with a process that ends by %s',
    (ending) => startScene('postgres', ending).nothingIsLeft(),
  )
})
