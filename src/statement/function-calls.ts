import { isAscii } from './characters'
import type { DeclaredFunctions } from './declared-functions'
import type { DottedName } from './dotted-name'
import type { GravestEffect } from './gravest-effect'
import { shortened, withoutAccents } from './names'
import {
  callEffect,
  GRAMMAR,
  PURE,
  READ,
  SYSTEM_SCHEMA,
  type Word,
  WRITE,
  type WordTable,
} from './word-table'

/** Longer names are not looked up without their accents: no server knows such a function. */
const LONGEST = 64

/** Judges the functions that a text calls, and collects those that nobody knows. */
export class FunctionCalls {
  #unknown: Set<string> | undefined
  readonly #words: WordTable
  readonly #postgres: boolean
  readonly #declared: DeclaredFunctions | undefined
  readonly #gravest: GravestEffect

  constructor(
    words: WordTable,
    postgres: boolean,
    declared: DeclaredFunctions | undefined,
    gravest: GravestEffect,
  ) {
    this.#words = words
    this.#postgres = postgres
    this.#declared = declared
    this.#gravest = gravest
  }

  /** The names of functions that are neither built in nor declared, in order of appearance. */
  get unknown(): Iterable<string> | undefined {
    return this.#unknown
  }

  /** A name stands before a parenthesis, and so may call a built-in function that is not a read. */
  checkBuiltIn(name: DottedName): void {
    const effect = callEffect(this.#meaningOf(name))
    if (effect !== READ) this.#gravest.raise(effect, `calls ${shortened(name.last.toLowerCase())}()`)
  }

  /** A name stands before a parenthesis where a function can, and so calls what the application may have declared. */
  checkOther(name: DottedName): void {
    if (this.#declared !== undefined && this.#declared.writes(name.path)) {
      this.#gravest.raise(WRITE, `calls ${titleOf(name)}(), which is declared to write`)
    } else if (!this.#isBuiltIn(name) && this.#declared?.reads(name.path) !== true) {
      this.#unknown ??= new Set()
      this.#unknown.add(name.path.join('.'))
      if (this.#declared?.strict !== true) return
      this.#gravest.raise(WRITE, `calls ${titleOf(name)}(), which is not known to be pure`)
    }
  }

  /** MySQL and MariaDB may take `GÉT_LOCK` for `GET_LOCK`. */
  #meaningOf(name: DottedName): Word {
    if (name.word !== 0 || this.#postgres) return name.word
    const { last } = name
    return last.length > LONGEST || isAscii(last) ? 0 : this.#words.get(withoutAccents(last))
  }

  #isBuiltIn(name: DottedName): boolean {
    const { word, schemaWord } = name
    if ((word & PURE) === 0 && callEffect(word) === READ) return false
    if (name.parts > 1 && !(this.#postgres && (schemaWord & SYSTEM_SCHEMA) !== 0)) return false
    // In quotes, PostgreSQL tells "Now" from now.
    return !name.quoted || (this.#postgres ? /^[a-z0-9_]+$/ : /^\w+$/).test(name.last)
  }
}

/** Whether a word before a parenthesis is a piece of grammar: `IN (…)`, `VALUES (…)`. */
export function isGrammar(name: DottedName): boolean {
  return name.parts === 1 && !name.quoted && (name.word & GRAMMAR) !== 0
}

const titleOf = (name: DottedName): string => shortened(name.path.join('.'))
