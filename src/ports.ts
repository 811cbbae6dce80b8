import type {
  Adapter,
  Attempt,
  Connection,
  Connector,
  OpenNode,
  PoolPort,
  Run,
  Statement,
} from './adapters/adapter'
import type { Balancers } from './balancing/balancers'
import type { Dialect } from './dialects/dialect'
import { SplitpoolError } from './errors'
import { KeptLease } from './execution/kept-lease'
import { LateLease, type LeasePort, type Located } from './execution/lease'
import type { Runner } from './execution/runner'
import type { Transaction, TransactionHost } from './execution/transaction'
import type { DatabaseSnapshot } from './nodes/node'
import type { Decision } from './routing/decision'
import type { Model } from './routing/models'
import type { ReadFrom } from './routing/read-from'
import type { ReadPreference } from './routing/read-preference'
import { NO_HINTS, type Hints } from './routing/router-chain'
import type { Target } from './routing/target'
import type { Wishes } from './routing/which-database'
import type { Context, Contexts } from './scope/context'
import type { Classifier } from './statement/classifier'

/** One database as the router works with it. */
export interface RoutedDatabase {
  readonly alias: string
  readonly dialect: Dialect
  readonly adapter: Adapter
  readonly classifier: Classifier
  readonly balancers: Balancers
  readonly reads: ReadPreference
  readonly readFrom: ReadFrom
  /** What is known of its nodes now. */
  readonly snapshot: DatabaseSnapshot
  /** Its nodes through their driver, by id, the primary first. */
  readonly connectors: Connectors
  /** Opens them once more, for a pool that has connections of its own. */
  readonly open: (open: OpenNode) => Connectors
}

export type Connectors = ReadonlyMap<string, Connector>

/** How a statement reached the router. */
export interface Call {
  /** The pool it came through: a database, or one node of it. */
  readonly pool: Target | null
  /** The call's own word. */
  readonly explicit: Target | null
  readonly model: Model | null
  readonly hints: Hints
  /** The connections to run on: those of the database, or a pool's own. */
  readonly connectors: (database: RoutedDatabase) => Connectors
  /** Inside `router.transaction` its statements join that; not those of an ORM that parses values in its own way. */
  readonly joins: boolean
}

/** A statement whose database is known, and what else the choice of its role looks at. */
export interface Placed extends Located {
  readonly database: RoutedDatabase
  readonly connectors: Connectors
  readonly context: Context
  /** The role or node that the call, its comment or the pool asks for. */
  readonly explicit: Target | null
  /** What a router of the chain answered with. */
  readonly routed: Target | null
  /** What its models wish for its reads. */
  readonly wishes: Wishes | null
  /** The groups of nodes that it may be read from; `null` for any. */
  readonly readFrom: ReadFrom | null
}

/** The path of a statement, as far as ports walk it; the router's. */
export interface Path {
  readonly runner: Runner
  readonly contexts: Contexts
  run<T>(call: Call, statement: Statement, attempt: Attempt<T>): Promise<T>
  locate(call: Call, statement: Statement): Placed
  decide(placed: Placed): Decision
  /** The transaction of the router's that a statement belongs to, if it was sent inside one. */
  joined(call: Call, placed: Placed): Transaction | null
  runInside<T>(transaction: Transaction, placed: Placed, attempt: Attempt<T>): Promise<T>
  database(alias: string): RoutedDatabase
}

/** A call that says nothing, over the database's own connections. */
export const PLAIN_CALL: Call = {
  pool: null,
  explicit: null,
  model: null,
  hints: NO_HINTS,
  connectors: ({ connectors }) => connectors,
  joins: true,
}

/** What adapters call: pools, leases and transactions, each with the ways into the path that it needs. */
export class Ports {
  readonly #path: Path
  /** The pools that adapters have opened and not ended. */
  readonly #opened = new Set<PoolPort>()

  constructor(path: Path) {
    this.#path = path
  }

  pool(call: Call, database: RoutedDatabase): PoolPort {
    const { role = null, nodeId = null } = call.pool ?? {}
    const own = call.connectors(database)
    const nodes = database.snapshot.nodes
      .filter((node) => role === null || (nodeId === null ? node.role === role : node.id === nodeId))
      .flatMap(({ id }) => own.get(id) ?? [])
    return {
      connectors: nodes,
      run: (statement, attempt) => rejecting(() => this.#path.run(call, statement, attempt)),
      lease: () => new LateLease(this.#lease(call)),
      keep: () => new KeptLease(this.#lease(call)),
      client: (lease) => {
        const like = connectorOf(database.connectors, database.snapshot.primary.id)
        return database.adapter.createClient(lease, like)
      },
      end: () => endAll(nodes),
    }
  }

  /** A pool with connections of its own, opened by `open`. */
  opened(target: Target, database: RoutedDatabase, open: OpenNode): PoolPort {
    const opened = new Map<RoutedDatabase, Connectors>()
    let ended: Promise<void> | null = null
    const connectors = (of: RoutedDatabase): Connectors => {
      let own = opened.get(of)
      if (own === undefined) {
        if (ended !== null) throw closed()
        opened.set(of, (own = of.open(open)))
      }
      return own
    }
    const call: Call = { ...PLAIN_CALL, pool: target, connectors, joins: false }
    const kept: KeptLease<Placed>[] = []
    const end = async (): Promise<void> => {
      this.#opened.delete(port)
      // Who keeps a connection for long may never give it back, and the driver's pool would wait for it.
      await Promise.all(kept.map((lease) => lease.end()))
      await endAll([...opened.values()].flatMap((own) => [...own.values()]))
    }
    const port: PoolPort = {
      ...this.pool(call, database),
      keep: () => {
        const lease = new KeptLease(this.#lease(call))
        kept.push(lease)
        return lease
      },
      end: () => (ended ??= end()),
    }
    this.#opened.add(port)
    return port
  }

  transaction({ alias, adapter }: RoutedDatabase): TransactionHost {
    const { contexts } = this.#path
    const call: Call = { ...PLAIN_CALL, pool: { alias, role: null, nodeId: null } }
    return {
      classifyError: (error) => adapter.classifyError(error),
      runInside: (transaction, fn) => {
        const run: Run = (statement, attempt) =>
          rejecting(() => this.#path.runInside(transaction, this.#path.locate(call, statement), attempt))
        const client = adapter.createTransactionClient(transaction.connection, { run })
        return contexts.runInTransaction(transaction, () => fn(client))
      },
    }
  }

  connect({ alias, nodeId }: Decision, connectors: Call['connectors']): Promise<Connection> {
    const connector = connectorOf(connectors(this.#path.database(alias)), nodeId)
    return this.#path.contexts.outside(() => connector.connect())
  }

  /** Ends those that adapters have opened, and what is given besides. */
  close(connectors: readonly Connector[]): Promise<void> {
    return endAll([...connectors, ...this.#opened])
  }

  #lease(call: Call): LeasePort<Placed> {
    const { runner } = this.#path
    return {
      runner,
      locate: (statement) => this.#path.locate(call, statement),
      decide: (placed) => this.#path.decide(placed),
      join: (placed, attempt) => {
        const transaction = this.#path.joined(call, placed)
        return transaction === null ? null : this.#path.runInside(transaction, placed, attempt)
      },
      connect: (decision) => this.connect(decision, call.connectors),
    }
  }
}

export function connectorOf(connectors: Connectors, nodeId: string): Connector {
  const connector = connectors.get(nodeId)
  if (connector === undefined) throw new SplitpoolError('ERR_UNKNOWN_NODE', `Unknown node ${nodeId}`)
  return connector
}

export function closed(): SplitpoolError {
  return new SplitpoolError('ERR_CLOSED', 'The router has been closed')
}

/** What is refused before it runs is a rejection too; an `async` function would cost each statement one promise more. */
function rejecting<T>(run: () => Promise<T>): Promise<T> {
  try {
    return run()
  } catch (error) {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- also what a router of the chain threw
    return Promise.reject(error)
  }
}

/** Ends all, even when some fail to; then throws what the first of them threw. */
async function endAll(pools: readonly Pick<Connector, 'end'>[]): Promise<void> {
  const ended = await Promise.allSettled(pools.map((pool) => pool.end()))
  const failed = ended.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
