import type { Dialect } from '../../src/dialects/dialect'
import type { Classification } from '../../src/statement/classification'
import { codeOf } from './code'
import { whyNotARead } from './not-reads'
import type { Observation } from './observation'

/** A statement of a suite and what is to be said about it. */
export interface Finding {
  /** `file:line`. */
  readonly where: string
  readonly sql: string
  readonly note: string
}

/** Why the text of a statement that was refused cannot show that it writes, or `null` when it could. */
export type Excuse = (observation: Observation) => Promise<string | null>

/** Collects what the servers said and what the classifier says, and compares. */
export class Trial {
  /** Refused by a replica, classified as a read, and made of built-in functions only: must stay empty. */
  readonly violations: Finding[] = []
  /** Refused by a replica and classified as a read, since what writes is not in the text; by kind. */
  readonly excused = new Map<string, Finding[]>()
  /** Answered alike, yet rightly not a read; by reason. */
  readonly notReads = new Map<string, Finding[]>()
  /** Answered alike, rightly not a read, and classified as one: must stay empty, since only the classifier protects. */
  readonly silent: Finding[] = []
  /** Answered alike and not classified as a read. */
  readonly misses: Finding[] = []
  refused = 0
  /** Queries that both servers answered alike, without those of `notReads`. */
  answeredAlike = 0

  readonly #dialect: Dialect
  readonly #classify: (sql: string) => Classification
  readonly #excuse: Excuse

  constructor(dialect: Dialect, classify: (sql: string) => Classification, excuse: Excuse) {
    this.#dialect = dialect
    this.#classify = classify
    this.#excuse = excuse
  }

  get readShare(): number {
    return this.answeredAlike === 0 ? 0 : 1 - this.misses.length / this.answeredAlike
  }

  async hear(observation: Observation): Promise<void> {
    const { sql, replica } = observation
    const { intent, reason } = this.#classify(sql)
    if (replica.kind === 'refused') {
      this.refused++
      if (intent !== 'read') return
      const excuse = await this.#excuse(observation)
      if (excuse === null) this.violations.push(finding(observation, `${replica.code} ${replica.message}`))
      else add(this.excused, excuse, finding(observation, replica.message))
      return
    }
    if (!observation.alike || !observation.isQuery) return
    const code = codeOf(sql, this.#dialect)
    if (/;\s*\S/.test(code)) return
    const why = whyNotARead(this.#dialect, code)
    if (why !== null) {
      add(this.notReads, why, finding(observation, `${intent}: ${reason}`))
      if (intent === 'read') this.silent.push(finding(observation, why))
      return
    }
    this.answeredAlike++
    if (intent !== 'read') this.misses.push(finding(observation, `${intent}: ${reason}`))
  }
}

function finding({ file, line, sql }: Observation, note: string): Finding {
  return { where: `${file}:${line}`, sql: sql.replace(/\s+/g, ' ').slice(0, 200), note }
}

function add(map: Map<string, Finding[]>, key: string, value: Finding): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
