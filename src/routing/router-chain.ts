import { SplitpoolError } from '../errors'
import type { Model } from './models'

/** What the application tells a router about the call, passed on untouched. */
export type Hints = Readonly<Record<string, unknown>>

/** A database router as in Django's `DATABASE_ROUTERS`: every method is optional, a falsy answer is no opinion. */
export interface DatabaseRouter {
  /** Where to read `model` from: an alias (`users`) or a node of one (`users:replica-1`). */
  dbForRead?(model: Model, hints: Hints): string | null | undefined | false
  /** Where to write `model`: an alias, or the primary of one. */
  dbForWrite?(model: Model, hints: Hints): string | null | undefined | false
}

/**
 * Asks the routers in order; the first truthy answer wins. A router without the method is skipped; an error thrown
 * inside a method reaches the caller (Django's `ConnectionRouter._router_func`).
 *
 * @returns the answer, or `null` when no router has an opinion
 * @throws {SplitpoolError} `ERR_ROUTER_ANSWER` for a truthy answer that is not a string
 */
export function askRouters(
  routers: readonly DatabaseRouter[],
  method: 'dbForRead' | 'dbForWrite',
  model: Model,
  hints: Hints,
): string | null {
  for (const router of routers) {
    // Truthiness is tested on purpose: '' and false are no opinion, as None is in Django.
    const answer: unknown = router[method]?.(model, hints)
    if (!answer) continue
    if (typeof answer === 'string') return answer
    throw new SplitpoolError(
      'ERR_ROUTER_ANSWER',
      `${router.constructor.name}.${method} answered with ${typeof answer} for ${model.name ?? model.table}; expected an alias such as 'default' or a node such as 'users:primary'`,
    )
  }
  return null
}
