import { SplitpoolError } from '../errors'
import type { Model } from './models'
import { parseTarget, type KnownNodes, type Target } from './target'
import { whatCame } from './what-came'

/** What the application tells a router about the call, passed on untouched: the same object. */
export interface Hints {
  /** The object that the call is about. When no router answers, a call goes where this was tracked. */
  readonly instance?: unknown
  readonly [hint: string]: unknown
}

/** Hints of a migration; `model` is the model it is about, where it is about one. */
export interface MigrationHints extends Hints {
  readonly model?: Model
}

/** The hints of a call that gives none. */
export const NO_HINTS: Hints = Object.freeze({})

/** Of one question: a router may add to what it gets, for those after it. */
function hintsOf(hints: Hints): Hints {
  return hints === NO_HINTS ? {} : hints
}

/** A falsy answer is no opinion, as `None` is in Django. */
type AliasAnswer = string | null | undefined | false
/** `false` is an answer; `null` and `undefined` are no opinion. */
type VetoAnswer = boolean | null | undefined

/** A database router as in Django's `DATABASE_ROUTERS`. Every method is optional and answers at once, not by a promise. */
export interface DatabaseRouter {
  /** Where to read `model` from: an alias (`users`) or a node of one (`users:replica-1`). The first truthy answer wins. */
  dbForRead?(model: Model, hints: Hints): AliasAnswer
  /** Where to write `model`: an alias, or the primary of one. The first truthy answer wins. */
  dbForWrite?(model: Model, hints: Hints): AliasAnswer
  /** Whether two objects may be related. The first answer that is not `null` or `undefined` wins. */
  allowRelation?(one: unknown, other: unknown, hints: Hints): VetoAnswer
  /** Whether a migration of `group` may run on `alias`. The first answer that is not `null` or `undefined` wins. */
  allowMigrate?(alias: string, group: string | null, hints: MigrationHints): VetoAnswer
}

export const ROUTER_METHODS = ['dbForRead', 'dbForWrite', 'allowRelation', 'allowMigrate'] as const

export type AliasMethod = 'dbForRead' | 'dbForWrite'

/**
 * The routers in their order, with the semantics of Django's `ConnectionRouter`: one that lacks a method is skipped, one
 * that throws is never taken for lacking it, and what it throws reaches the caller.
 */
export class RouterChain {
  readonly #routers: readonly DatabaseRouter[]
  readonly #databases: ReadonlyMap<string, KnownNodes>

  constructor(routers: readonly DatabaseRouter[], databases: ReadonlyMap<string, KnownNodes>) {
    this.#routers = routers
    this.#databases = databases
  }

  get empty(): boolean {
    return this.#routers.length === 0
  }

  /**
   * Where the first router that has an opinion sends a model.
   *
   * @throws {SplitpoolError} `ERR_ROUTER_ANSWER`, `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`, naming the router, its method
   *   and the model; and whatever a router throws
   */
  aliasFor(method: AliasMethod, model: Model, given: Hints): Target | null {
    if (this.empty) return null
    const hints = hintsOf(given)
    for (const router of this.#routers) {
      // Truthiness is tested on purpose: '' and false are no opinion.
      const answer: unknown = router[method]?.(model, hints)
      if (answer) return this.#target(router, method, model, answer)
    }
    return null
  }

  /** @returns `null` when no router has an opinion */
  allowRelation(one: unknown, other: unknown, given: Hints): boolean | null {
    const hints = hintsOf(given)
    for (const router of this.#routers) {
      const answer = router.allowRelation?.(one, other, hints)
      if (answer !== null && answer !== undefined) return this.#verdict(router, 'allowRelation', answer)
    }
    return null
  }

  /** @returns `null` when no router has an opinion */
  allowMigrate(alias: string, group: string | null, given: MigrationHints): boolean | null {
    const hints = hintsOf(given)
    for (const router of this.#routers) {
      const answer = router.allowMigrate?.(alias, group, hints)
      if (answer !== null && answer !== undefined) return this.#verdict(router, 'allowMigrate', answer)
    }
    return null
  }

  #target(router: DatabaseRouter, method: AliasMethod, model: Model, answer: unknown): Target {
    this.#refusePromise(router, method, answer)
    const asked = `${this.#nameOf(router)}.${method} answered for ${model.name ?? model.table}`
    if (typeof answer !== 'string') {
      throw new SplitpoolError(
        'ERR_ROUTER_ANSWER',
        `${asked} with ${typeof answer}; expected an alias such as 'default' or a node such as 'users:primary'`,
      )
    }
    const target = parseTarget(answer, this.#databases, `${asked}: `)
    if (method === 'dbForWrite' && target.role === 'replica') {
      throw new SplitpoolError(
        'ERR_ROUTER_ANSWER',
        `${this.#nameOf(router)}.${method} sends writes of ${model.name ?? model.table} to ${answer}, which is a replica`,
      )
    }
    return target
  }

  /** As in Django, any value that is not `None` counts as what it is in a condition. */
  #verdict(router: DatabaseRouter, method: keyof DatabaseRouter, answer: unknown): boolean {
    this.#refusePromise(router, method, answer)
    return Boolean(answer)
  }

  #refusePromise(router: DatabaseRouter, method: keyof DatabaseRouter, answer: unknown): void {
    const came = whatCame(answer)
    if (came !== 'a promise') return
    throw new SplitpoolError(
      'ERR_ROUTER_ANSWER',
      `${this.#nameOf(router)}.${method} answered with ${came}; a router answers at once`,
    )
  }

  /** Its class, or its place for one whose class has no name. */
  #nameOf(router: DatabaseRouter): string {
    const { constructor } = router as { readonly constructor?: unknown }
    const named = typeof constructor === 'function' && constructor !== Object && constructor.name !== ''
    return named ? constructor.name : `routers[${this.#routers.indexOf(router)}]`
  }
}
