import { SplitpoolError } from './errors'
import { whatCame } from './routing/what-came'

/** @throws {SplitpoolError} `ERR_INVALID_OPTION`, always: the path, what was expected and what came */
export function refuse(path: string, expected: string, came: unknown): never {
  throw new SplitpoolError('ERR_INVALID_OPTION', `${path}: expected ${expected}, got ${show(came)}`)
}

export function refuseUnknown(
  given: Readonly<Record<string, unknown>>,
  known: readonly string[],
  path: string,
): void {
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue
    const at = path === '' ? key : `${path}.${key}`
    throw new SplitpoolError(
      'ERR_INVALID_OPTION',
      `${at}: unknown option; expected one of ${known.join(', ')}`,
    )
  }
}

export function refuseUnlessOneOf(value: unknown, allowed: readonly string[], path: string): void {
  if (!allowed.includes(value as string)) refuse(path, `one of ${quoted(allowed)}`, value)
}

/** The value, if it is an object with keys. */
export function record(value: unknown, path: string, expected = 'an object'): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(path, expected, value)
  return value as Record<string, unknown>
}

export function quoted(values: readonly string[]): string {
  return values.map((value) => `'${value}'`).join(', ')
}

/** A value for a message: short, and without the password that a URL or an object may hold. */
function show(value: unknown): string {
  if (typeof value === 'string') {
    // libpq's `host=… password='…'`, whose quoting is its own.
    if (/^\s*[a-z_]+\s*=/i.test(value)) return 'a string of keywords and values'
    // All that stands before an @, since a password may hold any character.
    const shown = value
      .replace(/^([a-z][a-z0-9+.-]*:)?(\/\/)?.*@/is, '$1$2***@')
      .replace(/((?:password|passwd|pwd)\s*=\s*)('(?:[^'\\]|\\.)*'?|"[^"]*"?|[^&\s]*)/gi, '$1***')
    return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 80)}…` : shown)
  }
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array'
  if (typeof value === 'function') return value.name === '' ? 'a function' : `function ${value.name}`
  if (typeof value === 'object' && value !== null) {
    if (typeof (value as { readonly then?: unknown }).then === 'function') return whatCame(value)
    const kind = kindOf(value)
    if (kind !== 'Object') return `an object of type ${kind}`
    const keys = Object.keys(value)
    return keys.length === 0 ? 'an empty object' : `an object with ${keys.slice(0, 8).join(', ')}`
  }
  return String(value)
}

/** `Object`, or for those whose content is not in their keys what they are: `Map`, `Set`, `Date`. */
export function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}
