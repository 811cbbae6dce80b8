import { LRUCache } from 'lru-cache'
import type { Decision } from '../routing/decision'
import type { Classification } from '../statement/classification'

/** A statement that would have gone to a replica, were the mode not `shadow`. */
export interface ShadowedStatement {
  readonly alias: string
  /** The model it is about; `null` where none is known. */
  readonly model: string | null
  readonly sql: string
  readonly count: number
  /** Why, the last time: the node and the rule it would have gone by. */
  readonly reason: string
}

/** What the shadow mode has held back, each list beginning with what came most often. */
export interface ShadowReport {
  /** Decisions, since the router was made. */
  readonly count: number
  /** By database and model; `null` for statements whose model is not known. */
  readonly models: readonly {
    readonly alias: string
    readonly model: string | null
    readonly count: number
  }[]
  /** By text: the thousand that were seen last. A text that may hold a password is counted above, and never kept. */
  readonly statements: readonly ShadowedStatement[]
}

/** What is noted of a statement. */
export interface Noted {
  readonly sql: unknown
  readonly classification: Classification
  readonly model: { readonly name: string | null } | null
}

type Counter<T extends { readonly count: number }> = { -readonly [Key in keyof T]: T[Key] }

/** How many texts are kept, and how many characters they may have together. */
const MAX_TEXTS = 1000
const MAX_LENGTH = 4_000_000

export class ShadowLog {
  #count = 0
  readonly #models = new Map<string, Counter<ShadowReport['models'][number]>>()
  readonly #statements = new LRUCache<string, Counter<ShadowedStatement>>({
    max: MAX_TEXTS,
    maxSize: MAX_LENGTH,
    sizeCalculation: ({ sql }) => Math.max(sql.length, 1),
  })

  note({ sql, classification, model: about }: Noted, { alias, reason }: Decision): void {
    const model = about?.name ?? null
    const of = JSON.stringify([alias, model])
    this.#count++
    const byModel = this.#models.get(of)
    if (byModel === undefined) this.#models.set(of, { alias, model, count: 1 })
    else byModel.count++
    if (typeof sql !== 'string' || classification.sensitive) return
    const byText = this.#statements.get(of + sql)
    if (byText === undefined) this.#statements.set(of + sql, { alias, model, sql, count: 1, reason })
    else {
      byText.count++
      byText.reason = reason
    }
  }

  report(): ShadowReport {
    return {
      count: this.#count,
      models: mostFirst(this.#models.values()),
      statements: mostFirst(this.#statements.values()),
    }
  }
}

function mostFirst<T extends { readonly count: number }>(counters: Iterable<T>): readonly T[] {
  return [...counters].map((each) => ({ ...each })).sort((one, other) => other.count - one.count)
}
