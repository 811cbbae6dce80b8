import mysql2, { type ConnectionOptions, type Pool, type PoolOptions } from 'mysql2'
import type { PoolPort, PoolSource } from '../adapter'
import { checkModule, openerOf, targetOf } from '../driver-module'
import { RoutedCluster } from './cluster'
import { configOf } from './driver'
import { KeptConnection } from './kept-connection'
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
    const options = optionsOf(given)
    return router.openPool(targetOf(router, options.host, alias), openerOf({ ...options, ...more }, MAKING))
  }
  const createPool = (given: string | PoolOptions): RoutedPool => new RoutedPool(open(given, {}))
  const createConnection = (given: string | ConnectionOptions): KeptConnection =>
    new KeptConnection(open(given, ONE_CONNECTION))
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

const MAKING = {
  address: ADDRESS,
  optionsOf: (pool: object) => configOf(corePool(pool as Pool)).connectionConfig,
  make: (...node: ConstructorParameters<typeof Mysql2Connector>) => new Mysql2Connector(...node),
}

/** What stands behind the `?` of a URL are options, as the driver reads them: JSON, or else the text. */
function optionsOf(given: string | PoolOptions): PoolOptions {
  if (typeof given !== 'string') return given
  const { hostname, searchParams } = new URL(given)
  return {
    host: hostname,
    ...Object.fromEntries([...searchParams].map(([key, text]) => [key, jsonOr(text)])),
  }
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
