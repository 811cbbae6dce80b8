import type { Connection, ErrorClass } from '../adapters/adapter'
import { ISOLATION_LEVELS, type IsolationLevel } from '../dialects/begin'
import { crossDatabase, SplitpoolError } from '../errors'
import { quoted, record, refuse, refuseUnknown } from '../refuse'
import type { Decision } from '../routing/decision'
import type { Scope } from '../scope/scope'
import type { Classification } from '../statement/classification'

export interface TransactionOptions<Alias extends string = string> {
  /** The database. Default: that of the innermost `using` frame, else `default`. */
  readonly alias?: Alias
  /** Declares that nothing is written: the whole transaction may run on the scope's replica. Default `false`. */
  readonly readOnly?: boolean
  /** Default: the server's. */
  readonly isolationLevel?: IsolationLevel
}

/** What a transaction asks of those who know drivers and contexts. */
export interface TransactionHost {
  /** Runs `fn` in the context of the transaction, with the driver's client. */
  runInside<T>(transaction: Transaction, fn: (client: unknown) => T): T
  classifyError(error: unknown): ErrorClass
}

/** What a transaction and its savepoints share. */
interface Fate {
  /** The error with which the server rolled all of it back, if it did. */
  rolledBack: unknown
  /** The session was changed on a replica, so that nobody else may get the connection. */
  sessionChanged: boolean
}

/** What a transaction is made of. */
interface Making {
  readonly scope: Scope
  readonly decision: Decision
  readonly readOnly: boolean
  readonly connection: Connection
  readonly outer: Transaction | null
}

/**
 * One open transaction on one connection. Nested ones are savepoints of it, one after the other: savepoints form a
 * stack on the server, so two at the same time would end each other, and a statement of the outer level that ran while
 * one is open would be rolled back with it.
 */
export class Transaction {
  readonly scope: Scope
  readonly decision: Decision
  readonly readOnly: boolean
  readonly connection: Connection
  /** The transaction of another database, or the outer one of this, in whose callback this one was started. */
  readonly outer: Transaction | null
  readonly #depth: number
  readonly #fate: Fate
  #ended = false
  /** Ends when the last nested one has ended. */
  #nested: Promise<unknown> = Promise.resolve()
  #nesting = 0

  private constructor({ scope, decision, readOnly, connection, outer }: Making, depth: number, fate: Fate) {
    this.scope = scope
    this.decision = decision
    this.readOnly = readOnly
    this.connection = connection
    this.outer = outer
    this.#depth = depth
    this.#fate = fate
  }

  get ended(): boolean {
    return this.#ended
  }

  /**
   * BEGIN, `fn`, COMMIT; ROLLBACK when `fn` throws. The connection is given back whatever happens.
   *
   * @param begin the statements that open it, in the words of the dialect
   */
  static async run<T>(
    making: Making,
    begin: readonly string[],
    host: TransactionHost,
    fn: (client: unknown) => Promise<T> | T,
  ): Promise<T> {
    const { scope, decision, connection } = making
    const onPrimary = decision.role === 'primary'
    const fate: Fate = { rolledBack: null, sessionChanged: false }
    /** Why the connection must be closed instead of given back. */
    let broken: unknown
    if (onPrimary) scope.transactionOpened(decision.alias)
    try {
      for (const sql of begin) {
        await connection.run(sql).catch((error: unknown) => {
          broken = error
          throw error
        })
      }
      const transaction = new Transaction(making, 0, fate)
      try {
        const result = await transaction.#callback(host, fn)
        await transaction.#commit(host)
        return result
      } catch (error) {
        if (lost(host, error)) broken = error
        else {
          // Also after a COMMIT that failed; where the server has rolled back already, this does nothing.
          await connection.run('ROLLBACK').catch((failed: unknown) => {
            broken = failed
          })
        }
        throw error
      }
    } finally {
      if (onPrimary) scope.transactionClosed(decision.alias)
      connection.release(broken ?? (fate.sessionChanged ? new Error('Its session was changed') : undefined))
    }
  }

  /** A savepoint, `fn`, and its release; back to the savepoint when `fn` throws. */
  nested<T>(host: TransactionHost, fn: (client: unknown) => Promise<T> | T): Promise<T> {
    this.#nesting++
    const turn = this.#nested.then(() => this.#savepoint(host, fn))
    this.#nested = turn.then(ignore, ignore).then(() => {
      this.#nesting--
    })
    return turn
  }

  /**
   * Checks a statement before it runs here.
   *
   * @throws {SplitpoolError} `ERR_TRANSACTION_CLOSED`, `ERR_CROSS_DATABASE`, `ERR_TRANSACTION_ABORTED`,
   *   `ERR_TRANSACTION_CONTROL`
   */
  admit(alias: string, { intent, transaction }: Classification): void {
    const { decision } = this
    if (this.#ended) throw transactionClosed(decision)
    if (alias !== decision.alias) throw crossDatabase(decision, alias)
    if (this.#fate.rolledBack !== null) throw this.#rolledBack()
    if (intent === 'transaction' && transaction?.kind !== 'savepoint') {
      throw new SplitpoolError(
        'ERR_TRANSACTION_CONTROL',
        'router.transaction opens and ends its transaction itself; return from its callback to commit, throw to roll back',
        { decision },
      )
    }
    if (decision.role === 'replica' && intent === 'session') this.#fate.sessionChanged = true
  }

  /**
   * What a statement of this level waits for: the savepoints that are open beneath it, unless it was sent from inside
   * one of them; `null` for nothing.
   *
   * @param from the transaction in whose callback the statement was sent
   */
  turn(from: Transaction | null): Promise<unknown> | null {
    if (this.#nesting === 0) return null
    for (let at = from; at !== null; at = at.outer)
      if (at.outer === this && at.#fate === this.#fate) return null
    return this.#nested
  }

  /** A statement in it met an error. */
  met(errorClass: ErrorClass, error: unknown): void {
    if (errorClass === 'rolled-back') this.#fate.rolledBack = error
  }

  async #savepoint<T>(host: TransactionHost, fn: (client: unknown) => Promise<T> | T): Promise<T> {
    if (this.#ended) throw transactionClosed(this.decision)
    const { connection } = this
    const depth = this.#depth + 1
    const name = `splitpool_${depth}`
    const back = async (): Promise<void> => {
      await connection.run(`ROLLBACK TO SAVEPOINT ${name}`).catch((error: unknown) => {
        // The savepoint is gone, and with it the transaction.
        this.#fate.rolledBack ??= error
      })
    }
    await connection.run(`SAVEPOINT ${name}`)
    const inner = new Transaction({ ...this.#making(), outer: this }, depth, this.#fate)
    const result = await inner.#callback(host, fn).catch(async (error: unknown) => {
      await back()
      throw error
    })
    if (this.#fate.rolledBack !== null) throw this.#rolledBack()
    await connection.run(`RELEASE SAVEPOINT ${name}`).catch(async (cause: unknown) => {
      await back()
      throw new SplitpoolError(
        'ERR_TRANSACTION_ABORTED',
        'The nested transaction was rolled back: a statement in it failed, its error was caught, and nothing of it was kept',
        { cause, decision: this.decision },
      )
    })
    return result
  }

  #making(): Making {
    const { scope, decision, readOnly, connection, outer } = this
    return { scope, decision, readOnly, connection, outer }
  }

  async #callback<T>(host: TransactionHost, fn: (client: unknown) => Promise<T> | T): Promise<T> {
    try {
      return await host.runInside(this, fn)
    } finally {
      while (this.#nesting > 0) await this.#nested
      this.#ended = true
    }
  }

  /** @throws {SplitpoolError} `ERR_TRANSACTION_ABORTED`, `ERR_OUTCOME_UNKNOWN`; and what the server says of it */
  async #commit(host: TransactionHost): Promise<void> {
    if (this.#fate.rolledBack !== null) throw this.#rolledBack()
    const { decision } = this
    let tag: string | undefined
    try {
      tag = await this.connection.run('COMMIT')
    } catch (cause) {
      const errorClass = host.classifyError(cause)
      if (errorClass === 'unsent') {
        throw new SplitpoolError(
          'ERR_TRANSACTION_ABORTED',
          `The connection to ${decision.nodeId} was lost before COMMIT could be sent: nothing of the transaction was kept`,
          { cause, decision },
        )
      }
      if (errorClass !== 'connection') throw cause
      throw new SplitpoolError(
        'ERR_OUTCOME_UNKNOWN',
        `The connection to ${decision.nodeId} was lost while COMMIT was under way: the transaction may or may not have happened`,
        { cause, decision },
      )
    }
    // PostgreSQL answers a COMMIT of a transaction that met an error with this tag and no error.
    if (tag === 'ROLLBACK') throw this.#rolledBack()
  }

  #rolledBack(): SplitpoolError {
    const { rolledBack } = this.#fate
    return new SplitpoolError(
      'ERR_TRANSACTION_ABORTED',
      'The transaction was rolled back by the server: a statement in it failed, its error was caught, and nothing of the transaction was kept',
      { decision: this.decision, ...(rolledBack === null ? {} : { cause: rolledBack }) },
    )
  }
}

/** @throws {SplitpoolError} `ERR_INVALID_OPTION` */
export function checkTransactionOptions(options: TransactionOptions): void {
  const given = record(options, 'options')
  refuseUnknown(given, ['alias', 'readOnly', 'isolationLevel'], 'options')
  const { readOnly, isolationLevel } = options
  if (readOnly !== undefined && typeof readOnly !== 'boolean')
    refuse('options.readOnly', 'true or false', readOnly)
  if (isolationLevel !== undefined && !ISOLATION_LEVELS.includes(isolationLevel)) {
    refuse('options.isolationLevel', `one of ${quoted(ISOLATION_LEVELS)}`, isolationLevel)
  }
}

/**
 * A savepoint has neither a level nor an access mode of its own.
 *
 * @throws {SplitpoolError} `ERR_TRANSACTION_OPTIONS`
 */
export function checkNested(outer: Transaction, { readOnly, isolationLevel }: TransactionOptions): void {
  if (isolationLevel !== undefined) {
    throw new SplitpoolError(
      'ERR_TRANSACTION_OPTIONS',
      `A nested transaction is a savepoint of the outer one and cannot have isolationLevel '${isolationLevel}'; give it to the outermost`,
      { decision: outer.decision },
    )
  }
  if (readOnly === false && outer.readOnly) {
    throw new SplitpoolError(
      'ERR_TRANSACTION_OPTIONS',
      'A nested transaction cannot write (readOnly: false) inside one that is read only',
      { decision: outer.decision },
    )
  }
}

function transactionClosed(decision: Decision): SplitpoolError {
  return new SplitpoolError(
    'ERR_TRANSACTION_CLOSED',
    'This transaction has ended; a statement was sent after its callback returned',
    { decision },
  )
}

/** The innermost transaction that is still open, if any is. */
export function stillOpen(transaction: Transaction | null): Transaction | null {
  let at = transaction
  while (at?.ended === true) at = at.outer
  return at
}

/** The innermost transaction of `alias` that is still open. */
export function openTransaction(transaction: Transaction | null, alias: string): Transaction | null {
  for (let at = transaction; at !== null; at = at.outer) {
    if (at.decision.alias === alias && !at.ended) return at
  }
  return null
}

/** The connection has nobody at its other end. */
function lost(host: TransactionHost, error: unknown): boolean {
  const met = error instanceof SplitpoolError && error.cause !== undefined ? error.cause : error
  const errorClass = host.classifyError(met)
  return errorClass === 'connection' || errorClass === 'unsent'
}

function ignore(): void {
  // Whoever started it is told.
}
