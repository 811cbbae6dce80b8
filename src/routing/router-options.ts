import { SplitpoolError } from '../errors'
import { whatCame } from './what-came'

/**
 * The options of a router of splitpool's own, with no other keys than it knows: a misspelt one would widen or empty it.
 *
 * @param of the name of the router, for messages
 * @throws {SplitpoolError} `ERR_INVALID_OPTION`
 */
export function routerOptions(
  given: unknown,
  known: readonly string[],
  of: string,
): Readonly<Record<string, unknown>> {
  const expected = `an object with ${known.join(', ')}`
  if (!isRecord(given)) throw badOption(of, expected, given)
  const unknown = Object.keys(given).find((key) => !known.includes(key))
  if (unknown === undefined) return given
  throw new SplitpoolError(
    'ERR_INVALID_OPTION',
    `${of}.${unknown}: unknown option; expected one of ${known.join(', ')}`,
  )
}

export function badOption(path: string, expected: string, came: unknown): SplitpoolError {
  return new SplitpoolError('ERR_INVALID_OPTION', `${path}: expected ${expected}, got ${whatCame(came)}`)
}

/** An object whose content is in its keys: no array and no map. */
export function isRecord(given: unknown): given is Readonly<Record<string, unknown>> {
  return Object.prototype.toString.call(given) === '[object Object]'
}

/** Names, each once. */
export function areNames(given: unknown): given is readonly string[] {
  if (!Array.isArray(given) || given.length === 0 || new Set(given).size !== given.length) return false
  return given.every((name) => typeof name === 'string' && name !== '')
}
