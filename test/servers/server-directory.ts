import { chownSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isReachable, serverUser } from './server-user'

/** A fresh temporary directory for servers. It, and whatever runs in it, ends with this process at the latest. */
export interface ServerDirectory {
  readonly path: string
  /** Containers and networks with these labels end with the directory too. */
  labelsForContainers(): Record<string, string>
  /** Ends everything that runs in the directory and removes it. */
  remove(): Promise<void>
}

/**
 * Cleaning up has one way, whether it is asked for or this process ends, is interrupted or is killed: another process
 * waits at the end of a pipe, and does it when the pipe closes. See reaper.sh.
 */
export function createServerDirectory(): ServerDirectory {
  const parent = realpathSync(tmpdir())
  const path = mkdtempSync(join(isReachable(parent) ? parent : '/tmp', 'splitpool-servers-'))
  giveToServerUser(path)

  const reaper = spawn('/bin/sh', [join(__dirname, 'reaper.sh'), path], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const gone = once(reaper, 'exit')
  reaper.unref()
  if (reaper.stdin instanceof Socket) reaper.stdin.unref()

  return {
    path,
    labelsForContainers() {
      writeFileSync(join(path, 'containers'), '')
      return { 'splitpool.servers': path }
    },
    async remove() {
      reaper.ref()
      reaper.stdin.end()
      await gone
    },
  }
}

/** Makes a directory that belongs to the servers' user. */
export function createDirectoryForServer(path: string): string {
  mkdirSync(path, { mode: 0o700 })
  giveToServerUser(path)
  return path
}

function giveToServerUser(path: string): void {
  if (serverUser.uid !== undefined) chownSync(path, serverUser.uid, serverUser.gid ?? serverUser.uid)
}
