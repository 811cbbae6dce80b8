import { KEYWORD, type Keyword, type Vocabulary } from '../dialects/vocabulary'

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
/** A word that could make something else of a read if other words round it were to vanish. */
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

/**
 * A hash table from words to their meaning whose keys are looked up as slices of a text, in any case, without
 * allocating.
 *
 * The key of a word is made of its length and three of its letters, so that it costs the same for every word; of the
 * 2400 words of PostgreSQL, 2000 have a key of their own. Words are ASCII, and letters are folded by setting bit 5,
 * which tells apart all characters that a name without quotes can hold.
 */
export class WordTable {
  /** By key, the number of a word; 0 is a free place. Small, since most look-ups end here without finding one. */
  readonly #places: Uint16Array
  readonly #mask: number
  /** By the number of a word. Letters are those of all words in a row, and a word ends where the next one starts. */
  readonly #keys: Int32Array
  readonly #starts: Int32Array
  readonly #words: Int32Array
  readonly #letters: Uint8Array
  readonly #longest: number

  constructor(vocabulary: Vocabulary) {
    const meanings = meaningsOf(vocabulary)
    const names = [...meanings.keys()]
    let size = 64
    while (size < meanings.size * 3) size *= 2
    this.#mask = size - 1
    this.#places = new Uint16Array(size)
    this.#keys = new Int32Array(meanings.size + 1)
    this.#starts = new Int32Array(meanings.size + 1)
    this.#words = Int32Array.of(0, ...meanings.values())
    this.#letters = new TextEncoder().encode(names.join('')).map((letter) => letter | 32)
    this.#longest = Math.max(...names.map((name) => name.length))
    let start = 0
    for (const [index, name] of names.entries()) {
      const number = index + 1
      const key = keyOf(this.#letters, start, name.length)
      this.#keys[number] = key
      this.#starts[number] = start
      start += name.length
      let place = this.#placeOf(key)
      while (this.#places[place] !== 0) place = (place + 1) & this.#mask
      this.#places[place] = number
    }
  }

  /** The meaning of the word whose letters are `codes` from `start` to `end`; 0 for a word without any. */
  find(codes: Uint8Array, start: number, end: number): Word {
    const length = end - start
    if (length > this.#longest || length === 0) return 0
    const key = keyOf(codes, start, length)
    for (let place = this.#placeOf(key); ; place = (place + 1) & this.#mask) {
      const number = this.#places[place] ?? 0
      if (number === 0) return 0
      if (this.#keys[number] === key && this.#same(codes, start, end, number)) return this.#words[number] ?? 0
    }
  }

  /** The meaning of a whole string. */
  get(name: string): Word {
    const codes = new TextEncoder().encode(name)
    return this.find(codes, 0, codes.length)
  }

  #placeOf(key: number): number {
    return (Math.imul(key, GOLDEN_RATIO) >>> 16) & this.#mask
  }

  #same(codes: Uint8Array, start: number, end: number, number: number): boolean {
    let letter = this.#starts[number] ?? 0
    for (let at = start; at < end; at++, letter++) {
      if (((codes[at] ?? 0) | 32) !== this.#letters[letter]) return false
    }
    return true
  }
}

/** 2³² divided by the golden ratio: spreads keys that differ in few bits. */
const GOLDEN_RATIO = 0x9e3779b1

/** Equal for equal words, whatever their case, and different for words of different length. */
function keyOf(codes: Uint8Array, start: number, length: number): number {
  const first = (codes[start] ?? 0) | 32
  const middle = (codes[start + (length >> 1)] ?? 0) | 32
  const last = (codes[start + length - 1] ?? 0) | 32
  return (first << 21) ^ (middle << 14) ^ (last << 7) ^ length
}

/** See `GRAVE`: what makes a lock, a variable, a file or a sequence of a SELECT, or stands before other kinds of it. */
const GRAVE_WORDS = 'for into lock update delete insert next previous show sql_calc_found_rows'

function meaningsOf(vocabulary: Vocabulary): Map<string, Word> {
  const meanings = new Map<string, Word>()
  const names = (list: string): string[] => list.split(/\s+/).filter((name) => name !== '')
  const add = (list: string, meaning: Word): void => {
    for (const name of names(list)) meanings.set(name, (meanings.get(name) ?? 0) | meaning)
  }

  const { statements, calls, tables, schemas, variables } = vocabulary
  for (const name of names(vocabulary.keywords)) {
    if (!(name in KEYWORD)) throw new TypeError(`No keyword: ${name}`)
    add(name, KEYWORD[name as Keyword])
  }
  add(statements.write, (WRITE << STATEMENT_SHIFT) | GRAVE)
  add(statements.session, (SESSION << STATEMENT_SHIFT) | GRAVE)
  add(calls.write, (WRITE << CALL_SHIFT) | GRAVE)
  add(calls.session, (SESSION << CALL_SHIFT) | GRAVE)
  add(calls.pure, PURE)
  add(vocabulary.grammar, GRAMMAR)
  add(tables.write, WRITE << TABLE_SHIFT)
  add(tables.session, SESSION << TABLE_SHIFT)
  add(schemas.write, WRITE << SCHEMA_SHIFT)
  add(schemas.session, SESSION << SCHEMA_SHIFT)
  add(schemas.system, SYSTEM_SCHEMA)
  add(variables.write, WRITE << VARIABLE_SHIFT)
  add(variables.session, SESSION << VARIABLE_SHIFT)
  add(vocabulary.secrets, SECRET)
  add(GRAVE_WORDS, GRAVE)
  return meanings
}
