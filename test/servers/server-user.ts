import { statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Whom the servers run as. Database servers refuse to run as root. */
export interface ServerUser {
  readonly uid?: number
  readonly gid?: number
}

const NOBODY = { uid: 65_534, gid: 65_534 }

export const serverUser: ServerUser = process.getuid?.() === 0 ? NOBODY : {}

/** Whether the servers' user can enter a directory: for root's servers, every folder above must let others through. */
export function isReachable(directory: string): boolean {
  if (serverUser.uid === undefined) return true
  const { mode, uid } = statSync(directory)
  const mayEnter = (mode & 0o001) !== 0 || (uid === serverUser.uid && (mode & 0o100) !== 0)
  const parent = dirname(directory)
  return mayEnter && (parent === directory || isReachable(parent))
}
