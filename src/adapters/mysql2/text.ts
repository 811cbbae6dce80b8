import type { ConnectionConfig } from './driver'

/** Puts values into a text the way the driver does. */
export interface Formatter {
  readonly config: ConnectionConfig
  format(sql: string, values: unknown, namedPlaceholders?: boolean): string
}

interface Given {
  readonly sql: unknown
  readonly values: unknown
  readonly namedPlaceholders?: boolean
}

/** The text of what `query` or `execute` was called with: a string or options. */
export function sqlOf(query: unknown): unknown {
  return typeof query === 'object' && query !== null ? (query as Partial<Given>).sql : query
}

/**
 * The text that decides where a `query` goes. mysql2 puts the values into the text itself, and not all of them are
 * literals: `??` is a name, `raw()` is text, and a `queryFormat` of the application may do anything. A text with such
 * values is classified as it will be sent, save that every literal stays a `?`: so the verdict is about what runs,
 * is cached, and shows no parameter in an event.
 *
 *     'select * from ?? where a = ? ?', ['users', 'secret', raw('for update')]
 *     select * from `users` where a = ? for update
 */
export function textOf([query, values]: readonly unknown[], formatter: Formatter): unknown {
  const given = (
    typeof query === 'object' && query !== null ? query : { sql: query, values: undefined }
  ) as Given
  const { sql, namedPlaceholders } = given
  const inserted = values === undefined ? given.values : values
  if (typeof sql !== 'string' || !putsText(sql, inserted, formatter)) return sql
  try {
    return formatter.format(sql, masked(inserted ?? []), namedPlaceholders)
  } catch {
    // The driver will throw the same at the caller; a text that nobody knows is the primary's.
    return undefined
  }
}

function putsText(sql: string, values: unknown, { config }: Formatter): boolean {
  if (typeof config.queryFormat === 'function') return true
  if (values === undefined || values === null) return false
  // A named placeholder makes `??` of `::name`.
  return sql.includes('??') || sql.includes('::') || holdsText(values)
}

/** Below two objects (that of named placeholders, that of a `SET ?`) the driver makes strings of all others. */
const DEPTH = 2

function holdsText(value: unknown, depth = DEPTH): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (isRaw(value)) return true
  if (Array.isArray(value)) return value.some((item) => holdsText(item, depth))
  if (value instanceof Set || value instanceof Map) {
    return [...value.values()].some((item) => holdsText(item, depth))
  }
  if (depth === 0 || ArrayBuffer.isView(value)) return false
  return Object.values(value).some((item) => holdsText(item, depth - 1))
}

/** The values with every literal replaced by one that is put in as `?`, or as itself where a name is wanted. */
function masked(value: unknown, depth = DEPTH): unknown {
  if (typeof value !== 'object' || value === null) return placeholder(value)
  if (isRaw(value)) return value
  if (Array.isArray(value)) return value.map((item) => masked(item, depth))
  if (value instanceof Set) return [...value].map((item) => masked(item, depth))
  if (value instanceof Map) return masked(Object.fromEntries(value), depth)
  if (depth === 0 || Object.prototype.toString.call(value) !== '[object Object]') return placeholder(value)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item, depth - 1)]))
}

function isRaw(value: object): boolean {
  return typeof (value as { toSqlString?: unknown }).toSqlString === 'function'
}

function placeholder(value: unknown): { toSqlString(): string; toString(): string } {
  return { toSqlString: () => '?', toString: () => String(value) }
}
