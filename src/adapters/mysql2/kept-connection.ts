import type { PoolPort } from '../adapter'
import { tell, type Callback } from '../callback'
import { RoutedConnection } from './client'
import { configOf } from './driver'

/** A mysql2 `Connection` that is kept for long: it has a connection to each server it needs, and they are its own. */
export class KeptConnection extends RoutedConnection {
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

function ignore(): void {
  // The caller did not ask.
}
