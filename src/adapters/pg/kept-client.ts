import type { EventEmitter } from 'node:events'
import type { ClientConfig, Pool } from 'pg'
import type { KeptLease, PoolPort } from '../adapter'
import { splitCallback } from '../callback'
import { RoutedClient } from './client'
import { answer } from './query'

/** A `pg.Client` that is kept for long: it has a connection to each server it needs, and they are its own. */
export class KeptClient extends RoutedClient {
  readonly #port: PoolPort
  readonly #lease: KeptLease
  #connected = false
  #ended: Promise<void> | null = null
  /** Emits `parameterStatus`. */
  readonly connection: EventEmitter

  /** @param config what the ORM gave, without the address */
  constructor(port: PoolPort, config: ClientConfig, connection: EventEmitter) {
    const lease = port.keep()
    super(lease, { ...(port.connectors[0]?.native as Pool).options, ...config })
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
