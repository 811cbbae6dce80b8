import type { Attempt, Connection, Lease, Statement } from '../adapters/adapter'
import { noteWrite } from '../consistency/own-writes'
import { crossDatabase, SplitpoolError } from '../errors'
import type { DatabaseRule, Decision } from '../routing/decision'
import type { Classification } from '../statement/classification'
import type { Runnable, Runner } from './runner'
import { SentTransaction } from './sent-transaction'

/** A statement whose database is known and whose role is not. */
export interface Located extends Runnable {
  readonly alias: string
  readonly databaseRule: DatabaseRule
}

/** What a lease asks of the router. */
export interface LeasePort<L extends Located> {
  locate(statement: Statement): L
  decide(located: L): Decision
  connect(decision: Decision): Promise<Connection>
  /** Runs a statement in the transaction of the router's in whose callback it was sent; `null` where there is none. */
  join<T>(located: L, attempt: Attempt<T>): Promise<T> | null
  readonly runner: Runner
}

/** The connection that the lease has, and the decision that chose it. */
interface Bound {
  readonly connection: Connection
  readonly decision: Decision
}

/**
 * A borrowed connection that chooses its server at its first statement, not when it is borrowed:
 *
 *     unbound ──read──► on a replica ──anything else──► on the primary, until it is released
 *        └───────────── anything else ───────────────►
 *
 * Inside the callback of `router.transaction` a lease that has no connection yet takes none: its statements join that
 * transaction, unless it opens one itself.
 *
 * A transaction that is declared read only keeps the replica from its BEGIN to its end: inside it nothing moves, and a
 * write is refused by the server, as it would be anywhere. Between two statements of its own a lease on a replica may
 * move to the primary, because a replica is never given anything that a connection would have to remember.
 */
export class LateLease<L extends Located> implements Lease {
  onMove: (() => void) | null = null
  onOver: (() => void) | null = null
  readonly #port: LeasePort<L>
  #bound: Bound | null = null
  /** It has sent something for a connection of its own, and joins no transaction of the router's any more. */
  #own = false
  readonly #transaction = new SentTransaction<L>()
  /** Something ran on it that its session may remember: on the primary it may not be left, on a replica not passed on. */
  #used = false

  /** Statements take their connections in the order in which they came; `null` when none is about to. */
  #turn: Promise<unknown> | null = null
  /** How many were sent and have not ended; a release waits for them. */
  #sent = 0
  /** How many statements are on the connection now; a move waits for them. */
  #running = 0
  #idle: (() => void) | null = null
  #released = false
  /** The connection has been given back, and none may be taken any more. */
  #over = false

  constructor(port: LeasePort<L>) {
    this.#port = port
  }

  get native(): unknown {
    return this.#bound?.connection.native ?? null
  }

  run<T>(statement: Statement, attempt: Attempt<T>): Promise<T> {
    if (this.#released) return Promise.reject(released())
    try {
      const located = this.#port.locate(statement)
      const joined = standsAlone(located) ? null : this.#join(located, attempt)
      if (joined !== null) return this.#counted(joined)
      this.#own = true
      noteWrite(located, this.#aliasOf(located), located.classification)
      return this.#begin(located, attempt)
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- also what a router of the chain threw
      return Promise.reject(error)
    }
  }

  async connection<T>(use: (native: unknown) => T | Promise<T>, alone = false): Promise<T> {
    if (this.#released) throw released()
    const located = this.#port.locate({ sql: undefined, textless: true })
    const joined = alone ? null : this.#join(located, async (native) => use(native))
    if (joined !== null) return await this.#counted(joined)
    this.#own = true
    const using = async (): Promise<T> => {
      const used = await this.#inTurn(() => {
        const bound = this.#bound ?? this.#on(this.#port.decide(located))
        return bound instanceof Promise
          ? bound.then(({ connection }) => ({ it: use(connection.native) }))
          : { it: use(bound.connection.native) }
      })
      return await used.it
    }
    return await this.#counted(using())
  }

  /** Gives the connection back once what was sent before has ended; with an error, at once. */
  release(error?: unknown): void {
    if (this.#released) return
    this.#released = true
    if (error !== undefined || this.#sent === 0) this.#giveBack(error)
  }

  /** Binds in turn, and begins at once, so that everything reaches the connection in the order in which it was sent. */
  #begin<T>(located: L, attempt: Attempt<T>): Promise<T> {
    const bound = this.#inTurn(() => this.#bind(located))
    this.#sent++
    if (!(bound instanceof Promise)) return this.#start(located, bound, attempt)
    return bound.then(
      (there) => this.#start(located, there, attempt),
      (error: unknown) => {
        this.#ended()
        throw error
      },
    )
  }

  #start<T>(located: L, { connection, decision }: Bound, attempt: Attempt<T>): Promise<T> {
    this.#follow(decision, located)
    this.#running++
    const place = (next: Decision): Promise<unknown> => this.#leaveFor(next)
    return this.#port.runner.run(located, decision, connection.native, place, attempt, (failure) => {
      // Nothing was opened by what failed.
      if (failure !== null && this.#transaction.isOf(located)) this.#transaction.ended()
      this.#leave()
      this.#ended()
    })
  }

  #join<T>(located: L, attempt: Attempt<T>): Promise<T> | null {
    return this.#own ? null : this.#port.join(located, attempt)
  }

  async #counted<T>(sent: Promise<T>): Promise<T> {
    this.#sent++
    try {
      return await sent
    } finally {
      this.#ended()
    }
  }

  #ended(): void {
    if (--this.#sent === 0 && this.#released) this.#giveBack()
  }

  /** The connection for a statement, borrowed or changed as the picture above says; no promise where it is there. */
  #bind(located: L): Bound | Promise<Bound> {
    const bound = this.#bound
    if (bound === null || !this.#stays(bound, located)) return this.#on(this.#port.decide(located))
    const decision = stay(bound.decision, located.classification, this.#transaction.isOpen)
    return { connection: bound.connection, decision }
  }

  #stays({ decision }: Bound, located: L): boolean {
    if (this.#aliasOf(located) === decision.alias) {
      // What only the shadow mode holds on the primary is decided, and counted, statement by statement.
      const held = decision.role === 'primary' && (this.#used || decision.rule !== 'shadow')
      return this.#transaction.isOpen || held
    }
    if (!this.#transaction.isOpen && !this.#used) return false
    throw crossDatabase(decision, located.alias)
  }

  /** On the primary or in a transaction, a statement that names no database belongs to the connection it is sent on. */
  #aliasOf({ alias, also, databaseRule }: L): string {
    const bound = this.#bound?.decision
    if (bound === undefined || !(this.#transaction.isOpen || bound.role === 'primary')) return alias
    if (also.includes(bound.alias)) return bound.alias
    return databaseRule === 'pool' || databaseRule === 'default' ? bound.alias : alias
  }

  /** A connection of the node that a decision names: the one that is bound, if it is one. */
  #on(decision: Decision): Bound | Promise<Bound> {
    const bound = this.#bound
    if (bound?.decision.nodeId === decision.nodeId) return { ...bound, decision }
    return this.#move(decision)
  }

  #move(decision: Decision): Promise<Bound> {
    return this.#running > 0 ? this.#whenIdle().then(() => this.#take(decision)) : this.#take(decision)
  }

  #take(decision: Decision): Promise<Bound> {
    if (this.#bound !== null) this.onMove?.()
    this.#leaveConnection()
    return this.#port.connect(decision).then((connection) => {
      if (this.#over) {
        connection.release()
        throw released()
      }
      return (this.#bound = { connection, decision })
    })
  }

  /** A replica refused a statement, which is over there, so that the move must not wait for it. */
  async #leaveFor(decision: Decision): Promise<unknown> {
    this.#leave()
    try {
      return (await this.#inTurn(() => this.#on(decision))).connection.native
    } finally {
      this.#running++
    }
  }

  #leave(): void {
    if (--this.#running === 0) this.#idle?.()
  }

  /** Nothing is in flight on the connection. Asked in turn only, so that one waits at a time. */
  #whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve
    })
  }

  #follow(decision: Decision, located: L): void {
    const { intent } = located.classification
    if (intent === 'session' || (intent === 'write' && decision.role === 'primary')) this.#used = true
    this.#transaction.follow(located, decision)
  }

  #giveBack(error?: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#transaction.ended()
    this.#leaveConnection(error)
    this.onOver?.()
  }

  /** A replica's session that somebody has changed, its being read only perhaps, is not for the next one. */
  #leaveConnection(error?: unknown): void {
    const changed = this.#used && this.#bound?.decision.role === 'replica'
    this.#bound?.connection.release(error ?? (changed ? new Error('Its session was changed') : undefined))
    this.#bound = null
    this.#used = false
  }

  /** Runs a step when those before it have ended; at once, and without a promise of its own, when there is none. */
  #inTurn<T>(step: () => T | Promise<T>): T | Promise<T> {
    const result = this.#turn === null ? step() : this.#turn.then(step)
    if (!(result instanceof Promise)) return result
    const ended = (): void => {
      if (this.#turn === turn) this.#turn = null
    }
    const turn = result.then(ended, ended)
    this.#turn = turn
    return result
  }
}

/** What opens a transaction itself, and what changes the whole connection, belongs to no other transaction. */
function standsAlone({ sql, classification, database }: Located): boolean {
  const { transaction, sets } = classification
  if (sets === 'transaction' && database.dialect !== 'postgres') return true
  return transaction?.kind === 'begin' || typeof sql !== 'string'
}

export function released(): SplitpoolError {
  return new SplitpoolError('ERR_CLOSED', 'This client has been released to the pool')
}

/** The decision on a statement that follows the connection it is sent on. */
export function stay(decision: Decision, { intent }: Classification, inTransaction: boolean): Decision {
  const reason = inTransaction
    ? 'the connection has a transaction open'
    : 'the connection stays on the primary until it is released'
  return { ...decision, intent, rule: 'lease', reason }
}
