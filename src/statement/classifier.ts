import { LRUCache } from 'lru-cache'
import type { Dialect } from '../dialects/dialect'
import type { Classification, FunctionOptions } from './classification'
import { classifyWith } from './classify'
import { type DeclaredFunctions, declaredFunctions } from './declared-functions'

export interface ClassifierOptions {
  /** How many verdicts are kept. Default 2000. */
  readonly maxTexts?: number
  /** Longer texts, in characters, are read anew each time: they are seldom sent twice. Default 16384. */
  readonly maxTextLength?: number
}

/** `classify` for one dialect and one set of declarations, with a bounded memory. */
export class Classifier {
  readonly dialect: Dialect
  readonly #declared: DeclaredFunctions | undefined
  readonly #maxTextLength: number
  readonly #verdicts: LRUCache<string, Classification>
  readonly #refused: LRUCache<string, true>

  constructor(
    dialect: Dialect,
    functions: FunctionOptions = {},
    { maxTexts = 2000, maxTextLength = 16_384 }: ClassifierOptions = {},
  ) {
    this.dialect = dialect
    this.#declared = declaredFunctions(functions)
    this.#maxTextLength = maxTextLength
    this.#verdicts = new LRUCache({ max: maxTexts })
    this.#refused = new LRUCache({ max: maxTexts })
  }

  classify(sql: unknown): Classification {
    if (typeof sql !== 'string') return classifyWith(sql, this.dialect, this.#declared)
    const known = this.#verdicts.get(sql)
    if (known !== undefined) return known
    const verdict = this.#read(sql)
    if (sql.length <= this.#maxTextLength) this.#verdicts.set(sql, verdict)
    return verdict
  }

  /** A read-only replica refused this text: from now on it is a write, whatever it looks like. */
  remember(sql: string): void {
    // A text that is too long to keep is asked of a replica again each time.
    if (sql.length > this.#maxTextLength) return
    this.#refused.set(sql, true)
    this.#verdicts.delete(sql)
  }

  #read(sql: string): Classification {
    const verdict = classifyWith(sql, this.dialect, this.#declared)
    if (verdict.intent !== 'read' || !this.#refused.has(sql)) return verdict
    return Object.freeze({ ...verdict, intent: 'write', reason: 'refused by a replica before' })
  }
}
