import type { Connection, ErrorClass } from '../adapters/adapter'
import { ISOLATION_LEVELS, type IsolationLevel } from '../dialects/begin'
import { SplitpoolError } from '../errors'
import { quoted, record, refuse, refuseUnknown } from '../refuse'
import type { Decision } from '../routing/decision'
import type { Scope } from '../scope/scope'

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

/**
 * One open transaction on one connection. Nested ones are savepoints of it, one after the other: savepoints form a
 * stack on the server, so two at the same time would end each other.
 */
export class Transaction {
  readonly scope: Scope
  readonly decision: Decision
  readonly readOnly: boolean
  readonly connection: Connection
  /** The transaction of another database, or the outer one of this, in whose callback this one was started. */
  readonly outer: Transaction | null
  readonly #depth: number
  #ended = false
  #nested: Promise<unknown> = Promise.resolve()

  private constructor(transaction: {
    scope: Scope
    decision: Decision
    readOnly: boolean
    connection: Connection
    outer: Transaction | null
    depth: number
  }) {
    this.scope = transaction.scope
    this.decision = transaction.decision
    this.readOnly = transaction.readOnly
    this.connection = transaction.connection
    this.outer = transaction.outer
    this.#depth = transaction.depth
  }

  get ended(): boolean {
    return this.#ended
  }

  /** BEGIN, `fn`, COMMIT; ROLLBACK when `fn` throws. The connection is given back whatever happens. */
  static async run<T>(
    settings: {
      readonly scope: Scope
      readonly decision: Decision
      readonly readOnly: boolean
      readonly connection: Connection
      readonly outer: Transaction | null
      /** The statements that open it, in the words of the dialect. */
      readonly begin: readonly string[]
    },
    host: TransactionHost,
    fn: (client: unknown) => Promise<T> | T,
  ): Promise<T> {
    const { scope, decision, connection, begin } = settings
    const onPrimary = decision.role === 'primary'
    let failure: unknown
    if (onPrimary) scope.transactionOpened(decision.alias)
    try {
      for (const sql of begin) {
        await connection.run(sql).catch((error: unknown) => {
          failure = error
          throw error
        })
      }
      const transaction = new Transaction({ ...settings, depth: 0 })
      const result = await transaction.#callback(host, fn).catch(async (error: unknown) => {
        await connection.run('ROLLBACK').catch((lost: unknown) => {
          failure = lost
        })
        throw error
      })
      await transaction.#commit(host).catch((error: unknown) => {
        failure = error
        throw error
      })
      return result
    } catch (error) {
      if (lost(host, error)) failure ??= error
      throw error
    } finally {
      if (onPrimary) scope.transactionClosed(decision.alias)
      connection.release(failure)
    }
  }

  /** A savepoint, `fn`, and its release; back to the savepoint when `fn` throws. */
  async nested<T>(host: TransactionHost, fn: (client: unknown) => Promise<T> | T): Promise<T> {
    const turn = this.#nested.then(async () => {
      if (this.#ended) throw transactionClosed(this.decision)
      const depth = this.#depth + 1
      const name = `splitpool_${depth}`
      await this.connection.run(`SAVEPOINT ${name}`)
      const inner = this.#savepoint(depth)
      const result = await inner.#callback(host, fn).catch(async (error: unknown) => {
        await this.connection.run(`ROLLBACK TO SAVEPOINT ${name}`).catch(() => undefined)
        throw error
      })
      await this.connection.run(`RELEASE SAVEPOINT ${name}`)
      return result
    })
    this.#nested = turn.catch(() => undefined)
    return await turn
  }

  #savepoint(depth: number): Transaction {
    const { scope, decision, readOnly, connection } = this
    return new Transaction({ scope, decision, readOnly, connection, outer: this, depth })
  }

  async #callback<T>(host: TransactionHost, fn: (client: unknown) => Promise<T> | T): Promise<T> {
    try {
      return await host.runInside(this, fn)
    } finally {
      await this.#nested
      this.#ended = true
    }
  }

  /**
   * PostgreSQL answers a COMMIT of a transaction that met an error with the tag ROLLBACK and no error; here it is one.
   */
  async #commit(host: TransactionHost): Promise<void> {
    let tag: string | undefined
    try {
      tag = await this.connection.run('COMMIT')
    } catch (cause) {
      const errorClass = host.classifyError(cause)
      if (errorClass === 'unsent') {
        throw new SplitpoolError(
          'ERR_TRANSACTION_ABORTED',
          `The connection to ${this.decision.nodeId} was lost before COMMIT could be sent: nothing of the transaction was kept`,
          { cause, decision: this.decision },
        )
      }
      if (errorClass !== 'connection') throw cause
      throw new SplitpoolError(
        'ERR_OUTCOME_UNKNOWN',
        `The connection to ${this.decision.nodeId} was lost while COMMIT was under way: the transaction may or may not have happened`,
        { cause, decision: this.decision },
      )
    }
    if (tag === 'ROLLBACK') {
      throw new SplitpoolError(
        'ERR_TRANSACTION_ABORTED',
        'The transaction was rolled back by the server: a statement in it failed, its error was caught, and nothing of the transaction was kept',
        { decision: this.decision },
      )
    }
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

export function transactionClosed(decision: Decision): SplitpoolError {
  return new SplitpoolError(
    'ERR_TRANSACTION_CLOSED',
    'This transaction has ended; a statement was sent after its callback returned',
    { decision },
  )
}

/** The innermost transaction of `alias` that is still open. */
export function openTransaction(transaction: Transaction | null, alias: string): Transaction | null {
  for (let at = transaction; at !== null; at = at.outer) {
    if (at.decision.alias === alias && !at.ended) return at
  }
  return null
}

/** The connection cannot serve anybody else. */
function lost(host: TransactionHost, error: unknown): boolean {
  const errorClass = host.classifyError(error)
  return errorClass === 'connection' || errorClass === 'unsent'
}
