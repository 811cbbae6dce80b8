import { spawn } from 'node:child_process'
import { serverEnvironment } from './server-process'
import { serverUser } from './server-user'

/** Runs a program as the servers' user to its end. An error carries the end of what it said. */
export function runAsServer(
  command: string,
  args: readonly string[],
  { cwd, input = '' }: { cwd: string; input?: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...serverUser, cwd, env: serverEnvironment(cwd) })
    let output = ''
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-2_000)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.stdin.on('error', () => {
      // the program ended without reading everything; its exit code tells
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${command} failed with ${code ?? 'a signal'}:\n${output.trim()}`))
    })
    child.stdin.end(input)
  })
}
