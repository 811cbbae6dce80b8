import type { Adapter, Attempt } from '../adapters/adapter'
import { noteWrite } from '../consistency/own-writes'
import type { Dialect } from '../dialects/dialect'
import type { DatabaseSnapshot } from '../nodes/node'
import type { Reporter } from '../observe/reporter'
import type { Decision } from '../routing/decision'
import type { Model } from '../routing/models'
import type { Scope } from '../scope/scope'
import type { Classification } from '../statement/classification'
import type { Classifier } from '../statement/classifier'
import { nextAfter } from './retry'

/** A statement that is about to be decided or run, and what running it looks at. */
export interface Runnable {
  readonly sql: unknown
  readonly classification: Classification
  /** The model it is about, where one is known. */
  readonly model: Model | null
  readonly scope: Scope
  /** Other aliases on the same servers, whose tables it names too. */
  readonly also: readonly string[]
  /** Nothing may be written: what a replica refuses is not sent to the primary. */
  readonly readOnly: boolean
  /** Remembers where the rows of its result came from; `null` where nobody asked for it. */
  readonly track: ((result: unknown, alias: string) => void) | null
  readonly database: {
    readonly dialect: Dialect
    readonly adapter: Adapter
    readonly classifier: Classifier
    readonly snapshot: DatabaseSnapshot
  }
}

/** Gives the driver's pool or connection of the node that a decision names. */
export type Place = (decision: Decision) => unknown

/** Told when nothing of a statement runs any more: `null`, or what it failed with. */
export type Over = (failure: { readonly error: unknown } | null) => void

/**
 * Runs what is decided: marks the scope, reports, and asks the primary when a replica refuses. No method here is
 * `async`: each would cost a statement a promise and three turns of the microtask queue.
 */
export class Runner {
  readonly #reporter: Reporter
  readonly #outside: <T>(run: () => T) => T

  /** @param outside runs the driver in no scope; see `Contexts.outside` */
  constructor(reporter: Reporter, outside: <T>(run: () => T) => T) {
    this.#reporter = reporter
    this.#outside = outside
  }

  /**
   * @param native what the statement runs on first
   * @param place where it may run next
   * @param over called when nothing of it runs any more, before whoever waits for it is told
   */
  run<T>(
    statement: Runnable,
    decision: Decision,
    native: unknown,
    place: Place,
    attempt: Attempt<T>,
    over: Over = nothing,
  ): Promise<T> {
    noteWrite(statement, decision.alias, decision)
    return this.#reporter.ran(
      statement,
      decision,
      () => this.#attempt(statement, native, decision, attempt),
      async (error) => {
        const result = await this.#afterFailure(statement, decision, error, place, attempt).catch(
          (last: unknown) => {
            over({ error: last })
            throw last
          },
        )
        over(null)
        return result
      },
      over,
    )
  }

  /** One run, reported, without a second one. */
  once<T>(statement: Runnable, decision: Decision, native: unknown, attempt: Attempt<T>): Promise<T> {
    noteWrite(statement, decision.alias, decision)
    return this.#reporter.ran(
      statement,
      decision,
      () => this.#attempt(statement, native, decision, attempt),
      rethrow,
    )
  }

  #attempt<T>({ track }: Runnable, native: unknown, decision: Decision, attempt: Attempt<T>): Promise<T> {
    const ran = this.#outside(() => attempt(native, decision))
    if (track === null) return ran
    return ran.then((result) => {
      track(result, decision.alias)
      return result
    })
  }

  async #afterFailure<T>(
    statement: Runnable,
    failed: Decision,
    error: unknown,
    place: Place,
    attempt: Attempt<T>,
  ): Promise<T> {
    const { adapter, classifier, snapshot } = statement.database
    const next = nextAfter(adapter.classifyError(error), failed, statement.classification)
    if (next === 'fail' || statement.readOnly) throw error
    this.#reporter.refused()
    const decision: Decision = {
      ...failed,
      intent: 'write',
      role: 'primary',
      nodeId: snapshot.primary.id,
      rule: 'refused-by-replica',
      reason: `${failed.nodeId} refused it as read only`,
    }
    const result = await this.once(statement, decision, await place(decision), attempt)
    if (typeof statement.sql === 'string') classifier.remember(statement.sql)
    return result
  }
}

function nothing(): void {
  // Nobody asked.
}

function rethrow(error: unknown): never {
  throw error
}
