import type { Dialect } from '../../src/dialects/dialect'
import type { StartedCluster, StartOptions } from './cluster'
import { startMariadb, startMysql } from './start-mysql'
import { startPostgres } from './start-postgres'

/** Starts a primary and replicas of a dialect. Throws `ServersUnavailable` where this machine cannot. */
export function startServers(dialect: Dialect, options?: StartOptions): Promise<StartedCluster> {
  switch (dialect) {
    case 'postgres':
      return startPostgres(options)
    case 'mysql':
      return startMysql(options)
    case 'mariadb':
      return startMariadb(options)
  }
}
