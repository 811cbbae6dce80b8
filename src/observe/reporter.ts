import type { Decision } from '../routing/decision'
import type { Classification } from '../statement/classification'
import { channels, type DecisionEvent, type StatementEvent, type WarningEvent } from './channels'
import type { Counters } from './counters'

/** The one place where decisions and statements are counted and published. */
export class Reporter {
  readonly #counters: Counters
  readonly #warned = new Set<WarningEvent['code']>()

  constructor(counters: Counters) {
    this.#counters = counters
  }

  decided(decision: Decision, sql: unknown, classification: Classification): void {
    this.#counters.decided(decision)
    if (channels.decision.hasSubscribers) {
      const event: DecisionEvent = { decision, sql: shown(sql, classification) }
      channels.decision.publish(event)
    }
  }

  /** Runs a statement and reports how it ended. */
  async ran<T>(
    decision: Decision,
    sql: unknown,
    classification: Classification,
    run: () => Promise<T>,
  ): Promise<T> {
    const node = this.#counters.node(decision.nodeId)
    const startedAt = channels.statement.hasSubscribers ? performance.now() : null
    let failure: unknown = null
    node.statements++
    node.inFlight++
    try {
      return await run()
    } catch (error) {
      node.errors++
      failure = error
      throw error
    } finally {
      node.inFlight--
      if (startedAt !== null) {
        const durationMs = performance.now() - startedAt
        const event: StatementEvent = {
          decision,
          sql: shown(sql, classification),
          durationMs,
          error: failure,
        }
        channels.statement.publish(event)
      }
    }
  }

  /** Warns of a kind of trouble once, on the channel and as a process warning. */
  warn(code: WarningEvent['code'], message: string): void {
    if (this.#warned.has(code)) return
    this.#warned.add(code)
    const event: WarningEvent = { code, message }
    channels.warning.publish(event)
    process.emitWarning(message, { type: 'SplitpoolWarning', code })
  }
}

function shown(sql: unknown, classification: Classification): string | null {
  return typeof sql === 'string' && !classification.sensitive ? sql : null
}
