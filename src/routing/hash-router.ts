import { ANSWERS } from './answers'
import { keyText } from './key-text'
import type { Model } from './models'
import { rendezvous, type Weighted } from './rendezvous'
import type { DatabaseRouter, Hints } from './router-chain'
import { areNames, badOption, routerOptions } from './router-options'

export interface HashRouterOptions {
  /** The databases over which the rows are spread, each with the same tables. */
  readonly aliases: readonly string[]
  /**
   * What the rows of one key have in common (the id of their customer): they live in one database, for reads and for
   * writes. A string, a number or a bigint; a number and its text are the same key. `null` or `undefined`: no opinion,
   * and the next router is asked. Anything else is refused at the statement.
   */
  readonly key: (model: Model, hints: Hints) => unknown
  /** The names of the models that are spread, and have their tables in each of these databases. Default: any. */
  readonly models?: readonly string[]
}

/**
 * Spreads models over several databases by a key, with rendezvous hashing: one more alias moves its own share of the
 * keys and no others.
 *
 * ```ts
 * hashRouter({ aliases: ['eu', 'us'], models: ['Order'], key: (model, hints) => hints.customer })
 * ```
 *
 * @throws {SplitpoolError} `ERR_INVALID_OPTION`; at a statement `ERR_KEY`
 */
export function hashRouter(options: HashRouterOptions): DatabaseRouter {
  const { aliases, key, models } = routerOptions(options, ['aliases', 'key', 'models'], 'hashRouter')
  if (!areNames(aliases)) throw badOption('hashRouter.aliases', 'an array of aliases, each once', aliases)
  if (typeof key !== 'function') throw badOption('hashRouter.key', 'a function (model, hints)', key)
  if (models !== undefined && !areNames(models))
    throw badOption('hashRouter.models', 'an array of names of models, each once', models)
  return new HashRouter(options)
}

class HashRouter implements DatabaseRouter {
  readonly [ANSWERS]: readonly string[]
  readonly #candidates: readonly Weighted[]
  readonly #key: HashRouterOptions['key']
  readonly #models: readonly string[] | null

  constructor({ aliases, key, models }: HashRouterOptions) {
    this[ANSWERS] = [...aliases]
    this.#candidates = aliases.map((id) => ({ id, weight: 1 }))
    this.#key = key
    this.#models = models === undefined ? null : [...models]
  }

  dbForRead(model: Model, hints: Hints): string | null {
    return this.#aliasOf(model, hints)
  }

  dbForWrite(model: Model, hints: Hints): string | null {
    return this.#aliasOf(model, hints)
  }

  /** Which models are spread is known only where they were named. */
  allowMigrate(alias: string, _group: string | null, { model }: { readonly model?: Model }): boolean | null {
    if (this.#models === null || model === undefined || !this.#spreads(model)) return null
    return this[ANSWERS].includes(alias)
  }

  #aliasOf(model: Model, hints: Hints): string | null {
    if (!this.#spreads(model)) return null
    const key = keyText(this.#key(model, hints), 'hashRouter')
    return key === null ? null : rendezvous(key, this.#candidates)
  }

  #spreads({ name }: Model): boolean {
    return this.#models === null || (name !== null && this.#models.includes(name))
  }
}
