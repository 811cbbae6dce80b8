import type { Attempt, Connection, Lease, Statement } from '../adapters/adapter'
import { SplitpoolError } from '../errors'
import { noteWrite } from '../consistency/own-writes'
import type { DatabaseRule, Decision } from '../routing/decision'
import type { Scope } from '../scope/scope'
import type { Classification } from '../statement/classification'
import type { Routed, Runner } from './runner'

/** A statement whose database is known and whose role is not. */
export type Located = Omit<Routed, 'decision'> & {
  readonly alias: string
  readonly databaseRule: DatabaseRule
}

/** What a lease asks of the router. */
export interface LeasePort {
  locate(statement: Statement): Located
  decide(located: Located): Decision
  connect(decision: Decision): Promise<Connection>
  readonly runner: Runner
}

interface Held {
  readonly connection: Connection
  readonly decision: Decision
}

/**
 * A borrowed connection that chooses its server at its first statement, not when it is borrowed:
 *
 *     unbound ──read──► on a replica ──anything else──► on the primary, until it is released
 *        └───────────── anything else ───────────────►
 *
 * A transaction that is declared read only holds the replica from its BEGIN to its end: inside it nothing moves, and a
 * write is refused by the server, as it would be anywhere. Between two statements of its own a lease on a replica may
 * move to the primary, because a replica is never given anything that a connection would have to remember.
 */
export class LateLease implements Lease {
  readonly #port: LeasePort
  #held: Held | null = null
  #released = false
  #inTransaction = false
  /** Tells the scope that opened a transaction on the primary that it has ended. */
  #closeTransaction: (() => void) | null = null
  /** Statements take their connections in the order in which they came. */
  #turn: Promise<unknown> = Promise.resolve()
  #running = 0
  #idle: (() => void) | null = null

  constructor(port: LeasePort) {
    this.#port = port
  }

  get native(): unknown {
    return this.#held?.connection.native ?? null
  }

  async run<T>(statement: Statement, attempt: Attempt<T>): Promise<T> {
    this.#refuseReleased()
    const located = this.#port.locate(statement)
    noteWrite(located.scope, located.alias, located.classification)
    const first = await this.#inTurn(() => this.#bind(located))
    this.#running++
    try {
      return await this.#port.runner.run(
        { ...located, decision: first.decision },
        async (decision) => {
          if (decision === first.decision) return first.connection.native
          // The replica refused it: this statement is over there, so it must not be waited for.
          this.#running--
          try {
            return (await this.#inTurn(() => this.#move(decision))).connection.native
          } finally {
            this.#running++
          }
        },
        attempt,
      )
    } finally {
      if (--this.#running === 0) this.#idle?.()
    }
  }

  async connection(): Promise<unknown> {
    this.#refuseReleased()
    const held = await this.#inTurn(
      async () => this.#held ?? (await this.#move(this.#port.decide(this.#port.locate({ sql: undefined })))),
    )
    return held.connection.native
  }

  /** Gives the connection back once the statements that were sent before have ended; with an error, at once. */
  release(error?: unknown): void {
    if (this.#released) return
    this.#released = true
    void this.#turn.then(async () => {
      if (error === undefined) await this.#whenIdle()
      this.#transactionEnded()
      this.#held?.connection.release(error)
      this.#held = null
    })
  }

  /** The connection for a statement, borrowed or changed as the picture above says. */
  async #bind(located: Located): Promise<Held> {
    const held = this.#held
    let next: Held
    if (held !== null && this.#stays(held, located)) {
      next = { ...held, decision: stay(held.decision, located.classification, this.#inTransaction) }
    } else {
      const decision = this.#port.decide(located)
      next = held?.decision.nodeId === decision.nodeId ? { ...held, decision } : await this.#move(decision)
    }
    this.#follow(located.classification, located.scope, next.decision)
    return next
  }

  #stays({ decision }: Held, { alias, databaseRule }: Located): boolean {
    // A statement that names no database of its own belongs to the connection it is sent on.
    const here = alias === decision.alias || databaseRule === 'pool' || databaseRule === 'default'
    if (here) return this.#inTransaction || decision.role === 'primary'
    if (!this.#inTransaction) return false
    throw new SplitpoolError(
      'ERR_CROSS_DATABASE',
      `This connection has a transaction open on ${decision.alias}, and the statement belongs to ${alias}; a transaction cannot span databases`,
      { decision },
    )
  }

  async #move(decision: Decision): Promise<Held> {
    await this.#whenIdle()
    this.#held?.connection.release()
    this.#held = null
    const connection = await this.#port.connect(decision)
    this.#held = { connection, decision }
    return this.#held
  }

  /** Keeps track of transactions by the statements that open and end them. */
  #follow({ transaction }: Classification, scope: Scope, { alias, role }: Decision): void {
    if (transaction === null || transaction.kind === 'savepoint') return
    if (transaction.kind !== 'begin') {
      if (!transaction.chain) this.#transactionEnded()
    } else if (!this.#inTransaction) {
      this.#inTransaction = true
      if (role === 'replica') return
      scope.transactionOpened(alias)
      this.#closeTransaction = () => {
        scope.transactionClosed(alias)
      }
    }
  }

  #transactionEnded(): void {
    this.#inTransaction = false
    this.#closeTransaction?.()
    this.#closeTransaction = null
  }

  /** Nothing is in flight on the connection. */
  async #whenIdle(): Promise<void> {
    if (this.#running === 0) return
    await new Promise<void>((resolve) => {
      this.#idle = resolve
    })
    this.#idle = null
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(step)
    this.#turn = result.catch(() => undefined)
    return result
  }

  #refuseReleased(): void {
    if (this.#released) throw new SplitpoolError('ERR_CLOSED', 'This client has been released to the pool')
  }
}

function stay(decision: Decision, { intent }: Classification, inTransaction: boolean): Decision {
  const reason = inTransaction
    ? 'the connection has a transaction open'
    : 'the connection stays on the primary until it is released'
  return { ...decision, intent, rule: 'lease', reason }
}
