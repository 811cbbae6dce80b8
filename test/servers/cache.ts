import {
  accessSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { isReachable } from './server-user'

const ABANDONED_AFTER_MS = 3_600_000

/**
 * A folder that is built once and kept: `build` fills an empty folder, which gets its name only when it is complete.
 * So a half-built one is never used, and of two processes that build the same one, the later uses the earlier's.
 */
export async function cached(name: string, build: (folder: string) => void | Promise<void>): Promise<string> {
  const cache = cacheDirectory()
  const folder = join(cache, name)
  if (exists(folder)) return folder

  removeAbandoned(cache)
  const unfinished = mkdtempSync(join(cache, 'unfinished-'))
  try {
    const content = join(unfinished, 'content')
    mkdirSync(content, { mode: 0o755 })
    await build(content)
    try {
      renameSync(content, folder)
    } catch (error) {
      if (!exists(folder)) throw error
    }
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  return folder
}

/**
 * `SPLITPOOL_CACHE`, else `.cache/servers` of the project. Where this user cannot write there, or the servers' user cannot
 * go there (a project in root's home), it is a folder of this user's among the temporary files.
 */
function cacheDirectory(): string {
  const wanted = process.env['SPLITPOOL_CACHE'] ?? join(__dirname, '..', '..', '.cache', 'servers')
  if (isWritable(wanted) && isReachable(wanted)) return wanted

  const uid = process.getuid?.() ?? 0
  const temporary = join('/tmp', `splitpool-cache-${uid}`)
  mkdirSync(temporary, { recursive: true, mode: 0o755 })
  if (lstatSync(temporary).uid !== uid)
    throw new Error(`${temporary} belongs to somebody else; set SPLITPOOL_CACHE`)
  return temporary
}

function isWritable(directory: string): boolean {
  try {
    mkdirSync(directory, { recursive: true })
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function removeAbandoned(cache: string): void {
  for (const name of readdirSync(cache).filter((name) => name.startsWith('unfinished-'))) {
    const path = join(cache, name)
    if (Date.now() - statSync(path).mtimeMs > ABANDONED_AFTER_MS)
      rmSync(path, { recursive: true, force: true })
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
