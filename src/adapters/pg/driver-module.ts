import { EventEmitter } from 'node:events'
import pg, { type ClientConfig, type Pool, type PoolConfig } from 'pg'
import type { PoolSource } from '../adapter'
import { checkModule, openerOf, targetOf, without } from '../driver-module'
import { KeptClient } from './kept-client'
import { PgConnector } from './node'
import { RoutedPool } from './pool'

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
      super(router.openPool(target(given), openerOf(given, MAKING)))
    }
  }
  class DriverClient extends KeptClient {
    constructor(given?: string | ClientConfig) {
      const config = typeof given === 'object' ? given : {}
      const connection = new EventEmitter()
      const own = { ...config, ...ONE_CONNECTION, Client: tellingParameters(connection) }
      super(router.openPool(target(config), openerOf(own, MAKING)), without(config, ADDRESS), connection)
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

const MAKING = {
  address: ADDRESS,
  optionsOf: (pool: object) => (pool as Pool).options,
  make: (...node: ConstructorParameters<typeof PgConnector>) => new PgConnector(...node),
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
