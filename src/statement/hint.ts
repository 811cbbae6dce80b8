/** The longest comment in which a hint is looked for, in characters. */
const MAX_COMMENT = 256

/** The target in a comment `/* splitpool: users:primary *‍/` that the text starts with, or `null`. */
export function hintOf(sql: string): string | null {
  let start = 0
  while (isSpace(sql.charCodeAt(start))) start++
  if (!sql.startsWith('/*', start)) return null
  const comment = sql.slice(start, start + MAX_COMMENT)
  return /^\/\*\s*splitpool:\s*([A-Za-z0-9_:.-]+)\s*\*\//.exec(comment)?.[1] ?? null
}

function isSpace(character: number): boolean {
  return character === 32 || (character >= 9 && character <= 13)
}
