import { AsyncLocalStorage } from 'node:async_hooks'
import type { Transaction } from '../execution/transaction'
import type { AttributeSource } from '../routing/scope-attributes'
import { frameAround, withoutDatabases, type Frame, type FrameSettings } from './frame'
import { Scope } from './scope'

/** Who is asking: immutable, so that concurrent branches of one scope never see each other's frames. */
export interface Context {
  readonly scope: Scope
  readonly frame: Frame | null
  /** The innermost transaction whose callback this code runs in. */
  readonly transaction: Transaction | null
}

/** What comes back of a function: of a query that runs when it is awaited, a promise. */
export type Awaitable<T> =
  T extends Promise<unknown> ? T : T extends PromiseLike<infer Result> ? Promise<Result> : T

/** Runs a function in a scope that the code around it may have lost. */
export type WayBack = <T>(fn: () => T) => T

/** Carries the context through asynchronous code. Leaving a callback, also by an exception, restores what was before. */
export class Contexts {
  readonly #storage = new AsyncLocalStorage<Context | undefined>()
  readonly #ambient: Context = { scope: new Scope(), frame: null, transaction: null }

  current(): Context {
    return this.#storage.getStore() ?? this.#ambient
  }

  /** Whether this runs in a scope of its own. */
  get inScope(): boolean {
    return this.current().scope !== this.#ambient.scope
  }

  runInScope<T>(
    fn: () => T,
    settings: Partial<FrameSettings> | null = null,
    attributes?: AttributeSource,
  ): Awaitable<T> {
    const frame = settings === null ? null : frameAround(null, settings)
    return this.#run(
      { scope: new Scope(attributes, this.current().scope.home), frame, transaction: null },
      fn,
    )
  }

  runInFrame<T>(settings: Partial<FrameSettings>, fn: () => T): Awaitable<T> {
    const { scope, frame, transaction } = this.current()
    return this.#run({ scope, frame: frameAround(frame, settings), transaction }, fn)
  }

  /** The transaction has its database, so that frames around it which name one are over; those that ask for a role go on. */
  runInTransaction<T>(transaction: Transaction, fn: () => T): T {
    const { scope, frame } = this.current()
    // It is awaited, whichever of the two it is.
    return this.#run({ scope, frame: withoutDatabases(frame), transaction }, fn) as T
  }

  /**
   * A query that runs when it is awaited, as those of Prisma, Knex and Drizzle do, would run where the caller awaits it,
   * outside. So it is awaited here, and what comes back is a promise.
   */
  #run<T>(context: Context, fn: () => T): Awaitable<T> {
    const result = this.#storage.run(context, fn)
    const back = runsWhenAwaited(result) ? this.#storage.run(context, () => awaited(result)) : result
    return back as Awaitable<T>
  }

  /** `fn`, to be called from anywhere: it runs in the context of now. */
  bind<This, Given extends unknown[], Result>(
    fn: (this: This, ...given: Given) => Result,
  ): (this: This, ...given: Given) => Result {
    const context = this.#storage.getStore()
    const storage = this.#storage
    return function (...given) {
      return storage.run(context, () => fn.apply(this, given))
    }
  }

  /**
   * Runs what it is given as it is where the request of now is still there, in its scope or in one that was opened inside;
   * where it was lost, in the context of now.
   *
   * @param begins whether the scope of now is that of a request that begins
   */
  wayBack(begins: boolean): WayBack {
    const context = this.current()
    if (begins) context.scope.home = context.scope
    const { home } = context.scope
    return (fn) => (this.current().scope.home === home ? fn() : this.#storage.run(context, fn))
  }

  /**
   * Runs `fn` in no scope at all. What opens a connection runs so: a socket keeps the context in which it was opened
   * for as long as it lives, and whoever listens to it would act in the scope, even the transaction, of a stranger.
   */
  outside<T>(fn: () => T): T {
    // Not `exit`, which switches the tracking of the whole process off and on again.
    return this.#storage.run(undefined, fn)
  }
}

type Thenable = PromiseLike<unknown> & { readonly catch?: unknown }

function runsWhenAwaited(result: unknown): result is Thenable {
  if ((typeof result !== 'object' && typeof result !== 'function') || result === null) return false
  if (result instanceof Promise) return false
  const { then, catch: rescue } = result as Partial<Thenable>
  // mysql2's commands are under way as soon as they are made, and have one method under both names, which throws.
  return typeof then === 'function' && then !== rescue
}

function awaited(result: Thenable): Promise<unknown> {
  return new Promise((resolve, reject) => {
    result.then(resolve, reject)
  })
}
