import { LRUCache } from 'lru-cache'
import type { Dialect } from '../dialects/dialect'
import type { Classification, FunctionOptions } from './classification'
import { classifyWith } from './classify'
import { type DeclaredFunctions, declaredFunctions } from './declared-functions'

/** How many verdicts are kept: applications send the same texts for ever, and seldom more than some hundred. */
const MAX_TEXTS = 2000
/** Longer texts, in characters, are read anew each time: they hold values, and are seldom sent twice. */
const MAX_TEXT_LENGTH = 16_384
/** How many refusals are remembered, and how many characters they may have together. */
const MAX_REFUSED = 1000
const MAX_REFUSED_LENGTH = 4_000_000

/** `classify` for one dialect and one set of declarations, with a bounded memory. */
export class Classifier {
  readonly dialect: Dialect
  readonly #declared: DeclaredFunctions | undefined
  readonly #verdicts = new LRUCache<string, Classification>({ max: MAX_TEXTS })
  /** Apart from the verdicts, so that many new texts do not push out what a replica had to teach us. */
  readonly #refused = new LRUCache<string, true>({
    max: MAX_REFUSED,
    maxSize: MAX_REFUSED_LENGTH,
    sizeCalculation: (_, sql) => Math.max(sql.length, 1),
  })

  constructor(dialect: Dialect, functions: FunctionOptions = {}) {
    this.dialect = dialect
    this.#declared = declaredFunctions(functions)
  }

  classify(sql: unknown): Classification {
    if (typeof sql !== 'string') return this.#read(sql)
    const known = this.#verdicts.get(sql)
    if (known !== undefined) return known
    const verdict = this.#corrected(sql, this.#read(sql))
    if (sql.length <= MAX_TEXT_LENGTH) this.#verdicts.set(sql, verdict)
    return verdict
  }

  /** A read-only replica refused this text: from now on it is a write, whatever it looks like. */
  remember(sql: string): void {
    this.#refused.set(sql, true)
    this.#verdicts.delete(sql)
  }

  #read(sql: unknown): Classification {
    return classifyWith(sql, this.dialect, this.#declared)
  }

  #corrected(sql: string, verdict: Classification): Classification {
    if (verdict.intent !== 'read' || !this.#refused.has(sql)) return verdict
    return Object.freeze({ ...verdict, intent: 'write', reason: 'refused by a replica before' })
  }
}
