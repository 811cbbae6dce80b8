import { fractionOf } from './fraction-of'
import { keyText } from './key-text'
import type { ScopeAttributes, ScopeKey } from './scope-attributes'

/** What a rollout looks at. */
export interface RolloutScope {
  readonly attributes: ScopeAttributes
}

/**
 * The share of scopes whose reads may go to replicas. Each scope has a place in [0, 1), and those below the share are
 * in, so that a share that grows keeps all who were in. The place comes of the scope's key, the same in every process;
 * as long as it has none (before its user is known), it is drawn by chance, once.
 */
export class Rollout {
  readonly share: number
  readonly #key: ScopeKey | null
  readonly #random: () => number
  readonly #keyed = new WeakMap<RolloutScope, number>()
  readonly #drawn = new WeakMap<RolloutScope, number>()

  constructor(share: number, key: ScopeKey | null, random: () => number) {
    this.share = share
    this.#key = key
    this.#random = random
  }

  /**
   * None of a share of 0, all of a share of 1: their keys are not asked for.
   *
   * @throws {SplitpoolError} `ERR_KEY`, and what the application's function throws
   */
  includes(scope: RolloutScope): boolean {
    if (this.share === 0 || this.share === 1) return this.share === 1
    return (this.#byKey(scope) ?? this.#byChance(scope)) < this.share
  }

  #byKey(scope: RolloutScope): number | undefined {
    if (this.#key === null) return undefined
    const known = this.#keyed.get(scope)
    if (known !== undefined) return known
    const key = keyText(this.#key(scope.attributes), 'rollout')
    if (key === null) return undefined
    // Apart from the draws of balancers, which would otherwise read the same users from the same replicas.
    const place = fractionOf(`rollout\0${key}`)
    this.#keyed.set(scope, place)
    return place
  }

  #byChance(scope: RolloutScope): number {
    const known = this.#drawn.get(scope)
    if (known !== undefined) return known
    const place = this.#random()
    this.#drawn.set(scope, place)
    return place
  }
}
