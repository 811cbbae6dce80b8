import type { Attempt, Connection, OpenNode, PoolPort, PoolSource, Statement } from './adapters/adapter'
import { usable } from './balancing/candidates'
import { whichNode } from './balancing/which-node'
import type { Database } from './database'
import { beginStatements } from './dialects/begin'
import type { Dialect } from './dialects/dialect'
import { readOnlyScope, SplitpoolError } from './errors'
import type { Runner } from './execution/runner'
import {
  checkNested,
  checkTransactionOptions,
  openTransaction,
  stillOpen,
  Transaction,
  type TransactionOptions,
} from './execution/transaction'
import type { Counters, RouterStats } from './observe/counters'
import type { Databases } from './options'
import { closed, connectorOf, PLAIN_CALL, Ports, type Call, type Placed, type RoutedDatabase } from './ports'
import { record, refuseUnknown } from './refuse'
import type { Decision } from './routing/decision'
import { nearestToPrimary } from './routing/read-preference'
import { parseTarget, unknownAlias } from './routing/target'
import { whichDatabase, type DatabaseRules } from './routing/which-database'
import { mayWrite, whichRole, type RoleAnswer } from './routing/which-role'
import type { Awaitable, Context, Contexts } from './scope/context'
import { databaseFrame, fromFrames, roleFrame } from './scope/frame'
import { checkAttributes, frameSettings, type FrameOptions, type ScopeOptions } from './scope/scope-options'
import type { Classification, Intent } from './statement/classification'

/** The parts that `createRouter` wires. */
export interface RouterParts {
  readonly databases: ReadonlyMap<string, RoutedDatabase>
  readonly rules: DatabaseRules
  readonly contexts: Contexts
  readonly counters: Counters
  readonly runner: Runner
}

/** A statement that has been read, in the dialect of the database it seems to belong to. */
interface Asked {
  readonly sql: unknown
  readonly call: Call
  readonly context: Context
  readonly reader: RoutedDatabase
  readonly classification: Classification
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
/** A database (`users`) or one of its nodes (`users:replica-1`). */
type TargetOf<D> = (keyof D & string) | `${keyof D & string}:${string}`
type ClientOf<D> = D extends Database<unknown, infer Client> ? Client : unknown

/**
 * Decides for every statement which database, which role and which node it goes to, and runs it there. Made by
 * `createRouter`; `#run` tells how.
 */
export class Router<D extends Databases = Databases> implements PoolSource {
  readonly #databases: ReadonlyMap<string, RoutedDatabase>
  readonly #rules: DatabaseRules
  readonly #contexts: Contexts
  readonly #counters: Counters
  readonly #runner: Runner
  readonly #pools = new Map<string, unknown>()
  readonly #ports: Ports
  /** The database whose dialect reads a text that nothing else has placed yet. */
  readonly #any: RoutedDatabase
  #closing: Promise<void> | null = null
  readonly #inFlight = (nodeId: string): number => this.#counters.node(nodeId).inFlight

  /** @internal */
  constructor({ databases, rules, contexts, counters, runner }: RouterParts) {
    this.#databases = databases
    this.#rules = rules
    this.#contexts = contexts
    this.#counters = counters
    this.#runner = runner
    this.#any = [...databases.values()][0] as RoutedDatabase
    this.#ports = new Ports({
      runner,
      contexts,
      run: (...asked) => this.#run(...asked),
      locate: (...asked) => this.#locate(...asked),
      decide: (placed) => this.#decide(placed),
      joined,
      runInside: (...inside) => this.#runInside(...inside),
      database: (alias) => this.#database(alias),
    })
  }

  // ---------------------------------------------------------------- the path of a statement

  /** Scope → classify → which database → which role → which node → run → observe. */
  #run<T>(call: Call, statement: Statement, attempt: Attempt<T>): Promise<T> {
    const context = this.#contexts.current()
    const asked = this.#classify(call, statement, context)
    const placed = this.#whichDatabase(asked)
    const transaction = joined(call, placed)
    if (transaction !== null) return this.#runInside(transaction, placed, attempt)

    const answer = this.#whichRole(placed)
    const decision = this.#whichNode(placed, answer)
    const place = ({ nodeId }: Decision): unknown => connectorOf(placed.connectors, nodeId).native
    return this.#runner.run(placed, decision, place(decision), place, attempt)
  }

  /** The same up to the database, for those who go on by themselves: leases, transactions, `explain`. */
  #locate(call: Call, statement: Statement): Placed {
    return this.#whichDatabase(this.#classify(call, statement, this.#contexts.current()))
  }

  /** And from there to the node. */
  #decide(placed: Placed): Decision {
    return this.#whichNode(placed, this.#whichRole(placed))
  }

  #classify(call: Call, { sql }: Statement, context: Context): Asked {
    if (this.#closing !== null) throw closed()
    const alias = call.explicit?.alias ?? databaseFrame(context.frame)?.alias ?? call.pool?.alias ?? 'default'
    const reader = this.#databases.get(alias) ?? this.#any
    return { sql, call, context, reader, classification: reader.classifier.classify(sql) }
  }

  #whichDatabase({ sql, call, context, reader, classification }: Asked): Placed {
    const { pool, explicit } = call
    const frame = databaseFrame(context.frame)
    const { model, hints } = call.model === null ? (fromFrames(context.frame, 'about') ?? call) : call
    const home = whichDatabase(
      { classification, explicit, frame, model, hints, pool: pool?.alias ?? null },
      this.#rules,
    )
    const database = this.#database(home.alias)
    if (pool?.alias != null) refuseOtherDriver(this.#database(pool.alias), database)
    const readOnly = fromFrames(context.frame, 'readOnly') === true
    if (readOnly && mayWrite(classification)) throw readOnlyScope(sql, classification)
    const throughPool = pool?.alias === home.alias && pool.role !== null ? pool : null
    return {
      sql,
      context,
      scope: context.scope,
      readOnly,
      database,
      connectors: call.connectors(database),
      alias: home.alias,
      databaseRule: home.rule,
      explicit: home.rule === 'router-chain' || home.target?.role == null ? throughPool : home.target,
      routed: home.rule === 'router-chain' ? home.target : null,
      model: home.model,
      // The dialect and the declared functions are those of the database that was found.
      classification: database === reader ? classification : database.classifier.classify(sql),
    }
  }

  #whichRole({
    classification,
    explicit,
    routed,
    context,
    alias,
    scope,
    model,
    database,
  }: Placed): RoleAnswer {
    const asked = fromFrames(context.frame, 'reads')
    return whichRole({
      classification,
      explicit,
      routed,
      frame: roleFrame(context.frame, alias),
      openTransaction: scope.hasOpenTransaction(alias),
      hasWritten: scope.hasWritten(alias),
      preference: nearestToPrimary(asked, model?.reads ?? null) ?? database.reads,
      hasReplicas: database.snapshot.replicas.some(usable),
    })
  }

  #whichNode(placed: Placed, answer: RoleAnswer): Decision {
    const { alias, scope, database, classification, databaseRule } = placed
    const { snapshot, balancer } = database
    const pin = scope.pin(alias)
    const node = whichNode({ alias, snapshot, answer, pin, balancer, inFlight: this.#inFlight })
    // What the scope has chosen it keeps; what somebody named it does not.
    if (node.role === 'replica' && answer.nodeId === null && node.id !== pin) scope.setPin(alias, node.id)
    const { rule, reason } = answer
    const { intent } = classification
    return { alias, role: node.role, nodeId: node.id, intent, rule, reason, databaseRule }
  }

  /** On the connection of an open transaction; nothing moves there, and nothing is sent twice. */
  #runInside<T>(transaction: Transaction, placed: Placed, attempt: Attempt<T>): Promise<T> {
    const { alias, classification, context, database } = placed
    transaction.admit(alias, classification)
    const decision = inside(transaction.decision, classification.intent)
    const run = (): Promise<T> => this.#runner.once(placed, decision, transaction.connection.native, attempt)
    const turn = transaction.turn(context.transaction)
    const ran = turn === null ? run() : turn.then(run)
    return ran.catch((error: unknown) => {
      transaction.met(database.adapter.classifyError(error), error)
      throw error
    })
  }

  // ---------------------------------------------------------------- what the application calls

  /**
   * The pool to use in place of the driver's own: the same object at every call.
   *
   * @param alias a database, or one node of it (`users:primary`), to which the statements go that belong to this
   *   database and find no stronger word. Default `default`
   * @throws {SplitpoolError} `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`
   */
  pool(): PoolOf<D['default']>
  pool<A extends keyof D & string>(alias: A | `${A}:${string}`): PoolOf<D[A]>
  pool(alias = 'default'): unknown {
    let pool = this.#pools.get(alias)
    if (pool === undefined) {
      const target = parseTarget(alias, this.#rules.databases)
      const database = this.#database(target.alias ?? alias)
      pool = database.adapter.createPool(this.#ports.pool({ ...PLAIN_CALL, pool: target }, database))
      this.#pools.set(alias, pool)
    }
    return pool
  }

  /**
   * Runs `fn` as one request, job or message: it picks one replica of each database at random and keeps it, and reads
   * its own writes.
   *
   * @throws {SplitpoolError} `ERR_INVALID_OPTION`, `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`
   */
  scope<T>(fn: () => T, options?: ScopeOptions): Awaitable<T> {
    const settings =
      options === undefined ? null : frameSettings(options, this.#rules.databases, ['attributes'])
    checkAttributes(options?.attributes)
    this.#counters.scopes++
    return this.#contexts.runInScope(fn, settings, options?.attributes)
  }

  /**
   * Runs `fn` under further wishes, in the scope that is there. Each wish holds until a frame inside has another.
   *
   * @throws {SplitpoolError} `ERR_INVALID_OPTION`, `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`
   */
  with<T>(options: FrameOptions, fn: () => T): Awaitable<T> {
    return this.#contexts.runInFrame(frameSettings(options, this.#rules.databases), fn)
  }

  /**
   * Runs `fn` against a database (`users`), or with its reads on one node of it (`users:primary`, `users:replica-1`).
   * Writes go to the primary whatever a frame says.
   *
   * @throws {SplitpoolError} `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`
   */
  using<T>(target: TargetOf<D>, fn: () => T): Awaitable<T> {
    return this.#contexts.runInFrame({ target: parseTarget(target, this.#rules.databases) }, fn)
  }

  /** Runs `fn` with all its reads on the primary of whichever database they belong to. */
  primary<T>(fn: () => T): Awaitable<T> {
    return this.#contexts.runInFrame({ target: { alias: null, role: 'primary', nodeId: null } }, fn)
  }

  /**
   * Runs `fn` in a transaction on one connection: commits when it returns, rolls back when it throws. Inside, the
   * statements of `router.pool()` of the same database join it, those of clients borrowed from it too, and nested calls
   * are savepoints. A borrowed client that sends BEGIN has a connection and a transaction of its own.
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
    // The type of the client is that of `default` when no alias is given; a frame must not make it a lie.
    const typed = options.alias === undefined ? this.#databases.get('default') : undefined
    if (typed !== undefined) refuseOtherDriver(typed, database)
    const host = this.#ports.transaction(database)
    if (outer !== null) {
      checkNested(outer, options)
      return await outer.nested(host, callback)
    }

    const begin = beginStatements(database.dialect, { readOnly, isolationLevel })
    // A standby cannot serialise, and a replica would take locks for it: such a transaction is the primary's.
    const onReplica = readOnly && isolationLevel !== 'serializable'
    const opening = { sql: onReplica ? 'START TRANSACTION READ ONLY' : 'START TRANSACTION' }
    const placed = this.#locate({ ...PLAIN_CALL, explicit: { alias, role: null, nodeId: null } }, opening)
    const decision = this.#decide(placed)
    const borrowed = await this.#ports.connect(decision, PLAIN_CALL.connectors)
    const connection: Connection = {
      native: borrowed.native,
      run: (sql) => {
        const control = begin.includes(sql) ? decision : inside(decision, 'transaction')
        return this.#runner.once({ ...placed, sql }, control, null, () => borrowed.run(sql))
      },
      release: (error) => {
        borrowed.release(error)
      },
    }
    const { scope } = context
    const making = { scope, decision, readOnly, connection, outer: stillOpen(context.transaction) }
    return await Transaction.run(making, begin, host, callback)
  }

  /**
   * Where a statement would go from here, and why, without running it. The scope keeps the replica that is named, so
   * the answer holds for the statement when it comes.
   *
   * @throws {SplitpoolError} `ERR_INVALID_OPTION`, `ERR_UNKNOWN_MODEL`, and what choosing its place may throw
   */
  explain(sql: string, options: ExplainOptions = {}): Explanation {
    refuseUnknown(record(options, 'options'), ['model', 'alias'], 'options')
    const explicit = options.alias === undefined ? null : parseTarget(options.alias, this.#rules.databases)
    const model = options.model === undefined ? null : this.#rules.models.named(options.model)
    const placed = this.#locate({ ...PLAIN_CALL, explicit, model }, { sql })
    const transaction = openTransaction(placed.context.transaction, placed.alias)
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
    this.#closing ??= this.#ports.close(
      [...this.#databases.values()].flatMap(({ connectors }) => [...connectors.values()]),
    )
    return this.#closing
  }

  // ---------------------------------------------------------------- what adapters call

  /** @internal */
  describe(target: string): { readonly alias: string; readonly dialect: Dialect; readonly driver: string } {
    const { alias, dialect, adapter } = this.#database(
      parseTarget(target, this.#rules.databases).alias ?? target,
    )
    return { alias, dialect, driver: adapter.name }
  }

  /** @internal */
  openPool(name: string, open: OpenNode): PoolPort {
    if (this.#closing !== null) throw closed()
    const target = parseTarget(name, this.#rules.databases)
    return this.#ports.opened(target, this.#database(target.alias ?? name), open)
  }

  #database(alias: string): RoutedDatabase {
    const database = this.#databases.get(alias)
    if (database === undefined) throw unknownAlias(alias, this.#databases.keys())
    return database
  }
}

/** The transaction of the router's that a statement belongs to, if it was sent inside one. */
function joined(call: Call, { context, alias }: Placed): Transaction | null {
  return call.joins ? openTransaction(context.transaction, alias) : null
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
