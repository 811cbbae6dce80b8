import { closeSync, openSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { RuntimeControl } from './runtime'
import type { ServerUser } from './server-user'
import { until } from './until'

/** How to start one server. A plain value: whoever has it can start the server again. */
export interface Launch {
  /** The server's own directory: it works there, and its log and process id are kept there. */
  readonly directory: string
  readonly command: string
  readonly args: readonly string[]
  readonly user: ServerUser
  /** The signal at which it shuts down in good order. */
  readonly stopSignal: NodeJS.Signals
}

/** Starts the server and returns at once. It does not keep the event loop alive. */
function launch({ directory, command, args, user }: Launch): void {
  const log = openSync(join(directory, 'log'), 'a')
  const child = spawn(command, args, {
    ...user,
    cwd: directory,
    env: serverEnvironment(directory),
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  child.once('error', (error) => {
    writeFileSync(join(directory, 'log'), `${String(error)}\n`, { flag: 'a' })
  })
  child.unref()
  writeFileSync(join(directory, 'pid'), String(child.pid))
}

/** Nothing of the machine's settings reaches a server: no locale, no time zone, no PGHOST. */
export function serverEnvironment(home: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: home, LC_ALL: 'C', TZ: 'UTC' }
}

function isRunning({ directory }: Launch): boolean {
  return processesIn(directory).length > 0
}

/** The end of the server's log, for error messages. */
function lastWords({ directory }: Launch): string {
  return readFileSync(join(directory, 'log'), 'utf8').trimEnd().split('\n').slice(-8).join('\n')
}

/** Resolves once `answers` says true, and fails as soon as the server has died instead. */
async function untilAnswering(server: Launch, answers: () => Promise<boolean>): Promise<void> {
  await until(
    () => `the server answers; its log ends with\n${lastWords(server)}`,
    async () => {
      if (await answers()) return true
      if (!isRunning(server))
        throw new Error(`The server ended at once; its log ends with\n${lastWords(server)}`)
      return false
    },
  )
}

export function processControl(server: Launch): RuntimeControl {
  const { directory, stopSignal } = server
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of processesIn(directory)) send(pid, name)
  }
  const ended = (): Promise<void> =>
    until(`the server in ${directory} has ended`, () => processesIn(directory).length === 0)

  return {
    async signal(name) {
      signal(name)
      if (name === 'SIGKILL') await ended()
    },
    async stop() {
      if (!isRunning(server)) return
      send(Number(readFileSync(join(directory, 'pid'), 'utf8')), stopSignal)
      await ended()
    },
    async start(answers) {
      launch(server)
      await untilAnswering(server, answers)
    },
    freeze() {
      signal('SIGSTOP')
      return Promise.resolve()
    },
    thaw() {
      signal('SIGCONT')
      return Promise.resolve()
    },
  }
}

/**
 * The processes that work in a directory. That finds a server together with its children, which PostgreSQL puts into
 * sessions of their own, and finds it from any process, whoever has started it.
 */
export function processesIn(directory: string): number[] {
  return workingDirectories()
    .filter(([, cwd]) => cwd === directory || cwd.startsWith(`${directory}/`))
    .map(([pid]) => pid)
}

function workingDirectories(): [pid: number, cwd: string][] {
  if (process.platform === 'linux') {
    return readdirSync('/proc').flatMap((name) => {
      try {
        return /^\d+$/.test(name) ? [[Number(name), readlinkSync(`/proc/${name}/cwd`)]] : []
      } catch {
        return [] // ended meanwhile, or somebody else's
      }
    })
  }
  const fields = execFileSync('lsof', ['-d', 'cwd', '-F', 'pn'], { encoding: 'utf8' }).split('\n')
  let pid = 0
  return fields.flatMap((field): [number, string][] => {
    if (field.startsWith('p')) pid = Number(field.slice(1))
    return field.startsWith('n') ? [[pid, field.slice(1)]] : []
  })
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
