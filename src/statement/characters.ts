import type { LexicalRules } from '../dialects/vocabulary'

/** What a token that starts with a character can be. */
export const OTHER = 0
export const SPACE = 1
export const LETTER = 2
export const DIGIT = 3
export const SINGLE_QUOTE = 4
export const DOUBLE_QUOTE = 5
export const BACKTICK = 6
export const DASH = 7
export const SLASH = 8
export const STAR = 9
export const HASH = 10
export const DOLLAR = 11
export const AT = 12
export const COLON_SIGN = 13
export const POINT = 14
export const PUNCTUATION = 15
export const OPERATOR_SIGN = 16
export const BACKSLASH_SIGN = 17

export const BACKSLASH = 92
export const QUOTE = 39

/** The class of every ASCII character in a dialect. */
export function characterClasses(rules: LexicalRules): Uint8Array {
  const classes = new Uint8Array(128)
  const set = (characters: string, value: number): void => {
    for (const character of characters) classes[character.charCodeAt(0)] = value
  }
  set(' \t\n\v\f\r', SPACE)
  set('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_', LETTER)
  set('0123456789', DIGIT)
  set('(),;', PUNCTUATION)
  set('+%&|<>=!~^?[]{}`#@', OPERATOR_SIGN)
  set("'", SINGLE_QUOTE)
  set('"', DOUBLE_QUOTE)
  set('-', DASH)
  set('/', SLASH)
  set('*', STAR)
  set('.', POINT)
  set(':', COLON_SIGN)
  set('\\', BACKSLASH_SIGN)
  set('$', rules.dollarQuotes ? DOLLAR : LETTER)
  if (rules.backticks) set('`', BACKTICK)
  if (rules.hashComments) set('#', HASH)
  if (rules.variables) set('@', AT)
  return classes
}

/** Which ASCII characters may continue a word: 1 or 0. */
export function wordCharacters(): Uint8Array {
  const inWord = new Uint8Array(128)
  for (const character of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789$') {
    inWord[character.charCodeAt(0)] = 1
  }
  return inWord
}

/**
 * Whether a character beyond ASCII is a letter for every server. White space and invisible characters are not: a
 * server takes them for letters or for space by its character set.
 */
export function isWideLetter(character: number): boolean {
  if (character < 0x80) return false
  if (character <= 0xa0) return false
  if (character < 0x1680) return character !== 0xad
  return !(
    character === 0x1680 ||
    character === 0x180e ||
    (character >= 0x2000 && character <= 0x200f) ||
    (character >= 0x2028 && character <= 0x202f) ||
    (character >= 0x205f && character <= 0x206f) ||
    character === 0x3000 ||
    character === 0xfeff
  )
}
