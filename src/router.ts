import type { Attempt, Connection, OpenNode, PoolPort, PoolSource, Statement } from './adapters/adapter'
import type { Picking, Random } from './balancing/balancer'
import { anyUsableFrom } from './balancing/candidates'
import { pickNode, settledNode, type NodeQuestion } from './balancing/which-node'
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
import type { NodeSnapshot } from './nodes/node'
import type { Counters, RouterStats } from './observe/counters'
import type { ShadowReport } from './observe/shadow-log'
import type { Databases, Mode } from './options'
import { closed, connectorOf, PLAIN_CALL, Ports, type Call, type Placed, type RoutedDatabase } from './ports'
import { ModelHandle } from './model-handle'
import { checkHints, ModelRules } from './model-rules'
import { record, refuseUnknown } from './refuse'
import type { Decision } from './routing/decision'
import { narrowing, shownGroups, type ReadFrom } from './routing/read-from'
import { nearestToPrimary, type ReadPreference } from './routing/read-preference'
import type { Rollout } from './routing/rollout'
import { inShadow } from './routing/shadow'
import type { Model, ModelKey, ModelOptions } from './routing/models'
import type { AliasMethod, Hints, MigrationHints } from './routing/router-chain'
import { parseTarget, targetText, unknownAlias, type Target } from './routing/target'
import { whichDatabase, type DatabaseRules } from './routing/which-database'
import { mayWrite, whichRole, type RoleAnswer } from './routing/which-role'
import type { Awaitable, Context, Contexts, WayBack } from './scope/context'
import { databaseFrame, fromFrames, roleFrame } from './scope/frame'
import { checkAttributes, frameSettings, type FrameOptions, type ScopeOptions } from './scope/scope-options'
import type { Classification, Intent } from './statement/classification'

/** The parts that `createRouter` wires. */
export interface RouterParts {
  readonly databases: ReadonlyMap<string, RoutedDatabase>
  readonly rules: DatabaseRules
  readonly mode: Mode
  /** The share of scopes whose reads may leave the primary; `null` for all. */
  readonly rollout: Rollout | null
  readonly random: Random
  readonly contexts: Contexts
  readonly counters: Counters
  readonly runner: Runner
}

/** A statement that has been read, in the dialect of the database it seems to belong to. */
interface Asked {
  readonly sql: unknown
  readonly textless: boolean | undefined
  readonly call: Call
  readonly context: Context
  readonly reader: RoutedDatabase
  readonly classification: Classification
}

export interface ExplainOptions {
  /** The model the statement is about, by name or class. */
  readonly model?: ModelKey
  /** What the router chain is told of it. */
  readonly hints?: Hints
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
  readonly #mode: Mode
  readonly #rollout: Rollout | null
  readonly #random: Random
  readonly #contexts: Contexts
  readonly #counters: Counters
  readonly #runner: Runner
  readonly #pools = new Map<string, unknown>()
  readonly #models: ModelRules
  readonly #handles = new Map<Model, ModelHandle>()
  readonly #ports: Ports
  /** The database whose dialect reads a text that nothing else has placed yet. */
  readonly #any: RoutedDatabase
  #closing: Promise<void> | null = null
  readonly #inFlight = (nodeId: string): number => this.#counters.node(nodeId).inFlight

  /** @internal */
  constructor({ databases, rules, mode, rollout, random, contexts, counters, runner }: RouterParts) {
    this.#databases = databases
    this.#rules = rules
    this.#models = new ModelRules(rules)
    this.#mode = mode
    this.#rollout = rollout
    this.#random = random
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

    const decision = this.#decide(placed)
    const place = ({ nodeId }: Decision): unknown => connectorOf(placed.connectors, nodeId).native
    return this.#runner.run(placed, decision, place(decision), place, attempt)
  }

  /** The same up to the database, for those who go on by themselves: leases, transactions, `explain`. */
  #locate(call: Call, statement: Statement): Placed {
    return this.#whichDatabase(this.#classify(call, statement, this.#contexts.current()))
  }

  /** Which role → which node. */
  #decide(placed: Placed): Decision {
    const decide = (): Decision => this.#whichNode(placed, this.#whichRole(placed))
    return this.#mode === 'split' ? decide() : inShadow(placed, decide)
  }

  #classify(call: Call, { sql, textless }: Statement, context: Context): Asked {
    if (this.#closing !== null) throw closed()
    const alias = call.explicit?.alias ?? databaseFrame(context.frame)?.alias ?? call.pool?.alias ?? 'default'
    const reader = this.#databases.get(alias) ?? this.#any
    return { sql, textless, call, context, reader, classification: reader.classifier.classify(sql) }
  }

  #whichDatabase({ sql, textless, call, context, reader, classification }: Asked): Placed {
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
    if (readOnly && textless !== true && mayWrite(classification)) throw readOnlyScope(sql, classification)
    const throughPool = pool?.alias === home.alias && pool.role !== null ? pool : null
    return {
      sql,
      context,
      scope: context.scope,
      readOnly,
      track: model === null ? null : this.#tracker(database),
      database,
      connectors: call.connectors(database),
      alias: home.alias,
      databaseRule: home.rule,
      explicit: home.rule === 'router-chain' || home.target?.role == null ? throughPool : home.target,
      routed: home.rule === 'router-chain' ? home.target : null,
      also: home.also,
      model: home.model,
      wishes: home.wishes,
      readFrom: narrowing(
        fromFrames(context.frame, 'readFrom') ?? home.wishes?.readFrom ?? database.readFrom,
      ),
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
    also,
    scope,
    wishes,
    database,
    readFrom,
  }: Placed): RoleAnswer {
    const asked = nearestToPrimary(fromFrames(context.frame, 'reads'), wishes?.reads ?? null)
    const joint = also.length > 0
    return whichRole({
      classification,
      explicit,
      routed,
      frame: roleFrame(context.frame, alias),
      openTransaction:
        scope.hasOpenTransaction(alias) || (joint && also.some((other) => scope.hasOpenTransaction(other))),
      hasWritten: scope.hasWritten(alias) || (joint && also.some((other) => scope.hasWritten(other))),
      asked,
      preference: this.#strictest(asked ?? database.reads, also),
      readFrom,
      hasCandidates: anyUsableFrom(database.snapshot.forReads, readFrom),
      rollout: this.#rollout,
      scope,
    })
  }

  /** Of a preference and those of the other databases whose tables are read too. */
  #strictest(preference: ReadPreference, also: readonly string[]): ReadPreference {
    let nearest = preference
    for (const other of also) nearest = nearestToPrimary(nearest, this.#database(other).reads) ?? nearest
    return nearest
  }

  #whichNode(placed: Placed, answer: RoleAnswer): Decision {
    const { alias, scope, database, classification, databaseRule, readFrom } = placed
    const { snapshot } = database
    const pin = scope.pin(alias, readFrom)
    const question = { alias, snapshot, answer, readFrom, pin }
    const node = settledNode(question) ?? this.#pick(placed, question)
    // What the scope has chosen it keeps; what somebody named it does not.
    if (answer.role !== 'primary' && answer.nodeId === null && node.id !== pin) {
      scope.setPin(alias, readFrom, node.id)
    }
    const { rule } = answer
    const { intent } = classification
    const reason = whyThere(answer, node, readFrom)
    return { alias, role: node.role, nodeId: node.id, intent, rule, reason, databaseRule }
  }

  #pick({ context, scope, wishes, database }: Placed, question: NodeQuestion): NodeSnapshot {
    const balancer = database.balancers.of(fromFrames(context.frame, 'balancer') ?? wishes?.balancer ?? null)
    const picking: Picking = {
      alias: database.alias,
      random: this.#random,
      get attributes() {
        return scope.attributes
      },
    }
    return pickNode(question, balancer, picking, this.#inFlight)
  }

  /** On the connection of an open transaction; nothing moves there, and nothing is sent twice. */
  #runInside<T>(transaction: Transaction, placed: Placed, attempt: Attempt<T>): Promise<T> {
    const { alias, also, classification, context, database } = placed
    transaction.admit(
      also.includes(transaction.decision.alias) ? transaction.decision.alias : alias,
      classification,
    )
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
      pool = this.#poolOf({ ...PLAIN_CALL, pool: parseTarget(alias, this.#rules.databases) })
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
   * `fn` for what calls it from elsewhere, as a queue or an emitter that several requests share does: it runs in the scope
   * and the frames in which `bind` was called.
   */
  bind<This, Given extends unknown[], Result>(
    fn: (this: This, ...given: Given) => Result,
  ): (this: This, ...given: Given) => Result {
    return this.#contexts.bind(fn)
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
    const context = this.#contexts.current()
    // Where nothing may be written the server is told, which knows what functions do.
    const readOnly = options.readOnly === true || fromFrames(context.frame, 'readOnly') === true
    const { isolationLevel } = options
    const alias = options.alias ?? databaseFrame(context.frame)?.alias ?? this.#homeOf(context, readOnly)
    const callback = fn as (client: unknown) => Promise<T> | T

    const outer = openTransaction(context.transaction, alias)
    const database = this.#database(alias)
    // The type of the client is that of `default` when no alias is given; a frame must not make it a lie.
    const typed = options.alias === undefined ? this.#databases.get('default') : undefined
    if (typed !== undefined && typed.adapter.name !== database.adapter.name)
      throw otherClient(typed, database)
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
    refuseUnknown(record(options, 'options'), ['model', 'hints', 'alias'], 'options')
    const explicit = options.alias === undefined ? null : parseTarget(options.alias, this.#rules.databases)
    const model = options.model === undefined ? null : this.#rules.models.named(options.model)
    const { hints = PLAIN_CALL.hints } = options
    checkHints(hints)
    const call = { ...PLAIN_CALL, explicit, model, hints }
    const placed = this.#locate(call, { sql })
    const transaction = joined(call, placed)
    const decision =
      transaction === null ? this.#decide(placed) : inside(transaction.decision, placed.classification.intent)
    return { ...decision, classification: placed.classification }
  }

  /** A copy of the counters: scopes, decisions by rule, statements by node. */
  stats(): RouterStats {
    return this.#counters.snapshot()
  }

  /** What `mode: 'shadow'` has held back so far: statements that would have gone to replicas, by model and by text. */
  shadow(): ShadowReport {
    return this.#counters.shadow.report()
  }

  /** Ends every pool that splitpool made; those that the application made are its own to end. */
  close(): Promise<void> {
    this.#closing ??= this.#ports.close(
      [...this.#databases.values()].flatMap(({ connectors }) => [...connectors.values()]),
    )
    return this.#closing
  }

  // ---------------------------------------------------------------- models, and where they live

  /**
   * Defines a model, by its name or its class. It is bound now: what happens to `options` afterwards changes nothing.
   *
   * @throws {SplitpoolError} `ERR_INVALID_OPTION` for one that is defined already, and for a bind key that no database has;
   *   `ERR_UNKNOWN_MODEL` for the one it extends
   */
  defineModel(model: ModelKey, options: ModelOptions = {}): void {
    this.#models.define(model, options)
  }

  /**
   * A model, to send statements that are about it whatever their text says: through its pool, or through any ORM in its `run`.
   *
   * @param hints what the router chain is told; `instance` is the object that the statements are about
   * @throws {SplitpoolError} `ERR_UNKNOWN_MODEL`, `ERR_INVALID_OPTION` for hints that are no object
   */
  model(key: ModelKey, hints?: Hints): ModelHandle<PoolOf<D[keyof D]>> {
    const model = this.#rules.models.named(key)
    if (hints !== undefined) {
      checkHints(hints)
      return this.#handle(model, hints)
    }
    const known = this.#handles.get(model) as ModelHandle<PoolOf<D[keyof D]>> | undefined
    if (known !== undefined) return known
    const handle = this.#handle(model, PLAIN_CALL.hints)
    this.#handles.set(model, handle)
    return handle
  }

  /**
   * Where a read of the model goes: `users`, or `users:replica-1` where a router of the chain or a frame names a node. As in
   * Django: the router chain, the model's bind key, the database of `hints.instance`, `default`; a `using` frame before all.
   *
   * @throws {SplitpoolError} `ERR_UNKNOWN_MODEL`, `ERR_ROUTER_ANSWER`, `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`; and whatever
   *   a router throws
   */
  dbForRead(model: ModelKey, hints: Hints = PLAIN_CALL.hints): string {
    return this.#dbFor('dbForRead', model, hints)
  }

  /** The same for a write. */
  dbForWrite(model: ModelKey, hints: Hints = PLAIN_CALL.hints): string {
    return this.#dbFor('dbForWrite', model, hints)
  }

  /**
   * Whether two objects may be related: what the first router with an opinion says, else whether both are tracked in the same
   * database, or neither is tracked.
   */
  allowRelation(one: unknown, other: unknown, hints: Hints = PLAIN_CALL.hints): boolean {
    return this.#models.allowRelation(one, other, hints)
  }

  /**
   * Whether a migration of a group of models may run on a database: what the first router with an opinion says, else yes.
   *
   * @throws {SplitpoolError} `ERR_UNKNOWN_ALIAS`
   */
  allowMigrate(
    alias: keyof D & string,
    group: string | null,
    hints: MigrationHints = PLAIN_CALL.hints,
  ): boolean {
    return this.#models.allowMigrate(alias, group, hints)
  }

  /**
   * The same for one model.
   *
   * @throws {SplitpoolError} `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_MODEL`
   */
  allowMigrateModel(alias: keyof D & string, key: ModelKey): boolean {
    const model = this.#rules.models.named(key)
    return this.#models.allowMigrate(alias, model.group, { model })
  }

  /**
   * The aliases on which a model needs its table: those that the router chain allows, and where it has no opinion the one that
   * its writes go to. For an object that is tracked, its database; without an argument, all aliases.
   *
   * @throws {SplitpoolError} `ERR_UNKNOWN_MODEL`; and whatever a router throws
   */
  aliasesFor(about?: ModelKey | object): string[] {
    return this.#models.aliasesFor(about)
  }

  /** For each alias the names of the models whose tables are to be created there, in the order of their definition. */
  migrationTargets(): Record<string, string[]> {
    return this.#models.migrationTargets()
  }

  /**
   * Remembers, weakly, which database an object came from or went to: Django's `_state.db`.
   *
   * @param target an alias, or a node, whose alias counts
   * @returns the object
   * @throws {SplitpoolError} `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`, `ERR_INVALID_OPTION` for what is no object
   */
  track<T extends object>(instance: T, target: TargetOf<D>): T {
    this.#models.track(instance, target)
    return instance
  }

  /** The alias of the database that an object is tracked in; `undefined` for any other value. */
  aliasOf(instance: unknown): string | undefined {
    return this.#rules.instances.aliasOf(instance) ?? undefined
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

  /** @internal */
  wayBack(begins: boolean): WayBack {
    return this.#contexts.wayBack(begins)
  }

  /** The database of the model that the code is about, for a transaction; without one, `default`. */
  #homeOf({ frame }: Context, readOnly: boolean): string {
    const about = fromFrames(frame, 'about')
    if (about === null) return 'default'
    const method = readOnly ? 'dbForRead' : 'dbForWrite'
    return this.#models.dbFor(method, about.model, about.hints).alias ?? 'default'
  }

  /** Where a model lives; a frame that names a database comes before everything. */
  #dbFor(method: AliasMethod, key: ModelKey, hints: Hints): string {
    const model = this.#rules.models.named(key)
    checkHints(hints)
    const frame = databaseFrame(this.#contexts.current().frame)
    if (frame?.alias == null) return targetText(this.#models.dbFor(method, model, hints))
    return method === 'dbForRead' ? targetText(frame) : frame.alias
  }

  #handle(model: Model, hints: Hints): ModelHandle<PoolOf<D[keyof D]>> {
    const target: Target = { alias: model.bind ?? 'default', role: null, nodeId: null }
    return new ModelHandle(model, hints, {
      pool: () => this.#poolOf({ ...PLAIN_CALL, pool: target, model, hints }) as PoolOf<D[keyof D]>,
      run: (fn) => this.#contexts.runInFrame({ about: { model, hints } }, fn),
    })
  }

  #poolOf(call: Call & { readonly pool: Target }): unknown {
    const database = this.#database(call.pool.alias ?? 'default')
    return database.adapter.createPool(this.#ports.pool(call, database))
  }

  /** Remembers where the rows of a result came from. */
  #tracker({ adapter }: RoutedDatabase): (result: unknown, alias: string) => void {
    const { instances } = this.#rules
    return (result, alias) => {
      for (const row of adapter.rowsOf(result)) {
        if (typeof row === 'object' && row !== null) instances.track(row, alias)
      }
    }
  }

  #database(alias: string): RoutedDatabase {
    const database = this.#databases.get(alias)
    if (database === undefined) throw unknownAlias(alias, this.#databases.keys())
    return database
  }
}

/** The transaction of the router's that a statement belongs to, if it was sent inside one. */
function joined(call: Call, { context, alias, also }: Placed): Transaction | null {
  if (!call.joins || context.transaction === null) return null
  for (const each of [alias, ...also]) {
    const transaction = openTransaction(context.transaction, each)
    if (transaction !== null) return transaction
  }
  return null
}

/** The decision on a statement of a transaction: where the transaction is. */
function inside(decision: Decision, intent: Intent): Decision {
  return { ...decision, intent, rule: 'transaction', reason: 'inside router.transaction' }
}

/** Why it is this node, where the rule alone does not say it. */
function whyThere({ role, reason }: RoleAnswer, node: NodeSnapshot, readFrom: ReadFrom | null): string {
  if (role === 'primary') return reason
  const where = readFrom === null ? reason : `${reason}; ${shownGroups(readFrom)}`
  return node.role === 'primary' ? `${where}; the primary takes its share of the reads` : where
}

function otherClient(typed: RoutedDatabase, { alias, dialect }: RoutedDatabase): SplitpoolError {
  return new SplitpoolError(
    'ERR_DIALECT_MISMATCH',
    `This transaction belongs to ${alias} (${dialect}), whose client is not that of ${typed.alias} (${typed.dialect}); ask for it by its alias: router.transaction(fn, { alias: '${alias}' })`,
  )
}

function refuseOtherDriver(through: RoutedDatabase, belongs: RoutedDatabase): void {
  if (through.adapter.name === belongs.adapter.name) return
  throw new SplitpoolError(
    'ERR_DIALECT_MISMATCH',
    `A statement for ${belongs.alias} (${belongs.dialect}) came through the pool of ${through.alias} (${through.dialect}); send it through router.pool('${belongs.alias}')`,
  )
}
