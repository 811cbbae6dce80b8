import type { Pool, PoolConnection } from 'mysql2'
import * as mysql2 from 'mysql2/promise'

/** mysql2's promise classes, with the constructors that its typings leave out. */
const driver = mysql2 as unknown as {
  readonly PromisePool: new (
    pool: Pool,
    promiseImpl?: PromiseConstructor,
  ) => {
    readonly pool: Pool
    readonly Promise: PromiseConstructor
  }
  readonly PromisePoolConnection: new (
    connection: PoolConnection,
    promiseImpl?: PromiseConstructor,
  ) => { readonly connection: PoolConnection & { close(): void } }
}

/**
 * mysql2's promise connection. It calls some methods of the connection class past those that are overridden
 * (`lib/promise/connection.js`); here they are called as they are.
 */
export class RoutedPromiseConnection extends driver.PromisePoolConnection {
  pause(): void {
    this.connection.pause()
  }

  resume(): void {
    this.connection.resume()
  }

  close(): void {
    this.connection.close()
  }
}

/** mysql2's promise pool, whose connections are these. */
export class RoutedPromisePool extends driver.PromisePool {
  getConnection(): Promise<RoutedPromiseConnection> {
    return new this.Promise((resolve, reject) => {
      this.pool.getConnection((error, connection) => {
        if (error) reject(error)
        else resolve(new RoutedPromiseConnection(connection, this.Promise))
      })
    })
  }
}
