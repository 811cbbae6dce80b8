import type { Adapter, Attempt } from '../adapters/adapter'
import { noteWrite } from '../consistency/own-writes'
import type { Reporter } from '../observe/reporter'
import type { Decision } from '../routing/decision'
import type { Scope } from '../scope/scope'
import type { Classification } from '../statement/classification'
import type { Classifier } from '../statement/classifier'
import type { DatabaseSnapshot } from '../nodes/node'
import type { Counters } from '../observe/counters'
import { nextAfter } from './retry'

/** A statement whose place is decided. */
export interface Routed {
  readonly sql: unknown
  readonly classification: Classification
  readonly decision: Decision
  readonly scope: Scope
  readonly database: {
    readonly adapter: Adapter
    readonly classifier: Classifier
    readonly snapshot: DatabaseSnapshot
  }
}

/** Runs what is decided: marks the scope, reports, and asks the primary when a replica refuses. */
export class Runner {
  readonly #reporter: Reporter
  readonly #counters: Counters

  constructor(reporter: Reporter, counters: Counters) {
    this.#reporter = reporter
    this.#counters = counters
  }

  /** @param place gives the driver's pool or connection of the node that a decision names */
  async run<T>(routed: Routed, place: (decision: Decision) => unknown, attempt: Attempt<T>): Promise<T> {
    noteWrite(routed.scope, routed.decision.alias, routed.classification)
    try {
      return await this.once(routed, await place(routed.decision), attempt)
    } catch (error) {
      const { adapter, classifier, snapshot } = routed.database
      if (nextAfter(adapter.classifyError(error), routed.decision, routed.classification) === 'fail')
        throw error
      this.#counters.refusedByReplica++
      const decision: Decision = {
        ...routed.decision,
        intent: 'write',
        role: 'primary',
        nodeId: snapshot.primary.id,
        rule: 'refused-by-replica',
        reason: `${routed.decision.nodeId} refused it as read only`,
      }
      const result = await this.once({ ...routed, decision }, await place(decision), attempt)
      if (typeof routed.sql === 'string') classifier.remember(routed.sql)
      return result
    }
  }

  /** One run, reported, without a second one. */
  async once<T>(
    { sql, classification, decision, scope }: Routed,
    native: unknown,
    attempt: Attempt<T>,
  ): Promise<T> {
    noteWrite(scope, decision.alias, decision)
    this.#reporter.decided(decision, sql, classification)
    return await this.#reporter.ran(decision, sql, classification, () => attempt(native))
  }
}
