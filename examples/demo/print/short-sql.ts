/**
 * A statement on one line of at most `width` characters, for people. While it is too long it loses its details one after
 * the other, since the verb, the table and a lock tell more than lists and conditions do; at last its end is cut.
 */
export function shortSql(sql: string, width: number): string {
  let text = sql.replace(/\s+/g, ' ').trim()
  for (const [detail, rest] of DETAILS) {
    if (text.length <= width) return text
    text = text.replace(detail, rest)
  }
  return text.length <= width ? text : `${text.slice(0, width - 1).trimEnd()}…`
}

const DETAILS: readonly (readonly [RegExp, string])[] = [
  [/ \([\w, ]+\) (VALUES|SELECT)/i, ' (…) $1'],
  [/ VALUES .*\) (RETURNING .*)/i, ' VALUES (…) $1'],
  [/^SELECT (?!\*).+? FROM /i, 'SELECT … FROM '],
  [/ WHERE .* (FOR UPDATE)/i, ' … $1'],
  [/ ISOLATION LEVEL (REPEATABLE READ|READ \w+|SERIALIZABLE),? /i, ' … '],
]
