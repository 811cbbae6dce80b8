import type { LexicalRules } from '../dialects/vocabulary'
import * as Token from './token'

// The class of a character says what a token is that starts with it: the kind itself for a token of one character, else
// one of these.
export const SPACE = Token.KINDS
export const LETTER = Token.KINDS + 1
export const DIGIT = Token.KINDS + 2
export const SINGLE_QUOTE = Token.KINDS + 3
export const NAME_QUOTE = Token.KINDS + 4
export const POINT = Token.KINDS + 5
export const DASH = Token.KINDS + 6
export const SLASH = Token.KINDS + 7
export const STAR = Token.KINDS + 8
export const HASH = Token.KINDS + 9
export const DOLLAR = Token.KINDS + 10
export const AT_SIGN = Token.KINDS + 11
export const COLON_SIGN = Token.KINDS + 12
export const BACKSLASH_SIGN = Token.KINDS + 13

/** The class of every ASCII character in a dialect. */
export function characterClasses(rules: LexicalRules): Uint8Array {
  const classes = new Uint8Array(128).fill(Token.INVALID)
  const set = (characters: string, value: number): void => {
    for (const character of characters) classes[character.charCodeAt(0)] = value
  }
  set(' \t\n\v\f\r', SPACE)
  set('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_', LETTER)
  set('0123456789', DIGIT)
  set('(', Token.OPEN)
  set(')', Token.CLOSE)
  set(',', Token.COMMA)
  set(';', Token.SEMICOLON)
  set('+%&|<>=!~^?[]{}', Token.OPERATOR)
  set("'", SINGLE_QUOTE)
  set('"', NAME_QUOTE)
  set('-', DASH)
  set('/', SLASH)
  set('*', STAR)
  set('.', POINT)
  set(':', COLON_SIGN)
  set('\\', BACKSLASH_SIGN)
  set('$', rules.dollarQuotes ? DOLLAR : LETTER)
  set('`', rules.backticks ? NAME_QUOTE : Token.OPERATOR)
  set('#', rules.hashComments ? HASH : Token.OPERATOR)
  set('@', rules.variables ? AT_SIGN : Token.OPERATOR)
  return classes
}

export const BACKSLASH = 92
export const QUOTE = 39
export const DOUBLE_QUOTE = 34
export const BACKTICK = 96

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
