import type { Model } from './routing/models'
import type { Hints } from './routing/router-chain'
import type { Awaitable } from './scope/context'

/** What a handle asks of its router. */
export interface ModelPort<Pool> {
  pool(): Pool
  run<T>(fn: () => T): Awaitable<T>
}

/** A model with hints: statements that are sent through it are about that model, whatever their text says. */
export class ModelHandle<Pool = unknown> {
  readonly model: Model
  readonly hints: Hints
  readonly #port: ModelPort<Pool>
  #pool: Pool | undefined

  /** @internal */
  constructor(model: Model, hints: Hints, port: ModelPort<Pool>) {
    this.model = model
    this.hints = hints
    this.#port = port
  }

  /**
   * The driver's pool of the database that the model is bound to: the same object at every call. A statement goes where the
   * model lives, if that is over the same driver. Row objects that come back are tracked: `router.aliasOf(row)`.
   */
  pool(): Pool {
    return (this.#pool ??= this.#port.pool())
  }

  /** Runs `fn`, in which all statements are about the model, whichever pool or ORM sends them. */
  run<T>(fn: () => T): Awaitable<T> {
    return this.#port.run(fn)
  }
}
