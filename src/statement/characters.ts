import type { LexicalRules } from '../dialects/vocabulary'
import * as Token from './token'

// A text is read as one code for each character: the character itself where it is ASCII, else one of these two.

/** A letter of any script: every server takes it for a part of a name. */
export const WIDE_LETTER = 128
/** White space or something invisible beyond ASCII: a server takes it for a letter or for space, by its settings. */
export const DOUBTFUL = 129
const CODES = 130

/**
 * Codes of short texts are kept here, since a new array would cost more than reading such a text. They are valid until
 * the next call of `codesOf`.
 */
const SHARED = new Uint8Array(16_384)
const ENCODER = new TextEncoder()

/** The codes of a text, in an array at least as long as the text. */
export function codesOf(text: string): Uint8Array {
  const { length } = text
  const codes = length <= SHARED.length ? SHARED : new Uint8Array(length)
  // Only where all are ASCII, there is one byte of UTF-8 for each character.
  const { read, written } = ENCODER.encodeInto(text, codes)
  if (read === length && written === length) return codes
  for (let at = 0; at < length; at++) codes[at] = codeOf(text.charCodeAt(at))
  return codes
}

function codeOf(character: number): number {
  if (character < 128) return character
  return isDoubtful(character) ? DOUBTFUL : WIDE_LETTER
}

export function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > 127) return false
  }
  return true
}

function isDoubtful(character: number): boolean {
  return (
    character <= 0xa0 ||
    character === 0xad ||
    character === 0x1680 ||
    character === 0x180e ||
    (character >= 0x2000 && character <= 0x200f) ||
    (character >= 0x2028 && character <= 0x202f) ||
    (character >= 0x205f && character <= 0x206f) ||
    character === 0x3000 ||
    character === 0xfeff
  )
}

// The class of a code says what a token is that starts with it: the kind itself for a token of one character, else one
// of these.
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

/** The class of every code in a dialect. */
export function classesOf(rules: LexicalRules): Uint8Array {
  const classes = new Uint8Array(CODES).fill(Token.INVALID)
  const set = (characters: string, value: number): void => {
    for (const character of characters) classes[character.charCodeAt(0)] = value
  }
  set(' \t\n\v\f\r', SPACE)
  set(LETTERS, LETTER)
  classes[WIDE_LETTER] = LETTER
  set(DIGITS, DIGIT)
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

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_'
const DIGITS = '0123456789'

/** Which codes may stand in a word after the first: 1 or 0. */
export const IN_WORD = new Uint8Array(CODES)
for (const character of `${LETTERS}${DIGITS}$`) IN_WORD[character.charCodeAt(0)] = 1
IN_WORD[WIDE_LETTER] = 1

export const BACKSLASH = 92
export const QUOTE = 39
export const DOUBLE_QUOTE = 34
export const BACKTICK = 96
