import { nameAt, type NameStyle, PLAIN } from './names'
import type { Scanner } from './scanner'
import * as Token from './token'
import type { Word } from './word-table'

/** A name of one or more parts, `schema.name`, that is under way in a text or was the last one read. */
export class DottedName {
  /** How many parts it has; 0 where there is none. */
  parts = 0
  /** The meaning of its last part, and of the one before. */
  word: Word = 0
  schemaWord: Word = 0
  /** The token before it. */
  beforeKind: number = Token.END
  beforeKeyword = 0
  beforeWord: Word = 0

  readonly #text: string
  /** Names without quotes are folded to lower case. */
  readonly #folds: boolean
  #start = 0
  #end = 0
  #style: NameStyle = PLAIN
  #schemaStart = 0
  #schemaEnd = 0
  #schemaStyle: NameStyle = PLAIN

  constructor(text: string, folds: boolean) {
    this.#text = text
    this.#folds = folds
  }

  /** The scanner's token is the first part, after a token that is given. */
  begin(scanner: Scanner, beforeKind: number, beforeKeyword: number, beforeWord: Word): void {
    this.parts = 1
    this.beforeKind = beforeKind
    this.beforeKeyword = beforeKeyword
    this.beforeWord = beforeWord
    this.schemaWord = 0
    this.#setLast(scanner)
  }

  /** The scanner's token is one more part. */
  extend(scanner: Scanner): void {
    this.parts++
    this.schemaWord = this.word
    this.#schemaStart = this.#start
    this.#schemaEnd = this.#end
    this.#schemaStyle = this.#style
    this.#setLast(scanner)
  }

  #setLast(scanner: Scanner): void {
    this.word = scanner.word
    this.#start = scanner.start
    this.#end = scanner.end
    this.#style = scanner.style
  }

  /** Its last part, folded as the dialect folds it. */
  get last(): string {
    return this.#fold(this.#start, this.#end, this.#style)
  }

  /** The part before the last one. */
  get schema(): string | null {
    return this.parts > 1 ? this.#fold(this.#schemaStart, this.#schemaEnd, this.#schemaStyle) : null
  }

  /** Schema and name in lower case. A database in front of them is left out. */
  get path(): readonly string[] {
    const { schema } = this
    const last = this.last.toLowerCase()
    return schema === null ? [last] : [schema.toLowerCase(), last]
  }

  /** Whether the last part stands in quotes. */
  get quoted(): boolean {
    return this.#style !== PLAIN
  }

  #fold(start: number, end: number, style: NameStyle): string {
    const name = nameAt(this.#text, start, end, style)
    return style === PLAIN && this.#folds ? name.toLowerCase() : name
  }
}
