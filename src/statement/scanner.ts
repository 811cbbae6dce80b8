import type { LexicalRules, Reading } from '../dialects/vocabulary'
import * as Character from './characters'
import { codesOf } from './characters'
import { IN_QUOTES, IN_UNICODE_QUOTES, nameAt, type NameStyle, PLAIN } from './names'
import * as Token from './token'
import type { Word, WordTable } from './word-table'

/** What the scanner needs to know of a dialect, prepared once. */
export interface ScannerRules {
  readonly lexical: LexicalRules
  readonly words: WordTable
  readonly classes: Uint8Array
}

const { IN_WORD } = Character
/** Stands for a character beyond the end of the text, equal to none, and for a position that there is not. */
const NOTHING = -1

/**
 * Cuts a text into tokens, one at a time, left to right, looking at each character a bounded number of times. After
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
  readonly #codes: Uint8Array
  readonly #length: number
  readonly #words: WordTable
  readonly #classes: Uint8Array
  readonly #lexical: LexicalRules
  readonly #reading: Reading
  #position = 0
  /** Where the executable comment that is open now ends for a server that skips it. */
  #commentEnd = NOTHING
  /** The last token was `E'…'`, which goes on in `'…'` after a new line. */
  #escapeString = false

  constructor(text: string, rules: ScannerRules, reading: Reading) {
    this.#text = text
    this.#codes = codesOf(text)
    this.#length = text.length
    this.#words = rules.words
    this.#classes = rules.classes
    this.#lexical = rules.lexical
    this.#reading = reading
  }

  next(): void {
    const codes = this.#codes
    const length = this.#length
    this.word = 0
    for (;;) {
      let at = this.#position
      let kind = Character.SPACE
      for (; at < length; at++) {
        kind = this.#classes[codes[at] ?? 0] ?? Token.INVALID
        if (kind !== Character.SPACE) break
      }
      if (at >= length) {
        this.#finish()
        return
      }
      if (kind === Character.LETTER) {
        this.#scanWord(at)
        return
      }
      if (kind < Token.INVALID) {
        this.#accept(kind, at, at + 1)
        return
      }
      if (this.#scanSpecial(kind, at)) return
    }
  }

  /** The name that the current token stands for. */
  get name(): string {
    return nameAt(this.#text, this.start, this.end, this.style)
  }

  #accept(kind: number, start: number, end: number): void {
    this.kind = kind
    this.start = start
    this.end = end
    this.#position = end
    this.#escapeString = false
  }

  /** Gives up: the rest of the text is one token. Always true, as it is one. */
  #fail(at: number, problem: string): true {
    this.problem = problem
    this.#commentEnd = NOTHING
    this.#accept(Token.INVALID, at, this.#length)
    return true
  }

  #finish(): void {
    if (this.#commentEnd === NOTHING) this.#accept(Token.END, this.#length, this.#length)
    else this.#fail(this.#length, 'an executable comment without an end')
  }

  #at(position: number): number {
    return position < this.#length ? (this.#codes[position] ?? NOTHING) : NOTHING
  }

  /** A token whose kind its first character does not tell; false for a comment, which is none. */
  #scanSpecial(kind: number, at: number): boolean {
    switch (kind) {
      case Character.NAME_QUOTE:
        return this.#scanQuotedName(at)
      case Character.POINT:
        return this.#scanPoint(at)
      case Character.DIGIT:
        return this.#scanNumber(at)
      case Character.SINGLE_QUOTE:
        return this.#scanPlainString(at)
      case Character.DOLLAR:
        return this.#scanDollar(at)
      case Character.DASH:
        return this.#startsLineComment(at) ? this.#skipLine(at) : this.#scanOperator(at)
      case Character.HASH:
        return this.#skipLine(at)
      case Character.SLASH:
        return this.#at(at + 1) === 42 ? this.#scanComment(at) : this.#scanOperator(at)
      case Character.STAR:
        return this.#commentEnd !== NOTHING && this.#at(at + 1) === 47
          ? this.#leaveComment(at)
          : this.#scanOperator(at)
      case Character.AT_SIGN:
        return this.#scanVariable(at)
      case Character.COLON_SIGN:
        return this.#scanColon(at)
      case Character.BACKSLASH_SIGN:
        return this.#scanBackslash(at)
      default:
        return this.#fail(at, this.#at(at) < 128 ? 'a control character' : 'unusual white space')
    }
  }

  #scanOperator(at: number): true {
    this.#accept(Token.OPERATOR, at, at + 1)
    return true
  }

  #scanWord(start: number): void {
    const codes = this.#codes
    const length = this.#length
    let at = start
    for (; at < length; at++) {
      if (IN_WORD[codes[at] ?? 0] !== 1) break
    }
    if (at - start === 1 && this.#scanShortWord(start, at)) return
    if (!this.#lexical.dollarQuotes && codes[start] === 36 && codes.subarray(start + 1, at).includes(36)) {
      // A name for older servers, the start of a dollar-quoted string for MySQL 9.
      this.#fail(start, 'a dollar quote')
      return
    }
    this.word = this.#words.find(codes, start, at)
    this.style = PLAIN
    this.#accept(Token.WORD, start, at)
  }

  /** `E'…'` and `U&"…"`; false for an ordinary word. */
  #scanShortWord(start: number, at: number): boolean {
    if (!this.#lexical.prefixedQuotes) return false
    const letter = this.#at(start) | 32
    const next = this.#at(at)
    if (letter === 101 && next === Character.QUOTE) {
      this.#scanString(start, at, true)
      this.#escapeString = true
      return true
    }
    if (letter === 117 && next === 38 && this.#at(at + 1) === Character.DOUBLE_QUOTE) {
      this.#scanName(Token.QUOTED, start, at + 1, IN_UNICODE_QUOTES, false)
      if (this.kind === Token.QUOTED) this.word = this.#words.get(this.name)
      return true
    }
    return false
  }

  #scanNumber(start: number): true {
    let at = this.#digits(start)
    let whole = true
    if (this.#at(at) === 46) {
      at = this.#digits(at + 1)
      whole = false
    }
    const end = this.#exponent(at)
    if (end === at && whole && this.#lexical.digitsStartWords && this.#isInWord(at)) this.#scanWord(start)
    else this.#accept(Token.NUMBER, start, end)
    return true
  }

  #digits(at: number): number {
    for (;;) {
      const character = this.#at(at)
      if (character < 48 || character > 57) return at
      at++
    }
  }

  /** Where the exponent of a number ends that starts at `at`: there where there is none. */
  #exponent(at: number): number {
    if ((this.#at(at) | 32) !== 101) return at
    const sign = this.#at(at + 1)
    const first = sign === 43 || sign === 45 ? at + 2 : at + 1
    const end = this.#digits(first)
    return end === first ? at : end
  }

  #isInWord(at: number): boolean {
    return IN_WORD[this.#at(at)] === 1
  }

  /** A dot, or a number that starts with one: `t.2024` is a name for MySQL. */
  #scanPoint(at: number): true {
    const end = this.#digits(at + 1)
    if (end > at + 1 && !(this.#lexical.digitsStartWords && at > 0 && this.#endsName(at - 1))) {
      this.#accept(Token.NUMBER, at, this.#exponent(end))
    } else {
      this.#accept(Token.DOT, at, at + 1)
    }
    return true
  }

  #endsName(at: number): boolean {
    return this.#isInWord(at) || this.#at(at) === Character.BACKTICK
  }

  #scanPlainString(at: number): true {
    const continues = this.#escapeString
    this.#scanString(at, at, continues || this.#reading.backslashInSingleQuotes)
    this.#escapeString = continues
    return true
  }

  /** A string whose quote opens at `opening`; `start` is where what stands before it starts. */
  #scanString(start: number, opening: number, backslash: boolean): void {
    this.literal = true
    const end = this.#endOfQuotes(opening, backslash)
    if (end === NOTHING) this.#fail(start, 'a string without an end')
    else this.#accept(Token.STRING, start, end)
  }

  /** `"…"` or `` `…` ``; only in the former can a backslash mean something. */
  #scanQuotedName(at: number): true {
    const backtick = this.#codes[at] === Character.BACKTICK
    if (!backtick && this.#lexical.backticks) this.literal = true
    return this.#scanName(Token.QUOTED, at, at, IN_QUOTES, !backtick && this.#reading.backslashInDoubleQuotes)
  }

  #scanName(kind: number, start: number, opening: number, style: NameStyle, backslash: boolean): true {
    const end = this.#endOfQuotes(opening, backslash)
    if (end === NOTHING) return this.#fail(start, 'a quoted name without an end')
    this.word = this.#words.find(this.#codes, opening + 1, end - 1)
    this.style = style
    this.#accept(kind, start, end)
    return true
  }

  /** Where the quotes that open at `opening` end, one past the closing one; `NOTHING` where they do not. */
  #endOfQuotes(opening: number, backslash: boolean): number {
    const codes = this.#codes
    const length = this.#length
    const quote = codes[opening]
    for (let at = opening + 1; at < length; at++) {
      const character = codes[at]
      if (character === quote) {
        if (at + 1 >= length || codes[at + 1] !== quote) return at + 1
        at++
      } else if (character === Character.BACKSLASH) {
        const next = this.#at(at + 1)
        if (next === quote) this.ambiguous = true
        if (!backslash) continue
        at++
        // `\\'`: an escaped backslash for one reading, a backslash and an escaped quote for another.
        if (next === Character.BACKSLASH && this.#at(at + 1) === quote) this.ambiguous = true
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

  #skipLine(at: number): false {
    const codes = this.#codes
    const length = this.#length
    for (; at < length; at++) {
      const character = codes[at]
      if (character === 10 || (character === 13 && this.#lexical.carriageReturnEndsLine)) break
    }
    this.#position = at
    return false
  }

  /** Goes past a comment, or into an executable one. */
  #scanComment(at: number): boolean {
    if (this.#commentEnd !== NOTHING) return this.#fail(at, 'a comment inside an executable comment')
    const end = this.#lexical.nestedComments ? this.#endOfNestedComment(at) : this.#endOfComment(at)
    if (end === NOTHING) return this.#fail(at, 'a comment without an end')
    this.#position = end
    if (!this.#lexical.executableComments) return false
    const mark = this.#at(at + 2)
    const forMariadb = (mark | 32) === 109 && this.#at(at + 3) === 33
    if (mark === 33 || forMariadb) {
      this.executable = true
      this.#commentEnd = end - 2
      const inside = at + (forMariadb ? 4 : 3)
      // Five or six digits are the version of the server that it is for.
      const version = Math.min(this.#digits(inside), inside + 6)
      this.#position = version - inside < 5 ? inside : version
    } else if (mark === 43 && !this.#closesQuotes(at + 3, end - 2)) {
      return this.#fail(at, 'an optimizer hint that ends in two places')
    }
    return false
  }

  /** The end of an executable comment, which must be where it ends for a server that skips it. */
  #leaveComment(at: number): boolean {
    if (at !== this.#commentEnd) return this.#fail(at, 'an executable comment that ends in two places')
    this.#commentEnd = NOTHING
    this.#position = at + 2
    return false
  }

  #endOfComment(at: number): number {
    const close = this.#text.indexOf('*/', at + 2)
    return close === -1 ? NOTHING : close + 2
  }

  #endOfNestedComment(start: number): number {
    const codes = this.#codes
    const last = this.#length - 1
    let depth = 1
    let at = start + 2
    while (at < last) {
      const character = codes[at]
      if (character === 42 && codes[at + 1] === 47) {
        at += 2
        if (--depth === 0) return at
      } else if (character === 47 && codes[at + 1] === 42) {
        at += 2
        depth++
      } else {
        at++
      }
    }
    return NOTHING
  }

  /** Whether every quote that opens in an optimizer hint closes in it: else a server may see its end elsewhere. */
  #closesQuotes(at: number, end: number): boolean {
    let quote = NOTHING
    for (; at < end; at++) {
      const character = this.#at(at)
      if (character === Character.BACKSLASH) return false
      if (quote === character) quote = NOTHING
      else if (quote === NOTHING && isQuote(character)) quote = character
    }
    return quote === NOTHING
  }

  /** `$1`, `$$…$$` or `$tag$…$tag$`. */
  #scanDollar(start: number): true {
    let at = this.#digits(start + 1)
    if (at > start + 1) {
      this.#accept(Token.NUMBER, start, at)
      return true
    }
    while (this.#at(at) !== 36 && this.#isInWord(at)) at++
    if (this.#at(at) !== 36) return this.#fail(start, 'a dollar sign')
    this.literal = true
    const tag = this.#text.slice(start, at + 1)
    const close = this.#text.indexOf(tag, at + 1)
    if (close === -1) return this.#fail(start, 'a dollar quote without an end')
    this.#accept(Token.STRING, start, close + tag.length)
    return true
  }

  /** `@name`, `@'name'`, `@@name`, `@@global.name`. */
  #scanVariable(start: number): true {
    const system = this.#at(start + 1) === 64
    const kind = system ? Token.SYSTEM_VARIABLE : Token.VARIABLE
    let at = start + (system ? 2 : 1)
    const first = this.#at(at)
    if (isQuote(first)) {
      const backslash =
        first === Character.QUOTE
          ? this.#reading.backslashInSingleQuotes
          : first === Character.DOUBLE_QUOTE && this.#reading.backslashInDoubleQuotes
      return this.#scanName(kind, start, at, IN_QUOTES, backslash)
    }
    let part = at
    for (; this.#isInWord(at) || this.#at(at) === 46; at++) {
      if (this.#at(at) === 46) part = at + 1
    }
    if (system) this.word = this.#words.find(this.#codes, part, at)
    this.#accept(kind, start, at)
    return true
  }

  #scanColon(at: number): true {
    const next = this.#at(at + 1)
    if (next === 58) this.#accept(Token.CAST, at, at + 2)
    else if (next === 61) this.#accept(Token.OPERATOR, at, at + 2)
    else this.#accept(this.#isInWord(at + 1) ? Token.COLON : Token.OPERATOR, at, at + 1)
    return true
  }

  /** `\N` is how MySQL once wrote NULL. */
  #scanBackslash(at: number): true {
    if (!this.#lexical.variables || this.#at(at + 1) !== 78)
      return this.#fail(at, 'a backslash outside quotes')
    this.#accept(Token.NUMBER, at, at + 2)
    return true
  }
}

function isQuote(character: number): boolean {
  return (
    character === Character.QUOTE || character === Character.DOUBLE_QUOTE || character === Character.BACKTICK
  )
}
