import { EventEmitter } from 'node:events'
import pg, { type ClientConfig, type Pool, type PoolConfig } from 'pg'
import type { KeptLease, OpenNode, PoolPort, PoolSource } from '../adapter'
import { splitCallback } from '../callback'
import { checkModule, only, targetOf, without } from '../driver-module'
import type { NodeSettings } from '../resolve-node'
import { RoutedClient } from './client'
import { PgConnector } from './node'
import { RoutedPool } from './pool'
import { answer } from './query'

/** What says where a server is and who asks: the node's, whatever an ORM gives. */
const ADDRESS = ['connectionString', 'host', 'port', 'user', 'password', 'database', 'ssl', 'sslmode']

/**
 * pg for an ORM that makes its pools or clients itself (TypeORM's `driver`, Sequelize's `dialectModule`): the driver's
 * module with a `Pool` and a `Client` that are routed. Where the servers are is the router's to know; all other options
 * (the size of a pool, time-outs, parsers of types) are the ORM's.
 *
 * ```ts
 * new DataSource({ type: 'postgres', driver: driverModule(router), … })
 * new Sequelize({ dialect: 'postgres', dialectModule: driverModule(router), … })
 * ```
 *
 * An ORM that tells reads from writes itself may say so by `host`: `users:primary` reads from the primary as well.
 *
 * @param alias the database, or one node of it, for pools and clients whose `host` names none. Default `default`
 * @throws {SplitpoolError} `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`, `ERR_DIALECT_MISMATCH`, `ERR_INVALID_OPTION`
 */
export function driverModule(router: PoolSource, alias = 'default'): typeof pg {
  checkModule(router, alias, 'pg')
  const target = ({ host }: ClientConfig): string => targetOf(router, host, alias)

  class DriverPool extends RoutedPool {
    constructor(given: PoolConfig = {}) {
      super(router.openPool(target(given), opener(given)))
    }
  }
  class DriverClient extends SessionClient {
    constructor(given?: string | ClientConfig) {
      const config = typeof given === 'object' ? given : {}
      const connection = new EventEmitter()
      const own = { ...config, ...ONE_CONNECTION, Client: tellingParameters(connection) }
      super(router.openPool(target(config), opener(own)), config, connection)
    }
  }
  return Object.create(Object.getPrototypeOf(pg) as object, {
    ...Object.getOwnPropertyDescriptors(pg),
    Pool: { value: DriverPool, enumerable: true },
    Client: { value: DriverClient, enumerable: true },
    // libpq's bindings would go past the router.
    native: { value: null },
  }) as typeof pg
}

/** Nobody else uses the connection, so it stays until its client ends. */
const ONE_CONNECTION = { max: 1, idleTimeoutMillis: 0 }

/** Opens nodes with an ORM's options at the nodes' own addresses. */
function opener(given: PoolConfig): OpenNode {
  const own = without(given, ADDRESS)
  return (settings, node, events) => {
    const from = settings as NodeSettings
    const merged: NodeSettings =
      from.kind === 'options'
        ? { ...from, options: { ...from.options, ...own } }
        : { kind: 'options', url: null, options: { ...only((from.pool as Pool).options, ADDRESS), ...own } }
    return new PgConnector(merged, node, events)
  }
}

/** A client that tells the parameters its server reports, as `client.connection` does; Sequelize learns the version so. */
function tellingParameters(listener: EventEmitter): typeof pg.Client {
  return class extends pg.Client {
    constructor(config?: string | ClientConfig) {
      super(config)
      const { connection } = this as unknown as { readonly connection: EventEmitter }
      connection.on('parameterStatus', (message) => listener.emit('parameterStatus', message))
    }
  }
}

/** A `pg.Client` that is kept for long: it has a connection to each server it needs, and they are its own. */
class SessionClient extends RoutedClient {
  readonly #port: PoolPort
  readonly #lease: KeptLease
  #connected = false
  #ended: Promise<void> | null = null
  /** Emits `parameterStatus`. */
  readonly connection: EventEmitter

  constructor(port: PoolPort, config: ClientConfig, connection: EventEmitter) {
    const lease = port.keep()
    super(lease, { ...(port.connectors[0]?.native as Pool).options, ...without(config, ADDRESS) })
    this.#port = port
    this.#lease = lease
    this.connection = connection
  }

  /** Whether `end` was called; pg's name for it. */
  get _ending(): boolean {
    return this.#ended !== null
  }

  /** Connects to the server that a read would go to. */
  override connect(...args: unknown[]): Promise<never> | undefined {
    if (this.#connected) return super.connect(...args)
    this.#connected = true
    const connected = this.#lease
      .connection(() => this)
      .catch(async (error: unknown) => {
        // Nobody ends a client that has not connected.
        await this.#port.end()
        throw error
      })
    return answer(connected, splitCallback(args).callback, null) as Promise<never> | undefined
  }

  /** As the driver does, it leaves at once what is under way, which may never end. */
  override end(...args: unknown[]): Promise<void> | undefined {
    if (this.#ended === null) {
      this.release(true)
      this.#ended = this.#port.end().then(() => {
        this.emit('end')
      })
    }
    return answer(this.#ended, splitCallback(args).callback)
  }
}
