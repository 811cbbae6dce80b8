import type { Outcome } from './outcome'

/** One statement of a suite, and what the two servers said to it. */
export interface Observation {
  readonly file: string
  readonly line: number
  /** Where it ran. */
  readonly database: string
  readonly sql: string
  /** Whether it is of the kind that returns rows and is meant to: SELECT, VALUES, TABLE, WITH. */
  readonly isQuery: boolean
  readonly primary: Outcome
  readonly replica: Outcome
  /** True when both answered, with the same rows. */
  readonly alike: boolean
}

/** Called while both servers still are in the state in which they answered. */
export type Observer = (observation: Observation) => void | Promise<void>

/** What was done with a suite. */
export interface SuiteRun {
  seen: number
  run: number
  /** Why statements were not run, and how many. */
  readonly leftOut: Map<string, number>
}

/** By its first word, behind comments and parentheses. */
export function looksLikeQuery(sql: string): boolean {
  return /^(?:\s|\(|--[^\n]*\n|#[^\n]*\n|\/\*(?!!|M!).*?\*\/)*(?:select|values|table|with)\b/is.test(sql)
}
