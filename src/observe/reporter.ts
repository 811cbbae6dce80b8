import type { Decision } from '../routing/decision'
import type { Classification } from '../statement/classification'
import { channels, type DecisionEvent, type StatementEvent, type WarningEvent } from './channels'
import type { Counters } from './counters'

/** What a report says of a statement. */
interface Reported {
  readonly sql: unknown
  readonly classification: Classification
  /** The model it is about, where one is known. */
  readonly model: { readonly name: string | null } | null
}

/** The one place where decisions and statements are counted and published. */
export class Reporter {
  readonly #counters: Counters
  readonly #warned = new Set<WarningEvent['code']>()

  constructor(counters: Counters) {
    this.#counters = counters
  }

  /**
   * Reports a decision, runs its statement, and reports how it ended.
   *
   * @param recover what to do about an error, once it has been reported
   * @param succeeded called when there was none
   */
  ran<T>(
    statement: Reported,
    decision: Decision,
    run: () => Promise<T>,
    recover: (error: unknown) => Promise<T>,
    succeeded?: (failure: null) => void,
  ): Promise<T> {
    this.#counters.decided(decision, statement)
    if (channels.decision.hasSubscribers) {
      const event: DecisionEvent = { decision, sql: shown(statement) }
      channels.decision.publish(event)
    }
    const node = this.#counters.node(decision.nodeId)
    const startedAt = channels.statement.hasSubscribers ? performance.now() : null
    node.statements++
    node.inFlight++
    const ended = (error: unknown): void => {
      node.inFlight--
      if (startedAt === null) return
      const durationMs = performance.now() - startedAt
      const event: StatementEvent = { decision, sql: shown(statement), durationMs, error }
      channels.statement.publish(event)
    }
    return begin(run).then(
      (result) => {
        ended(null)
        succeeded?.(null)
        return result
      },
      (error: unknown) => {
        node.errors++
        ended(error)
        return recover(error)
      },
    )
  }

  /** A replica refused a statement, and the primary is asked. */
  refused(): void {
    this.#counters.refusedByReplica++
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

/** A driver may also throw at once. */
function begin<T>(run: () => Promise<T>): Promise<T> {
  try {
    return run()
  } catch (error) {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever the driver threw
    return Promise.reject(error)
  }
}

function shown({ sql, classification }: Reported): string | null {
  return typeof sql === 'string' && !classification.sensitive ? sql : null
}
