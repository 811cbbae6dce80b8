import type { Adapter, Connection, Connector, ErrorClass, Lease, PoolPort, Run } from '../adapters/adapter'
import { resolveNode, type NodeOptions } from '../adapters/resolve-node'
import type { Database, DatabaseOptions } from '../database'
import type { Dialect } from '../dialects/dialect'

/** A server that answers each statement with its own id, and does as it is told. */
export class FakeNode {
  readonly id: string
  /** The statements it got, in their order. */
  readonly statements: string[] = []
  /** Connections borrowed and not given back. */
  borrowed = 0
  /** What it answers a statement with; throw to make it fail. Default: its id. */
  answer: (sql: string) => unknown = () => this.id
  /** Why connections were closed instead of given back. */
  readonly closedWith: unknown[] = []

  constructor(id: string) {
    this.id = id
  }

  async query(sql: string): Promise<unknown> {
    this.statements.push(sql)
    return await Promise.resolve(this.answer(sql))
  }
}

/** An error of a fake node, by what the driver would say of it. */
export class FakeError extends Error {
  readonly errorClass: ErrorClass

  constructor(errorClass: ErrorClass) {
    super(`fake ${errorClass} error`)
    this.errorClass = errorClass
  }
}

export interface FakePool {
  query(sql: string): Promise<unknown>
  connect(): FakeClient
  /** A client that is kept for long. */
  keep(): FakeClient
  end(): Promise<void>
}

export interface FakeClient {
  query(sql: string): Promise<unknown>
  release(error?: unknown): void
}

export interface FakeOptions extends DatabaseOptions {
  readonly dialect?: Dialect
  /** Its nodes are on the same servers as those of the same name in other databases with a `schema`; and this is theirs. */
  readonly schema?: string
  readonly primary?: FakeNodeOptions
  /** Default two. */
  readonly replicas?: readonly FakeNodeOptions[]
}

type FakeNodeOptions = Pick<NodeOptions<never>, 'id' | 'weight' | 'tags' | 'reads'>

/** A database without servers, for unit tests. Its nodes are found by id: `nodes.get('default:primary')`. */
export function fakeDatabase(
  nodes: Map<string, FakeNode>,
  { dialect = 'postgres', schema, primary, replicas = [{}, {}], ...options }: FakeOptions = {},
): Database<FakePool, FakeClient> {
  const node = { host: 'fake' }
  return {
    adapter: new FakeAdapter(nodes, `fake-${dialect}`, schema ?? null),
    dialect,
    options: {
      primary: { ...node, ...primary },
      replicas: replicas.map((replica) => ({ ...node, ...replica })),
      ...options,
    },
  }
}

class FakeAdapter implements Adapter {
  readonly name: string
  readonly #nodes: Map<string, FakeNode>

  readonly #schema: string | null

  constructor(nodes: Map<string, FakeNode>, name: string, schema: string | null) {
    this.name = name
    this.#nodes = nodes
    this.#schema = schema
  }

  resolveNode(given: unknown, path: string): ReturnType<Adapter['resolveNode']> {
    return resolveNode(given, path, { protocols: ['fake:'], urlOption: 'uri', isPool: () => false })
  }

  openNode(_settings: unknown, { id }: { readonly id: string }): Connector {
    const node = new FakeNode(id)
    this.#nodes.set(id, node)
    const schema = this.#schema
    return {
      native: node,
      server: schema === null ? null : { server: id.slice(id.indexOf(':')), schema },
      connect: () => Promise.resolve(borrow(node)),
      end: () => Promise.resolve(),
    }
  }

  createPool({ run, lease, keep, end }: PoolPort): FakePool {
    return {
      query: (sql) => query(run, sql),
      connect: () => client(lease()),
      keep: () => client(keep()),
      end,
    }
  }

  createClient(lease: Lease): FakeClient {
    return client(lease)
  }

  createTransactionClient(_connection: Connection, { run }: { readonly run: Run }): FakeClient {
    return { query: (sql) => query(run, sql), release: () => undefined }
  }

  classifyError(error: unknown): ErrorClass {
    return error instanceof FakeError ? error.errorClass : 'other'
  }

  rowsOf(result: unknown): readonly unknown[] {
    return [result].flat()
  }
}

function query(run: Run, sql: string): Promise<unknown> {
  return run({ sql }, (native) => (native as FakeNode).query(sql))
}

function client(lease: Lease): FakeClient {
  return {
    query: (sql) => query((statement, attempt) => lease.run(statement, attempt), sql),
    release: (error) => {
      lease.release(error)
    },
  }
}

function borrow(node: FakeNode): Connection {
  node.borrowed++
  return {
    native: node,
    run: async (sql) => {
      const tag = await node.query(sql)
      return typeof tag === 'string' ? tag : undefined
    },
    release: (error) => {
      node.borrowed--
      if (error !== undefined) node.closedWith.push(error)
    },
  }
}
