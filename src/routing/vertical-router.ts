import { ANSWERS } from './answers'
import type { Model } from './models'
import type { DatabaseRouter, MigrationHints } from './router-chain'
import { badOption, isRecord, routerOptions } from './router-options'

export interface VerticalRouterOptions {
  /** The alias of each group's database: `{ billing: 'billing', auth: 'users' }`. */
  readonly groups?: Readonly<Record<string, string>>
  /** The alias of a model's database; it comes before that of its group. */
  readonly models?: Readonly<Record<string, string>>
}

/**
 * Splits an application by business: each group of models, or each model, has a database, and its table there alone. It
 * has no opinion on others.
 *
 * ```ts
 * verticalRouter({ groups: { billing: 'billing' }, models: { Session: 'cache' } })
 * ```
 *
 * @throws {SplitpoolError} `ERR_INVALID_OPTION`
 */
export function verticalRouter(options: VerticalRouterOptions): DatabaseRouter {
  const { groups = {}, models = {} } = routerOptions(options, ['groups', 'models'], 'verticalRouter')
  const byGroup = aliasesBy(groups, 'groups')
  const byModel = aliasesBy(models, 'models')
  if (byGroup.size + byModel.size > 0) return new VerticalRouter(byGroup, byModel)
  throw badOption('verticalRouter', 'groups or models, each with the alias of its database', options)
}

function aliasesBy(given: unknown, key: string): ReadonlyMap<string, string> {
  const path = `verticalRouter.${key}`
  if (!isRecord(given)) throw badOption(path, 'an object with an alias by each name', given)
  const aliases = new Map<string, string>()
  for (const [name, alias] of Object.entries(given)) {
    if (typeof alias !== 'string') throw badOption(`${path}.${name}`, 'an alias', alias)
    aliases.set(name, alias)
  }
  return aliases
}

class VerticalRouter implements DatabaseRouter {
  readonly [ANSWERS]: readonly string[]
  readonly #groups: ReadonlyMap<string, string>
  readonly #models: ReadonlyMap<string, string>

  constructor(groups: ReadonlyMap<string, string>, models: ReadonlyMap<string, string>) {
    this[ANSWERS] = [...groups.values(), ...models.values()]
    this.#groups = groups
    this.#models = models
  }

  dbForRead(model: Model): string | null {
    return this.#aliasOf(model)
  }

  dbForWrite(model: Model): string | null {
    return this.#aliasOf(model)
  }

  allowMigrate(alias: string, group: string | null, { model }: MigrationHints): boolean | null {
    const home = model === undefined ? this.#ofGroup(group) : this.#aliasOf(model)
    return home === null ? null : home === alias
  }

  #aliasOf({ name, group }: Model): string | null {
    return (name === null ? undefined : this.#models.get(name)) ?? this.#ofGroup(group)
  }

  #ofGroup(group: string | null): string | null {
    return (group === null ? undefined : this.#groups.get(group)) ?? null
  }
}
