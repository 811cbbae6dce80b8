import type { Attempt, Connection, Lease, Statement } from '../adapters/adapter'
import { noteWrite } from '../consistency/own-writes'
import { readOnlySession } from '../dialects/begin'
import { crossDatabase } from '../errors'
import type { Decision } from '../routing/decision'
import { released, stay, type LeasePort, type Located } from './lease'

/**
 * A connection that its owner keeps for long, as an ORM does that pools connections itself, and that chooses its server
 * at every statement, as a pool does. It holds one connection of each server it has needed:
 *
 *     SET …               on every connection, those that are open and those that are opened later
 *     SELECT              on the scope's replica, or where else a pool would send it
 *     INSERT              on the primary
 *     BEGIN … COMMIT      all on one connection
 *     anything else that a session remembers (a temporary table, a lock, a SET inside a transaction):
 *                         from there on all on the primary
 *
 * Statements run one after the other, in the order in which they were sent, as on any connection.
 */
export class Session<L extends Located> implements Lease {
  readonly #port: LeasePort<L>
  /** The connection to each node, by its id. */
  readonly #held = new Map<string, Held>()
  /** What the session has been set to, by its text, in the order in which it was last said. */
  readonly #greeting = new Map<unknown, Attempt<unknown>>()
  #last: Connection | null = null
  /** Where everything goes now: a transaction is open, or the session has something to remember. */
  #bound: Decision | null = null
  #inTransaction = false
  /** It stays on the primary for ever. */
  #settled = false
  /** Tells the scope that opened a transaction on the primary that it has ended. */
  #closeTransaction: (() => void) | null = null
  #turn: Promise<unknown> = Promise.resolve()
  #released = false

  constructor(port: LeasePort<L>) {
    this.#port = port
  }

  get native(): unknown {
    return this.#last?.native ?? null
  }

  run<T>(statement: Statement, attempt: Attempt<T>): Promise<T> {
    if (this.#released) return Promise.reject(released())
    let located: L
    try {
      located = this.#port.locate(statement)
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- also what a router of the chain threw
      return Promise.reject(error)
    }
    const { classification } = located
    if (classification.sets === 'session' && statement.repeatable !== false) {
      return this.#inTurn(() =>
        this.#bound === null && this.#greeting.size < MOST_SETTINGS
          ? this.#set(asRead(located), attempt)
          : this.#run(located, attempt),
      )
    }
    // Now, so that a read that is sent beside the write cannot slip between.
    noteWrite(located.scope, this.#aliasOf(located), classification)
    return this.#inTurn(() => this.#run(located, attempt))
  }

  /** A connection of the node that a read would go to, unless it has to be a particular one. */
  connection(): Promise<unknown> {
    if (this.#released) return Promise.reject(released())
    const located = asRead(this.#port.locate({ sql: '' }))
    return this.#inTurn(
      async () => (await this.#on(this.#bound ?? this.#port.decide(located), located)).native,
    )
  }

  /** Gives all its connections back once what was sent before has ended; with an error, at once. */
  release(error?: unknown): void {
    if (this.#released) return
    this.#released = true
    const giveBack = (): void => {
      this.#transactionEnded()
      for (const { connection } of this.#held.values()) connection.release(error)
      this.#held.clear()
      this.#last = null
    }
    if (error === undefined) void this.#turn.then(giveBack)
    else giveBack()
  }

  /** Tells the server that a read would go to, those that are connected already, and every other when it is opened. */
  async #set<T>(located: L, attempt: Attempt<T>): Promise<T> {
    const decision = this.#port.decide(located)
    const { native } = await this.#on(decision, located)
    const result = await this.#port.runner.once(located, decision, native, attempt)
    this.#greeting.delete(located.sql)
    this.#greeting.set(located.sql, attempt)
    for (const held of this.#held.values()) {
      await this.#tell(held, held.decision.nodeId === decision.nodeId ? [] : [attempt], located)
    }
    return result
  }

  /** Whatever it is set to, a session on a replica stays read only. */
  async #tell(
    { connection, decision }: Held,
    settings: Iterable<Attempt<unknown>>,
    { database }: L,
  ): Promise<void> {
    for (const attempt of settings) await attempt(connection.native, decision)
    if (decision.role === 'replica') await connection.run(readOnlySession(database.dialect))
  }

  async #run<T>(located: L, attempt: Attempt<T>): Promise<T> {
    const { runner } = this.#port
    const decision = this.#decide(located)
    const place = async (next: Decision): Promise<unknown> => (await this.#on(next, located)).native
    const connection = await this.#on(decision, located)
    this.#follow(located, decision)
    try {
      return await runner.run(located, decision, connection.native, place, attempt)
    } catch (error) {
      this.#afterFailure(located, connection, error)
      throw error
    }
  }

  #decide(located: L): Decision {
    if (this.#bound === null) return this.#port.decide(located)
    if (this.#aliasOf(located) !== this.#bound.alias) throw crossDatabase(this.#bound, located.alias)
    return stay(this.#bound, located.classification, this.#inTransaction)
  }

  /** Where it is bound, a statement that names no database belongs to the connection it is sent on. */
  #aliasOf({ alias, databaseRule }: L): string {
    if (this.#bound === null) return alias
    return databaseRule === 'pool' || databaseRule === 'default' ? this.#bound.alias : alias
  }

  /** The connection to a node; a new one is greeted first. */
  async #on(decision: Decision, located: L): Promise<Connection> {
    const { nodeId } = decision
    let connection = this.#held.get(nodeId)?.connection
    if (connection?.lost === true && this.#bound === null) {
      this.#drop(connection)
      connection = undefined
    }
    if (connection === undefined) {
      connection = await this.#port.connect(decision)
      if (this.#released) {
        connection.release()
        throw released()
      }
      const held = { connection, decision }
      if (this.#greeting.size > 0) {
        await this.#tell(held, this.#greeting.values(), located).catch((error: unknown) => {
          held.connection.release(error)
          throw error
        })
      }
      this.#held.set(nodeId, held)
    }
    this.#last = connection
    return connection
  }

  #follow({ sql, scope, classification }: L, decision: Decision): void {
    const { transaction, intent, sets } = classification
    if (sets === 'transaction') this.#bound ??= decision
    else if (intent === 'session' || typeof sql !== 'string') {
      this.#bound ??= decision
      this.#settled ||= this.#bound.role === 'primary'
    }
    if (transaction === null || transaction.kind === 'savepoint') return
    if (transaction.kind !== 'begin') {
      if (!transaction.chain) this.#transactionEnded()
    } else if (!this.#inTransaction) {
      this.#inTransaction = true
      this.#bound = decision
      const { role, alias } = decision
      if (role === 'replica') return
      scope.transactionOpened(alias)
      this.#closeTransaction = () => {
        scope.transactionClosed(alias)
      }
    }
  }

  #transactionEnded(): void {
    if (!this.#inTransaction) return
    this.#inTransaction = false
    if (!this.#settled) this.#bound = null
    this.#closeTransaction?.()
    this.#closeTransaction = null
  }

  /** A connection that was lost is replaced, unless a transaction was lost with it: that has to be ended first. */
  #afterFailure({ database }: L, connection: Connection, error: unknown): void {
    const errorClass = database.adapter.classifyError(error)
    if (this.#bound !== null || (errorClass !== 'connection' && errorClass !== 'unsent')) return
    this.#drop(connection, error)
  }

  #drop(connection: Connection, error: unknown = new Error('The connection was lost')): void {
    for (const [nodeId, held] of this.#held) if (held.connection === connection) this.#held.delete(nodeId)
    connection.release(error)
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(step)
    this.#turn = result.catch(() => undefined)
    return result
  }
}

/** Beyond this many different texts, a session stays on the primary, where it has them. */
const MOST_SETTINGS = 100

/** A connection, and the decision that opened it. */
interface Held {
  readonly connection: Connection
  readonly decision: Decision
}

/** A SET goes where a read goes: it changes nothing but the session. */
function asRead<L extends Located>(located: L): L {
  return { ...located, classification: { ...located.classification, intent: 'read' } }
}
