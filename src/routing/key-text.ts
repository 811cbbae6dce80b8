import { SplitpoolError } from '../errors'
import { whatCame } from './what-came'

/**
 * The key that a function of the application's gave, as a text; `null` where it gave none. An object would be the same
 * text for all, so that everybody would land on one node without a word.
 *
 * @param who whose key it is, for the message: `affinity`
 * @throws {SplitpoolError} `ERR_KEY`
 */
export function keyText(key: unknown, who: string): string | null {
  if (key === undefined || key === null) return null
  if (typeof key === 'string') return key
  if (typeof key === 'bigint' || (typeof key === 'number' && !Number.isNaN(key))) return String(key)
  throw new SplitpoolError(
    'ERR_KEY',
    `The key of ${who} must be a string, a number, or nothing; its function gave ${whatCame(key)}`,
  )
}
