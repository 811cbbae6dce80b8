import type { EventEmitter } from 'node:events'
import type { Knex } from 'knex'
import type { Dialect } from '../../dialects/dialect'
import { refuse } from '../../refuse'
import type { Connection, Connector, NodeEvents, NodeIdentity } from '../adapter'
import type { NodeSettings } from '../resolve-node'
import { clientName, type DialectClass, type DialectClient } from './dialect'
import { greetReplica } from './greeting'

/** A driver's connection, with the mark that Knex's pools go by. */
type Native = object & { __knex__disposed?: unknown }
type Emitter = Pick<EventEmitter, 'on' | 'off'>

/** Which client of a node a connection belongs to. */
export type Owners = WeakMap<object, DialectClient>

/** One server through a client of Knex's own, with the pool that Knex makes for it. */
export class KnexConnector implements Connector {
  readonly native: DialectClient
  readonly #owners: Owners
  readonly #survives: boolean
  #ended: Promise<void> | null = null

  /**
   * @param config the application's: pool options, `searchPath`, `acquireConnectionTimeout`, …
   * @param connected called when the client has made a connection, by which it knows the version of the server
   */
  constructor(
    Client: DialectClass,
    config: Knex.Config,
    settings: NodeSettings,
    node: NodeIdentity,
    events: NodeEvents,
    owners: Owners,
    connected: (client: DialectClient) => void,
  ) {
    const greet = node.role === 'replica' ? greetReplica(node, events) : null
    class NodeClient extends Client {
      override async acquireRawConnection(): Promise<object> {
        const connection = await super.acquireRawConnection()
        try {
          await greet?.(this, connection)
        } catch (error) {
          await this.destroyRawConnection(connection)
          throw error
        }
        connected(this)
        return connection
      }
    }
    this.native = new NodeClient({
      ...config,
      client: clientName(node.dialect),
      pool: { min: 0, ...config.pool },
      ...(settings.kind === 'pool'
        ? { connectionPool: settings.pool as Knex.ConnectionPool }
        : { connection: connectionOf(settings, node.dialect) }),
    })
    if (settings.kind === 'pool' && this.native.pool === undefined) {
      refuse(node.id, 'the options of a node, since Knex takes a pool from 3.3 on', settings.pool)
    }
    this.#owners = owners
    this.#survives = settings.kind === 'pool'
  }

  connect(): Promise<Connection> {
    return (this.native.acquireConnection() as Promise<Native>).then((connection) => {
      if (!this.#owners.has(connection)) this.#owners.set(connection, this.native)
      return new KnexConnection(this.native, connection, this.#survives)
    })
  }

  end(): Promise<void> {
    this.#ended ??= this.native.destroy()
    return this.#ended
  }
}

class KnexConnection implements Connection {
  readonly native: Native
  readonly #client: DialectClient
  readonly #survives: boolean

  /** @param survives whether it must be kept from ending the process when it is lost, which Knex does for its own */
  constructor(client: DialectClient, native: Native, survives: boolean) {
    this.#client = client
    this.native = native
    this.#survives = survives
    if (survives) (native as Emitter).on('error', ignore)
  }

  async run(sql: string): Promise<string | undefined> {
    const { response } = await this.#client._query(this.native, { sql })
    return (response as { readonly command?: string }).command
  }

  /** Knex's pools close a connection with this mark instead of handing it out again. */
  release(error?: unknown): void {
    if (this.#survives) (this.native as Emitter).off('error', ignore)
    if (error !== undefined) this.native.__knex__disposed = error
    this.#client.releaseConnection(this.native)
  }
}

/** The settings of a node as Knex takes them, with what Knex itself reads of them beside the URL. */
function connectionOf(
  { url, options }: Extract<NodeSettings, { kind: 'options' }>,
  dialect: Dialect,
): Knex.StaticConnectionConfig {
  if (url === null) return options
  const { pathname, searchParams } = new URL(url)
  const database = decodeURIComponent(pathname.slice(1))
  const charset = searchParams.get('charset')
  return {
    ...(database === '' ? {} : { database }),
    ...(dialect === 'postgres' || charset === null ? {} : { charset }),
    ...options,
    [dialect === 'postgres' ? 'connectionString' : 'uri']: url,
  }
}

function ignore(): void {
  // Whoever runs a statement on the connection learns of it from the statement.
}
