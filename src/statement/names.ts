/** How a name stands in the text. */
export const PLAIN = 0
/** In quotes that are doubled to stand for themselves. */
export const IN_QUOTES = 1
/** `U&"…"`, with `\0061` and `\+000061` for characters. */
export const IN_UNICODE_QUOTES = 2
export type NameStyle = typeof PLAIN | typeof IN_QUOTES | typeof IN_UNICODE_QUOTES

/** The name that stands in `text` from `start` to `end`, quotes included, as the server sees it before folding. */
export function nameAt(text: string, start: number, end: number, style: NameStyle): string {
  if (style === PLAIN) return text.slice(start, end)
  const opening = style === IN_UNICODE_QUOTES ? start + 2 : start
  const quote = text.charAt(opening)
  const inside = text.slice(opening + 1, end - 1)
  const name = inside.includes(quote) ? inside.replaceAll(quote + quote, quote) : inside
  return style === IN_UNICODE_QUOTES ? unescapeUnicode(name) : name
}

function unescapeUnicode(name: string): string {
  if (!name.includes('\\')) return name
  return name.replace(/\\(\\|\+[0-9a-fA-F]{6}|[0-9a-fA-F]{4})/g, (_, escape: string) => {
    if (escape === '\\') return escape
    const code = Number.parseInt(escape.replace('+', ''), 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : ''
  })
}

/**
 * A name as MySQL and MariaDB look functions up: their comparison ignores case and accents, so `GÉT_LOCK` is
 * `GET_LOCK`.
 */
export function withoutAccents(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/[^\0-\u007f]/g, (character) => (character === 'ı' ? 'i' : ''))
    .toLowerCase()
}

/** The longest name that a reason quotes. */
const LONGEST = 64

/** A name as a reason may quote it. */
export function shortened(name: string): string {
  return name.length <= LONGEST ? name : `${name.slice(0, LONGEST)}…`
}
