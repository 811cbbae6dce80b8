import { KEYWORDS, type Keyword, type Vocabulary } from '../dialects/vocabulary'

/**
 * What one word means in one dialect, packed into one integer, so that the scanner can answer for every word it
 * meets without building a string.
 *
 * bits 0–7   the keyword, from `KEYWORD`; 0 for a word that is none
 * bits 8–9   what a statement is that starts with the word: `WRITE` or `SESSION`
 * bits 10–11 what a call of a function of that name is
 * bits 12–13 what reading a table of that name is
 * bits 14–15 what reading any table in a schema of that name is
 * bits 16–17 what reading a system variable of that name is
 * bits 18–   the flags below
 */
export type Word = number

/** How far from a read something is. The order is the order of gravity. */
export const READ = 0
export const WRITE = 1
export const SESSION = 2
export type Effect = typeof READ | typeof WRITE | typeof SESSION

/** The function is built in and changes nothing. */
export const PURE = 1 << 18
/** Before a parenthesis this word is a piece of grammar or a type, never the name of a function. */
export const GRAMMAR = 1 << 19
/** A schema that the server itself owns. */
export const SYSTEM_SCHEMA = 1 << 20
/** A word next to which passwords stand. */
export const SECRET = 1 << 21
/** A word that could turn a read into something else if other words round it were to vanish. */
export const GRAVE = 1 << 22

const STATEMENT_SHIFT = 8
const CALL_SHIFT = 10
const TABLE_SHIFT = 12
const SCHEMA_SHIFT = 14
const VARIABLE_SHIFT = 16

export const keywordOf = (word: Word): number => word & 0xff
export const statementEffect = (word: Word): Effect => ((word >> STATEMENT_SHIFT) & 3) as Effect
export const callEffect = (word: Word): Effect => ((word >> CALL_SHIFT) & 3) as Effect
export const tableEffect = (word: Word): Effect => ((word >> TABLE_SHIFT) & 3) as Effect
export const schemaEffect = (word: Word): Effect => ((word >> SCHEMA_SHIFT) & 3) as Effect
export const variableEffect = (word: Word): Effect => ((word >> VARIABLE_SHIFT) & 3) as Effect

/** The number of each keyword, as it stands in the low bits of a `Word`. */
export const KEYWORD = Object.freeze(
  Object.fromEntries(KEYWORDS.map((word, index) => [word, index + 1])),
) as Readonly<Record<Keyword, number>>

/**
 * A hash table from words to their meaning whose keys are looked up as slices of a text, in any case, without
 * allocating. Keys are ASCII; letters are folded by setting bit 5, which no other two characters of a name share.
 */
export class WordTable {
  readonly #slots: Int32Array
  readonly #mask: number
  /** Where the letters of each word start, and how many it has. */
  readonly #offsets: number[] = []
  readonly #lengths: number[] = []
  readonly #words: Word[] = []
  readonly #letters: Uint8Array

  constructor(vocabulary: Vocabulary) {
    const meanings = meaningsOf(vocabulary)
    let letters = 0
    for (const name of meanings.keys()) letters += name.length
    let size = 64
    while (size < meanings.size * 4) size *= 2
    this.#mask = size - 1
    this.#slots = new Int32Array(size).fill(-1)
    this.#letters = new Uint8Array(letters)
    let offset = 0
    for (const [name, word] of meanings) {
      const hash = hashOf(name)
      let slot = (hash ^ (hash >>> 15)) & this.#mask
      while (this.#slots[slot] !== -1) slot = (slot + 1) & this.#mask
      this.#slots[slot] = this.#words.length
      this.#words.push(word)
      this.#offsets.push(offset)
      this.#lengths.push(name.length)
      for (let at = 0; at < name.length; at++) this.#letters[offset++] = foldCharacter(name.charCodeAt(at))
    }
  }

  /** The meaning of `text` from `start` to `end`, whose hash is given; 0 for a word without any. */
  find(text: string, start: number, end: number, hash: number): Word {
    const slots = this.#slots
    const mask = this.#mask
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot] ?? -1
      if (entry === -1) return 0
      if (this.#lengths[entry] === end - start && this.#same(text, start, end, this.#offsets[entry] ?? 0)) {
        return this.#words[entry] ?? 0
      }
    }
  }

  /** The meaning of a whole string. */
  get(name: string): Word {
    return this.find(name, 0, name.length, hashOf(name))
  }

  #same(text: string, start: number, end: number, offset: number): boolean {
    for (let at = start; at < end; at++, offset++) {
      if ((text.charCodeAt(at) | 32) !== this.#letters[offset]) return false
    }
    return true
  }
}

export const foldCharacter = (character: number): number => character | 32

/** One step of the hash of a word; starts at 0. */
export const hashStep = (hash: number, character: number): number =>
  (Math.imul(hash, 31) + (character | 32)) | 0

function hashOf(name: string): number {
  let hash = 0
  for (let at = 0; at < name.length; at++) hash = hashStep(hash, name.charCodeAt(at))
  return hash
}

/** See `GRAVE`: what makes a lock, a variable, a file or a sequence out of a SELECT. */
const GRAVE_WORDS = [
  'for',
  'into',
  'lock',
  'update',
  'delete',
  'insert',
  'next',
  'previous',
  'show',
  'sql_calc_found_rows',
]

function meaningsOf(vocabulary: Vocabulary): Map<string, Word> {
  const meanings = new Map<string, Word>()
  const add = (names: readonly string[], meaning: Word): void => {
    for (const name of names) meanings.set(name, (meanings.get(name) ?? 0) | meaning)
  }
  const names = (list: string): string[] => list.split(/\s+/).filter((name) => name !== '')

  const { statements, calls, tables, schemas, variables } = vocabulary
  for (const name of names(vocabulary.keywords)) {
    if (!(name in KEYWORD)) throw new TypeError(`No keyword: ${name}`)
    add([name], KEYWORD[name as Keyword])
  }
  add(names(statements.write), (WRITE << STATEMENT_SHIFT) | GRAVE)
  add(names(statements.session), (SESSION << STATEMENT_SHIFT) | GRAVE)
  add(names(calls.write), (WRITE << CALL_SHIFT) | GRAVE)
  add(names(calls.session), (SESSION << CALL_SHIFT) | GRAVE)
  add(names(calls.pure), PURE)
  add(names(vocabulary.grammar), GRAMMAR)
  add(names(tables.write), WRITE << TABLE_SHIFT)
  add(names(tables.session), SESSION << TABLE_SHIFT)
  add(names(schemas.write), WRITE << SCHEMA_SHIFT)
  add(names(schemas.session), SESSION << SCHEMA_SHIFT)
  add(names(schemas.system), SYSTEM_SCHEMA)
  add(names(variables.write), WRITE << VARIABLE_SHIFT)
  add(names(variables.session), SESSION << VARIABLE_SHIFT)
  add(names(vocabulary.secrets), SECRET)
  add(GRAVE_WORDS, GRAVE)
  return meanings
}
