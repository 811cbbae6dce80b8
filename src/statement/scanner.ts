import type { LexicalRules, Reading } from '../dialects/vocabulary'
import * as Character from './characters'
import { IN_QUOTES, IN_UNICODE_QUOTES, nameAt, type NameStyle, PLAIN } from './names'
import * as Token from './token'
import type { Word, WordTable } from './word-table'

/** What the scanner needs to know of a dialect, prepared once. */
export interface ScannerRules {
  readonly lexical: LexicalRules
  readonly words: WordTable
  readonly classes: Uint8Array
}

const IN_WORD = Character.wordCharacters()
/** Stands for a character code beyond the end of the text; equal to no character. */
const NOTHING = -1

/**
 * Cuts a text into tokens, one at a time, left to right, each character looked at a bounded number of times. After
 * `next()` the fields describe the token. What cannot be cut is one `INVALID` token, and everything after it is `END`.
 */
export class Scanner {
  kind: number = Token.END
  start = 0
  end = 0
  /** The meaning of a word, quoted or not, and of the last part of a system variable. */
  word: Word = 0
  style: NameStyle = PLAIN
  /** Why the text could not be cut further. */
  problem = ''
  /** An executable comment has been seen. */
  executable = false
  /** A backslash has been seen before a quote: another reading may cut the text elsewhere. */
  ambiguous = false
  /** A string has been seen. */
  literal = false

  readonly #text: string
  readonly #length: number
  readonly #words: WordTable
  readonly #classes: Uint8Array
  readonly #lexical: LexicalRules
  readonly #reading: Reading
  #position = 0
  /** Where the executable comment ends that is open now, for a server that takes it for a comment. */
  #commentEnd = NOTHING
  /** The last token was `E'…'`, which goes on in `'…'` after a new line. */
  #escapeString = false

  constructor(text: string, rules: ScannerRules, reading: Reading) {
    this.#text = text
    this.#length = text.length
    this.#words = rules.words
    this.#classes = rules.classes
    this.#lexical = rules.lexical
    this.#reading = reading
  }

  next(): void {
    const text = this.#text
    const length = this.#length
    let at = this.#position
    this.word = 0
    for (;;) {
      if (at >= length) {
        this.#finish(length)
        return
      }
      const character = text.charCodeAt(at)
      if (character >= 128) {
        if (Character.isWideLetter(character)) this.#scanWord(at)
        else this.#fail(at, 'unusual white space')
        return
      }
      switch (this.#classes[character] ?? Character.OTHER) {
        case Character.SPACE:
          at++
          continue
        case Character.LETTER:
          this.#scanWord(at)
          return
        case Character.DIGIT:
          this.#scanNumber(at)
          return
        case Character.SINGLE_QUOTE: {
          const continues = this.#escapeString
          this.#scanString(at, at, continues || this.#reading.backslashInSingleQuotes)
          this.#escapeString = continues
          return
        }
        case Character.DOUBLE_QUOTE:
          this.#scanQuotedName(at, at, IN_QUOTES, this.#reading.backslashInDoubleQuotes)
          return
        case Character.BACKTICK:
          this.#scanQuotedName(at, at, IN_QUOTES, false)
          return
        case Character.PUNCTUATION:
          this.#accept(punctuation(character), at, at + 1)
          return
        case Character.POINT:
          this.#scanPoint(at)
          return
        case Character.DASH: {
          if (this.#startsLineComment(at)) {
            at = this.#endOfLine(at)
            continue
          }
          this.#accept(Token.OPERATOR, at, at + 1)
          return
        }
        case Character.HASH:
          at = this.#endOfLine(at)
          continue
        case Character.SLASH: {
          if (this.#at(at + 1) !== 42) {
            this.#accept(Token.OPERATOR, at, at + 1)
            return
          }
          const end = this.#comment(at)
          if (end === NOTHING) return
          at = end
          continue
        }
        case Character.STAR: {
          if (this.#commentEnd !== NOTHING && this.#at(at + 1) === 47) {
            if (at !== this.#commentEnd) {
              this.#fail(at, 'an executable comment that ends in two places')
              return
            }
            this.#commentEnd = NOTHING
            at += 2
            continue
          }
          this.#accept(Token.OPERATOR, at, at + 1)
          return
        }
        case Character.DOLLAR:
          this.#scanDollar(at)
          return
        case Character.AT:
          this.#scanVariable(at)
          return
        case Character.COLON_SIGN:
          this.#scanColon(at)
          return
        case Character.OPERATOR_SIGN:
          this.#accept(Token.OPERATOR, at, at + 1)
          return
        case Character.BACKSLASH_SIGN:
          // `\N` is how MySQL once wrote NULL.
          if (this.#lexical.variables && this.#at(at + 1) === 78) this.#accept(Token.NUMBER, at, at + 2)
          else this.#fail(at, 'a backslash outside quotes')
          return
        default:
          this.#fail(at, 'a control character')
          return
      }
    }
  }

  /** The name that the current token stands for. */
  get name(): string {
    return nameAt(this.#text, this.start, this.end, this.style)
  }

  #at(position: number): number {
    return position < this.#length ? this.#text.charCodeAt(position) : NOTHING
  }

  #accept(kind: number, start: number, end: number): void {
    this.kind = kind
    this.start = start
    this.end = end
    this.#position = end
    this.#escapeString = false
  }

  #fail(at: number, problem: string): void {
    this.problem = problem
    this.#commentEnd = NOTHING
    this.#accept(Token.INVALID, at, this.#length)
  }

  #finish(at: number): void {
    if (this.#commentEnd === NOTHING) this.#accept(Token.END, at, at)
    else this.#fail(at, 'an executable comment without an end')
  }

  #scanWord(start: number): void {
    const text = this.#text
    const length = this.#length
    let at = start + 1
    for (; at < length; at++) {
      const character = text.charCodeAt(at)
      if (character < 128 ? IN_WORD[character] === 0 : !Character.isWideLetter(character)) break
    }
    if (this.#lexical.prefixedQuotes && at - start === 1 && at < length && this.#scanPrefixed(start, at))
      return
    if (
      !this.#lexical.dollarQuotes &&
      text.charCodeAt(start) === 36 &&
      text.slice(start + 1, at).includes('$')
    ) {
      // A name for older servers, the start of a dollar-quoted string for MySQL 9.
      this.#fail(start, 'a dollar quote')
      return
    }
    this.word = this.#words.find(text, start, at)
    this.style = PLAIN
    this.#accept(Token.WORD, start, at)
  }

  /** `E'…'` and `U&"…"`; false for a word that is neither. */
  #scanPrefixed(start: number, at: number): boolean {
    const letter = this.#text.charCodeAt(start) | 32
    const next = this.#text.charCodeAt(at)
    if (letter === 101 && next === Character.QUOTE) {
      this.#scanString(start, at, true)
      this.#escapeString = true
      return true
    }
    if (letter === 117 && next === 38 && this.#at(at + 1) === 34) {
      this.#scanQuotedName(start, at + 1, IN_UNICODE_QUOTES, false)
      if (this.kind === Token.QUOTED) this.word = this.#words.get(this.name)
      return true
    }
    return false
  }

  #scanNumber(start: number): void {
    let at = this.#digits(start)
    let whole = true
    if (this.#at(at) === 46) {
      at = this.#digits(at + 1)
      whole = false
    }
    const exponent = this.#exponent(at)
    if (exponent !== at) at = exponent
    else if (whole && this.#lexical.digitsStartWords && this.#isInWord(at)) {
      this.#scanWord(start)
      return
    }
    this.#accept(Token.NUMBER, start, at)
  }

  #digits(at: number): number {
    for (;;) {
      const character = this.#at(at)
      if (character < 48 || character > 57) return at
      at++
    }
  }

  /** Where the exponent of a number that starts at `at` ends: `at` where there is none. */
  #exponent(at: number): number {
    if ((this.#at(at) | 32) !== 101) return at
    const sign = this.#at(at + 1)
    const first = sign === 43 || sign === 45 ? at + 2 : at + 1
    const end = this.#digits(first)
    return end === first ? at : end
  }

  #isInWord(at: number): boolean {
    const character = this.#at(at)
    return character < 128 ? IN_WORD[character] === 1 : Character.isWideLetter(character)
  }

  #scanPoint(at: number): void {
    const next = this.#at(at + 1)
    const startsNumber = next >= 48 && next <= 57
    if (startsNumber && !(this.#lexical.digitsStartWords && at > 0 && this.#endsName(at - 1))) {
      this.#accept(Token.NUMBER, at, this.#exponent(this.#digits(at + 1)))
    } else {
      this.#accept(Token.DOT, at, at + 1)
    }
  }

  #endsName(at: number): boolean {
    return this.#isInWord(at) || this.#at(at) === 96
  }

  /** A string whose opening quote is at `opening`; `start` is where its prefix starts. */
  #scanString(start: number, opening: number, backslash: boolean): void {
    this.literal = true
    const end = this.#endOfQuotes(opening, backslash)
    if (end === NOTHING) this.#fail(start, 'a string without an end')
    else this.#accept(Token.STRING, start, end)
  }

  #scanQuotedName(start: number, opening: number, style: NameStyle, backslash: boolean): void {
    const end = this.#endOfQuotes(opening, backslash)
    if (end === NOTHING) {
      this.#fail(start, 'a quoted name without an end')
      return
    }
    if (this.#lexical.variables && this.#text.charCodeAt(opening) === 34) this.literal = true
    this.word = this.#words.find(this.#text, opening + 1, end - 1)
    this.style = style
    this.#accept(Token.QUOTED, start, end)
  }

  /** Where the quotes that open at `opening` end, one past the closing one; `NOTHING` where they do not. */
  #endOfQuotes(opening: number, backslash: boolean): number {
    const text = this.#text
    const length = this.#length
    const quote = text.charCodeAt(opening)
    for (let at = opening + 1; at < length; at++) {
      const character = text.charCodeAt(at)
      if (character === quote) {
        if (at + 1 >= length || text.charCodeAt(at + 1) !== quote) return at + 1
        at++
      } else if (character === Character.BACKSLASH) {
        const next = this.#at(at + 1)
        if (next === quote) this.ambiguous = true
        if (backslash) {
          at++
          // `\\'`: an escaped backslash for one reading, a backslash and an escaped quote for the other.
          if (next === Character.BACKSLASH && this.#at(at + 1) === quote) this.ambiguous = true
        }
      }
    }
    return NOTHING
  }

  #startsLineComment(at: number): boolean {
    if (this.#at(at + 1) !== 45) return false
    if (!this.#lexical.dashesNeedSpace) return true
    const next = this.#at(at + 2)
    return next <= 32 || next === 127
  }

  #endOfLine(at: number): number {
    const text = this.#text
    const length = this.#length
    for (; at < length; at++) {
      const character = text.charCodeAt(at)
      if (character === 10 || (character === 13 && this.#lexical.carriageReturnEndsLine)) return at
    }
    return length
  }

  /** Goes past a comment, or into an executable one; `NOTHING` after a failure. */
  #comment(at: number): number {
    if (this.#commentEnd !== NOTHING) {
      this.#fail(at, 'a comment inside an executable comment')
      return NOTHING
    }
    if (this.#lexical.nestedComments) return this.#nestedComment(at)
    const close = this.#text.indexOf('*/', at + 2)
    if (close === -1) {
      this.#fail(at, 'a comment without an end')
      return NOTHING
    }
    if (this.#lexical.executableComments) {
      const mark = this.#at(at + 2)
      const marked = (mark | 32) === 109 && this.#at(at + 3) === 33
      if (mark === 33 || marked) {
        this.executable = true
        this.#commentEnd = close
        const inside = at + (marked ? 4 : 3)
        return Math.min(this.#digits(inside), inside + 6)
      }
      if (mark === 43 && !this.#hintEndsAt(at + 3, close)) {
        this.#fail(at, 'an optimizer hint that ends in two places')
        return NOTHING
      }
    }
    return close + 2
  }

  #nestedComment(start: number): number {
    const text = this.#text
    const last = this.#length - 1
    let depth = 1
    let at = start + 2
    while (at < last) {
      const character = text.charCodeAt(at)
      if (character === 42 && text.charCodeAt(at + 1) === 47) {
        at += 2
        if (--depth === 0) return at
      } else if (character === 47 && text.charCodeAt(at + 1) === 42) {
        at += 2
        depth++
      } else {
        at++
      }
    }
    this.#fail(start, 'a comment without an end')
    return NOTHING
  }

  /** Whether every quote that opens in an optimizer hint closes in it: else a server may look for its end elsewhere. */
  #hintEndsAt(at: number, close: number): boolean {
    let quote = NOTHING
    for (; at < close; at++) {
      const character = this.#text.charCodeAt(at)
      if (quote === character) quote = NOTHING
      else if (quote === NOTHING && (character === 34 || character === 39 || character === 96))
        quote = character
      else if (character === Character.BACKSLASH) return false
    }
    return quote === NOTHING
  }

  /** `$1`, `$$…$$` or `$tag$…$tag$`. */
  #scanDollar(start: number): void {
    const text = this.#text
    let at = this.#digits(start + 1)
    if (at > start + 1) {
      this.#accept(Token.NUMBER, start, at)
      return
    }
    while (this.#at(at) !== 36 && this.#isInWord(at)) at++
    if (this.#at(at) !== 36) {
      this.#fail(start, 'a dollar sign')
      return
    }
    this.literal = true
    const tag = text.slice(start, at + 1)
    const close = text.indexOf(tag, at + 1)
    if (close === -1) this.#fail(start, 'a dollar quote without an end')
    else this.#accept(Token.STRING, start, close + tag.length)
  }

  /** `@name`, `@'name'`, `@@name`, `@@global.name`. */
  #scanVariable(start: number): void {
    const system = this.#at(start + 1) === 64
    let at = start + (system ? 2 : 1)
    const first = this.#at(at)
    if (first === 39 || first === 34 || first === 96) {
      const backslash =
        first === 39
          ? this.#reading.backslashInSingleQuotes
          : first === 34 && this.#reading.backslashInDoubleQuotes
      this.#scanQuotedName(start, at, IN_QUOTES, backslash)
      if (this.kind === Token.QUOTED) this.kind = system ? Token.SYSTEM_VARIABLE : Token.VARIABLE
      return
    }
    let part = at
    for (; this.#isInWord(at) || this.#at(at) === 46; at++) {
      if (this.#at(at) === 46) part = at + 1
    }
    if (system) this.word = this.#words.get(this.#text.slice(part, at))
    this.#accept(system ? Token.SYSTEM_VARIABLE : Token.VARIABLE, start, at)
  }

  #scanColon(at: number): void {
    const next = this.#at(at + 1)
    if (next === 58) this.#accept(Token.CAST, at, at + 2)
    else if (next === 61) this.#accept(Token.OPERATOR, at, at + 2)
    else this.#accept(this.#isInWord(at + 1) ? Token.COLON : Token.OPERATOR, at, at + 1)
  }
}

function punctuation(character: number): number {
  if (character === 40) return Token.OPEN
  if (character === 41) return Token.CLOSE
  return character === 44 ? Token.COMMA : Token.SEMICOLON
}
