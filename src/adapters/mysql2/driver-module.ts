import mysql2, { type ConnectionOptions, type Pool, type PoolOptions } from 'mysql2'
import type { OpenNode, PoolPort, PoolSource } from '../adapter'
import { tell, type Callback } from '../callback'
import { checkModule, only, targetOf, without } from '../driver-module'
import type { NodeSettings } from '../resolve-node'
import { RoutedConnection } from './client'
import { configOf } from './driver'
import { corePool, Mysql2Connector } from './node'
import { RoutedPool } from './pool'

/** What says where a server is and who asks: the node's, whatever an ORM gives. */
const ADDRESS = [
  'uri',
  'host',
  'port',
  'socketPath',
  'localAddress',
  'user',
  'password',
  'password1',
  'password2',
  'password3',
  'passwordSha1',
  'database',
  'ssl',
  'authPlugins',
]

/**
 * mysql2 for an ORM that makes its pools or connections itself (TypeORM's `driver`, Sequelize's `dialectModule`): the
 * driver's module with a `createPool`, a `createConnection` and a `createPoolCluster` that are routed. Where the servers
 * are is the router's to know; all other options (the size of a pool, time-outs, how values are parsed) are the ORM's.
 *
 * ```ts
 * new DataSource({ type: 'mysql', driver: driverModule(router), … })
 * new Sequelize({ dialect: 'mysql', dialectModule: driverModule(router), … })
 * ```
 *
 * An ORM that tells reads from writes itself may say so by `host`: `users:primary` reads from the primary as well.
 *
 * @param alias the database, or one node of it, for pools and connections whose `host` names none. Default `default`
 * @throws {SplitpoolError} `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`, `ERR_DIALECT_MISMATCH`, `ERR_INVALID_OPTION`
 */
export function driverModule(router: PoolSource, alias = 'default'): typeof mysql2 {
  checkModule(router, alias, 'mysql2')
  const open = (given: string | PoolOptions, more: PoolOptions): PoolPort => {
    const options = typeof given === 'string' ? {} : given
    return router.openPool(targetOf(router, options.host, alias), opener({ ...options, ...more }))
  }
  const createPool = (given: string | PoolOptions): RoutedPool => new RoutedPool(open(given, {}))
  const createConnection = (given: string | ConnectionOptions): SessionConnection =>
    new SessionConnection(open(given, ONE_CONNECTION))
  const replaced = {
    createPool,
    createConnection,
    connect: createConnection,
    createPoolCluster: (config?: object) => new RoutedCluster(createPool, config),
    createPoolPromise: (given: string | PoolOptions) => (createPool(given) as unknown as Pool).promise(),
    createConnectionPromise: (given: string | ConnectionOptions) => createConnection(given).connected(),
    createPoolClusterPromise: () => {
      throw new Error('There is no routed createPoolClusterPromise; use createPoolCluster')
    },
  }
  return Object.create(Object.getPrototypeOf(mysql2) as object, {
    ...Object.getOwnPropertyDescriptors(mysql2),
    ...Object.fromEntries(
      Object.entries(replaced).map(([name, value]) => [name, { value, enumerable: true }]),
    ),
  }) as typeof mysql2
}

/** Nobody else uses the connection. */
const ONE_CONNECTION = { connectionLimit: 1 }

/** Opens nodes with an ORM's options at the nodes' own addresses. */
function opener(given: PoolOptions): OpenNode {
  const own = without(given, ADDRESS)
  return (settings, node, events) => {
    const from = settings as NodeSettings
    const merged: NodeSettings =
      from.kind === 'options'
        ? { ...from, options: { ...from.options, ...own } }
        : { kind: 'options', url: null, options: { ...addressOf(from.pool), ...own } }
    return new Mysql2Connector(merged, node, events)
  }
}

function addressOf(pool: object): Record<string, unknown> {
  return only(configOf(corePool(pool as Pool)).connectionConfig, ADDRESS)
}

/** A mysql2 `Connection` that is kept for long: it has a connection to each server it needs, and they are its own. */
class SessionConnection extends RoutedConnection {
  readonly #port: PoolPort
  readonly #connecting: Promise<unknown>
  #ended: Promise<void> | null = null

  /** Connects to the server that a read would go to, and emits `connect` or `error`, as the driver's does. */
  constructor(port: PoolPort) {
    const lease = port.keep()
    const { connectionConfig } = configOf(port.connectors[0]?.native as Parameters<typeof configOf>[0])
    super(lease, connectionConfig)
    this.#port = port
    this.#connecting = lease.connection(() => undefined)
    this.#connecting.then(
      () => this.emit('connect'),
      (error: unknown) => {
        // Nobody ends a connection that could not be made.
        void port.end()
        if (this.listenerCount('error') > 0) this.emit('error', error)
      },
    )
  }

  override connect(callback: Callback = ignore): void {
    tell(
      this.#connecting.then(() => []),
      callback,
    )
  }

  /** Its promise form, once it has connected. */
  async connected(): Promise<unknown> {
    await this.#connecting
    return this.promise()
  }

  /** Whether `end` or `destroy` was called; the driver's name for it. */
  get _closing(): boolean {
    return this.#ended !== null
  }

  /** What ORMs look at to learn whether a connection is of use. */
  get stream(): { readonly destroyed: boolean } {
    return { destroyed: this._closing }
  }

  /** Ends once what was sent before has ended. */
  override end(callback?: Callback): void {
    super.release()
    this.#end(callback)
  }

  override destroy(): void {
    super.destroy()
    this.#end()
  }

  /** It is no pool's. */
  override release(): void {
    this.end()
  }

  #end(callback: Callback = ignore): void {
    this.#ended ??= this.#port.end().then(() => {
      this.emit('end')
    })
    tell(
      this.#ended.then(() => []),
      callback,
    )
  }
}

/** mysql2's cluster of pools, which its typings leave out as a class. */
const { PoolCluster } = mysql2 as unknown as {
  readonly PoolCluster: new (config?: object) => {
    readonly _nodes: Readonly<Record<string, { pool: unknown }>>
    add(id: string | object, config?: object): void
  }
}

/** The driver's own, over routed pools. TypeORM keeps its `master` and `slaves` in one. */
class RoutedCluster extends PoolCluster {
  readonly #createPool: (config: PoolOptions) => RoutedPool

  constructor(createPool: (config: PoolOptions) => RoutedPool, config?: object) {
    super(config)
    this.#createPool = createPool
  }

  override add(...args: [id: string, config: object] | [config: object]): void {
    super.add(...(args as [string, object]))
    const config = args.at(-1) as PoolOptions
    for (const node of Object.values(this._nodes)) {
      // The driver has made a pool of its own there, which has opened nothing.
      if (!(node.pool instanceof RoutedPool)) node.pool = this.#createPool(config)
    }
  }
}

function ignore(): void {
  // The caller did not ask.
}
