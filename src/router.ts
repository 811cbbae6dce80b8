import type { Adapter, Attempt, Connection, Connector, Lease, PoolPort, Statement } from './adapters/adapter'
import type { Balancer, Candidate } from './balancing/balancer'
import { candidates, usable } from './balancing/candidates'
import type { Database } from './database'
import { beginStatements } from './dialects/begin'
import type { Dialect } from './dialects/dialect'
import { SplitpoolError } from './errors'
import { LateLease, type Located } from './execution/lease'
import type { Runner } from './execution/runner'
import {
  ISOLATION_LEVELS,
  openTransaction,
  Transaction,
  transactionClosed,
  type TransactionHost,
  type TransactionOptions,
} from './execution/transaction'
import type { DatabaseSnapshot, NodeSnapshot } from './nodes/node'
import type { Counters, RouterStats } from './observe/counters'
import { record, refuse, refuseUnknown, type Databases } from './options'
import type { DatabaseRule, Decision } from './routing/decision'
import type { Model } from './routing/models'
import type { ReadPreference } from './routing/read-preference'
import { parseTarget, type Target } from './routing/target'
import { whichDatabase, type DatabaseRules } from './routing/which-database'
import { whichRole, type RoleAnswer } from './routing/which-role'
import { databaseFrame, roleFrame, type Contexts } from './scope/context'
import type { Scope } from './scope/scope'
import type { Classification, Intent } from './statement/classification'
import type { Classifier } from './statement/classifier'

/** One database as the router works with it. */
export interface RoutedDatabase {
  readonly alias: string
  readonly dialect: Dialect
  readonly adapter: Adapter
  readonly classifier: Classifier
  readonly balancer: Balancer
  readonly reads: ReadPreference
  /** What is known of its nodes now. */
  readonly snapshot: DatabaseSnapshot
  /** Its nodes through their driver, by id, the primary first. */
  readonly connectors: ReadonlyMap<string, Connector>
}

/** The parts that `createRouter` wires. */
export interface RouterParts {
  readonly databases: ReadonlyMap<string, RoutedDatabase>
  readonly rules: DatabaseRules
  readonly contexts: Contexts
  readonly counters: Counters
  readonly runner: Runner
}

/** How a statement reached the router. */
interface Call {
  /** The pool it came through: a database, or one node of it. */
  readonly pool: Target | null
  /** The call's own word. */
  readonly explicit: Target | null
  readonly model: Model | null
}

/** A statement whose database is known, and what else the choice of its node looks at. */
interface Placed extends Located {
  readonly database: RoutedDatabase
  readonly databaseRule: DatabaseRule
  /** The role or node that the call, its comment, a router of the chain or the pool asks for. */
  readonly explicit: Target | null
  readonly frame: Target | null
  readonly model: Model | null
}

export interface ExplainOptions {
  /** The model the statement is about. */
  readonly model?: string
  /** A database (`users`) or one of its nodes (`users:primary`). */
  readonly alias?: string
}

/** A decision, and the verdict on the text that led to it. */
export interface Explanation extends Decision {
  readonly classification: Classification
}

type PoolOf<D> = D extends Database<infer Pool> ? Pool : unknown
type ClientOf<D> = D extends Database<unknown, infer Client> ? Client : unknown

/**
 * Decides for every statement which database, which role and which node it goes to, and runs it there. Made by
 * `createRouter`; `#run` tells how.
 */
export class Router<D extends Databases = Databases> {
  readonly #databases: ReadonlyMap<string, RoutedDatabase>
  readonly #rules: DatabaseRules
  readonly #contexts: Contexts
  readonly #counters: Counters
  readonly #runner: Runner
  readonly #pools = new Map<string, unknown>()
  /** The database whose dialect reads a text that nothing else has placed yet. */
  readonly #any: RoutedDatabase
  #closing: Promise<void> | null = null

  /** @internal */
  constructor({ databases, rules, contexts, counters, runner }: RouterParts) {
    this.#databases = databases
    this.#rules = rules
    this.#contexts = contexts
    this.#counters = counters
    this.#runner = runner
    this.#any = [...databases.values()][0] as RoutedDatabase
  }

  // ---------------------------------------------------------------- the path of a statement

  /** Scope → classify → which database → which role → which node → run → observe. */
  async #run<T>(call: Call, statement: Statement, attempt: Attempt<T>): Promise<T> {
    const placed = this.#locate(call, statement)
    const transaction = openTransaction(this.#contexts.current().transaction, placed.alias)
    if (transaction !== null) return await this.#runInside(transaction, placed, attempt)

    const decision = this.#decide(placed)
    const place = ({ nodeId }: Decision): unknown => this.#connector(placed.database, nodeId).native
    return await this.#runner.run({ ...placed, decision }, place, attempt)
  }

  /** Who is asking, what the statement needs, and which database it belongs to. */
  #locate({ pool, explicit, model }: Call, { sql }: Statement): Placed {
    if (this.#closing !== null) throw new SplitpoolError('ERR_CLOSED', 'The router has been closed')
    const { scope, frame } = this.#contexts.current()
    const frameAlias = databaseFrame(frame)
    const first =
      this.#databases.get(explicit?.alias ?? frameAlias?.alias ?? pool?.alias ?? 'default') ?? this.#any
    const classification = first.classifier.classify(sql)

    const home = whichDatabase(
      { classification, explicit, frame: frameAlias, model, hints: {}, pool: pool?.alias ?? null },
      this.#rules,
    )
    const database = this.#database(home.alias)
    if (pool?.alias != null) refuseOtherDriver(this.#database(pool.alias), database)
    const throughPool = pool?.alias === home.alias && pool.role !== null ? pool : null
    return {
      sql,
      scope,
      database,
      alias: home.alias,
      databaseRule: home.rule,
      model: home.model,
      // The dialect and the declared functions are those of the database that was found.
      classification: database === first ? classification : database.classifier.classify(sql),
      explicit: home.target?.role != null ? home.target : throughPool,
      frame: roleFrame(frame, home.alias),
    }
  }

  /** Which role serves it, and which node. */
  #decide(placed: Placed): Decision {
    const { database, scope, alias, classification } = placed
    const answer = whichRole({
      classification,
      explicit: placed.explicit,
      frame: placed.frame,
      openTransaction: scope.hasOpenTransaction(alias),
      hasWritten: scope.hasWritten(alias),
      preference: placed.model?.reads ?? database.reads,
      hasReplicas: database.snapshot.replicas.some(usable),
    })
    const node = this.#whichNode(database, answer, scope)
    const { rule, reason } = answer
    const { databaseRule } = placed
    return {
      alias,
      role: node.role,
      nodeId: node.id,
      intent: classification.intent,
      rule,
      reason,
      databaseRule,
    }
  }

  /** The node that was asked for, else the scope's pinned replica, else one that the balancer picks and the scope keeps. */
  #whichNode({ alias, snapshot, balancer }: RoutedDatabase, answer: RoleAnswer, scope: Scope): NodeSnapshot {
    if (answer.role === 'primary') return snapshot.primary
    const wanted = answer.nodeId ?? scope.pin(alias)
    const kept = snapshot.replicas.find((node) => node.id === wanted)
    if (kept !== undefined && (answer.nodeId !== null || usable(kept))) return kept

    const able = candidates(snapshot.replicas, usable)
    if (able.length === 0) {
      throw new SplitpoolError(
        'ERR_NO_CANDIDATE',
        `${alias} has no replica that may be used, and ${answer.reason}`,
      )
    }
    const picked = balancer.pick(
      able.map((node) => ({ ...node, inFlight: this.#counters.node(node.id).inFlight })),
    )
    const node = able.find(({ id }) => id === (picked as Candidate | undefined)?.id)
    if (node === undefined) {
      throw new SplitpoolError(
        'ERR_BALANCER',
        `The balancer of ${alias} must return one of its candidates (${able.map(({ id }) => id).join(', ')})`,
      )
    }
    scope.setPin(alias, node.id)
    return node
  }

  /** On the connection of an open transaction; nothing moves there, and nothing is sent twice. */
  async #runInside<T>(transaction: Transaction, placed: Located, attempt: Attempt<T>): Promise<T> {
    if (transaction.ended) throw transactionClosed(transaction.decision)
    refuseOtherDatabase(transaction, placed.alias)
    const decision = inside(transaction.decision, placed.classification.intent)
    return await this.#runner.once({ ...placed, decision }, transaction.connection.native, attempt)
  }

  // ---------------------------------------------------------------- what the application calls

  /**
   * The pool to use in place of the driver's own: the same object at every call.
   *
   * @param alias a database, or one node of it (`users:primary`) to which all its statements go. Default `default`
   * @throws {SplitpoolError} `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`
   */
  pool(): PoolOf<D['default']>
  pool<A extends keyof D & string>(alias: A | `${A}:${string}`): PoolOf<D[A]>
  pool(alias = 'default'): unknown {
    let pool = this.#pools.get(alias)
    if (pool === undefined) {
      const target = parseTarget(alias, this.#rules.databases)
      const database = this.#database(target.alias ?? alias)
      pool = database.adapter.createPool(this.#poolPort(target, database))
      this.#pools.set(alias, pool)
    }
    return pool
  }

  /**
   * Runs `fn` as one request, job or message: it picks one replica of each database at random and keeps it, and reads
   * its own writes.
   */
  scope<T>(fn: () => T): T {
    this.#counters.scopes++
    return this.#contexts.runInScope(fn)
  }

  /**
   * Runs `fn` against a database (`users`), or with its reads on one node of it (`users:primary`, `users:replica-1`).
   * Writes go to the primary whatever a frame says.
   *
   * @throws {SplitpoolError} `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`
   */
  using<T>(target: string, fn: () => T): T {
    return this.#contexts.runInFrame(parseTarget(target, this.#rules.databases), fn)
  }

  /** Runs `fn` with all its reads on the primary of whichever database they belong to. */
  primary<T>(fn: () => T): T {
    return this.#contexts.runInFrame({ alias: null, role: 'primary', nodeId: null }, fn)
  }

  /**
   * Runs `fn` in a transaction on one connection: commits when it returns, rolls back when it throws. Inside, the
   * statements of the pools of the same database join it, and nested calls are savepoints.
   *
   * @throws {SplitpoolError} `ERR_TRANSACTION_ABORTED`, `ERR_OUTCOME_UNKNOWN`, `ERR_TRANSACTION_OPTIONS`,
   *   `ERR_INVALID_OPTION`, `ERR_UNKNOWN_ALIAS`; and whatever `fn` or the driver throws
   */
  async transaction<T, A extends keyof D & string = 'default' & keyof D>(
    fn: (client: ClientOf<D[A]>) => Promise<T> | T,
    options: TransactionOptions<A> = {},
  ): Promise<T> {
    checkTransactionOptions(options)
    const { readOnly = false, isolationLevel } = options
    const context = this.#contexts.current()
    const alias = options.alias ?? databaseFrame(context.frame)?.alias ?? 'default'
    const callback = fn as (client: unknown) => Promise<T> | T

    const outer = openTransaction(context.transaction, alias)
    const database = this.#database(alias)
    const host = this.#transactionHost(database)
    if (outer !== null) {
      checkNested(outer, options)
      return await outer.nested(host, callback)
    }

    const begin = beginStatements(database.dialect, { readOnly, isolationLevel })
    // A standby cannot serialise, and a replica would take locks for it: such a transaction is the primary's.
    const onReplica = readOnly && isolationLevel !== 'serializable'
    const opening = { sql: onReplica ? 'START TRANSACTION READ ONLY' : 'START TRANSACTION' }
    const call: Call = { pool: null, explicit: { alias, role: null, nodeId: null }, model: null }
    const placed = this.#locate(call, opening)
    const decision = this.#decide(placed)
    const borrowed = await this.#connector(database, decision.nodeId).connect()
    const connection: Connection = {
      native: borrowed.native,
      run: (sql) => {
        const opens = begin.includes(sql)
        return this.#runner.once(
          { ...placed, sql, decision: opens ? decision : inside(decision, 'transaction') },
          null,
          () => borrowed.run(sql),
        )
      },
      release: (error) => {
        borrowed.release(error)
      },
    }
    const { scope, transaction } = context
    return await Transaction.run(
      { scope, decision, readOnly, connection, outer: transaction, begin },
      host,
      callback,
    )
  }

  /**
   * Where a statement would go from here, and why, without running it. The scope keeps the replica that is named, so
   * the answer holds for the statement when it comes.
   *
   * @throws {SplitpoolError} what running it would throw before it reaches a server
   */
  explain(sql: string, options: ExplainOptions = {}): Explanation {
    refuseUnknown(record(options, 'options'), ['model', 'alias'], 'options')
    const explicit = options.alias === undefined ? null : parseTarget(options.alias, this.#rules.databases)
    const model = options.model === undefined ? null : this.#rules.models.named(options.model)
    const placed = this.#locate({ pool: null, explicit, model }, { sql })
    const transaction = openTransaction(this.#contexts.current().transaction, placed.alias)
    const decision =
      transaction === null ? this.#decide(placed) : inside(transaction.decision, placed.classification.intent)
    return { ...decision, classification: placed.classification }
  }

  /** A copy of the counters: scopes, decisions by rule, statements by node. */
  stats(): RouterStats {
    return this.#counters.snapshot()
  }

  /** Ends every pool that splitpool made; those that the application made are its own to end. */
  close(): Promise<void> {
    this.#closing ??= endAll(
      [...this.#databases.values()].flatMap(({ connectors }) => [...connectors.values()]),
    )
    return this.#closing
  }

  // ---------------------------------------------------------------- what adapters call

  #poolPort(target: Target, database: RoutedDatabase): PoolPort {
    const call: Call = { pool: target, explicit: null, model: null }
    const { alias, dialect } = database
    const connectors = [...database.connectors.values()]
    return {
      alias,
      dialect,
      connectors,
      run: (statement, attempt) => this.#run(call, statement, attempt),
      lease: () => this.#lease(call),
      end: () => endAll(connectors),
    }
  }

  #lease(call: Call): Lease {
    return new LateLease({
      runner: this.#runner,
      locate: (statement) => this.#locate(call, statement),
      decide: (located) => this.#decide(located as Placed),
      connect: ({ alias, nodeId }) => this.#connector(this.#database(alias), nodeId).connect(),
    })
  }

  #transactionHost({ alias, adapter }: RoutedDatabase): TransactionHost {
    const call: Call = { pool: { alias, role: null, nodeId: null }, explicit: null, model: null }
    return {
      classifyError: (error) => adapter.classifyError(error),
      runInside: (transaction, fn) => {
        const run = async <T>(statement: Statement, attempt: Attempt<T>): Promise<T> =>
          await this.#runInside(transaction, this.#locate(call, statement), attempt)
        const client = adapter.createTransactionClient(transaction.connection, { run })
        return this.#contexts.runInTransaction(transaction, () => fn(client))
      },
    }
  }

  #database(alias: string): RoutedDatabase {
    const database = this.#databases.get(alias)
    if (database !== undefined) return database
    parseTarget(alias, this.#rules.databases)
    throw new SplitpoolError('ERR_UNKNOWN_ALIAS', `Unknown database alias ${JSON.stringify(alias)}`)
  }

  #connector({ connectors }: RoutedDatabase, nodeId: string): Connector {
    const connector = connectors.get(nodeId)
    if (connector === undefined) throw new SplitpoolError('ERR_UNKNOWN_NODE', `Unknown node ${nodeId}`)
    return connector
  }
}

/** The decision on a statement of a transaction: where the transaction is. */
function inside(decision: Decision, intent: Intent): Decision {
  return { ...decision, intent, rule: 'transaction', reason: 'inside router.transaction' }
}

function refuseOtherDriver(through: RoutedDatabase, belongs: RoutedDatabase): void {
  if (through.adapter.name === belongs.adapter.name) return
  throw new SplitpoolError(
    'ERR_DIALECT_MISMATCH',
    `A statement for ${belongs.alias} (${belongs.dialect}) came through the pool of ${through.alias} (${through.dialect}); send it through router.pool('${belongs.alias}')`,
  )
}

function refuseOtherDatabase({ decision }: Transaction, alias: string): void {
  if (alias === decision.alias) return
  throw new SplitpoolError(
    'ERR_CROSS_DATABASE',
    `This transaction is on ${decision.alias}, and the statement belongs to ${alias}; a transaction cannot span databases`,
    { decision },
  )
}

function checkTransactionOptions(options: TransactionOptions): void {
  const given = record(options, 'options')
  refuseUnknown(given, ['alias', 'readOnly', 'isolationLevel'], 'options')
  const { readOnly, isolationLevel } = options
  if (readOnly !== undefined && typeof readOnly !== 'boolean')
    refuse('options.readOnly', 'true or false', readOnly)
  if (isolationLevel !== undefined && !ISOLATION_LEVELS.includes(isolationLevel)) {
    refuse('options.isolationLevel', `one of '${ISOLATION_LEVELS.join(`', '`)}'`, isolationLevel)
  }
}

/** A savepoint has neither a level nor an access mode of its own. */
function checkNested(outer: Transaction, { readOnly, isolationLevel }: TransactionOptions): void {
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

/** Ends all, even when some fail to; then throws what the first of them threw. */
async function endAll(connectors: readonly Connector[]): Promise<void> {
  const ended = await Promise.allSettled(connectors.map((connector) => connector.end()))
  const failed = ended.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
