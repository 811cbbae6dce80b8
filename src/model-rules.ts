import { checkHome, checkModelOptions } from './model-options'
import { record, refuse } from './refuse'
import type { Model, ModelClass, ModelKey, ModelOptions } from './routing/models'
import type { AliasMethod, Hints, MigrationHints } from './routing/router-chain'
import { parseTarget, unknownAlias, type Target } from './routing/target'
import { homeOf, type DatabaseRules } from './routing/which-database'
import { tagsOf } from './scope/scope-options'

/** @throws {SplitpoolError} `ERR_INVALID_OPTION` */
export function checkHints(hints: Hints): void {
  record(hints, 'hints', 'an object')
}

/** What an application asks about its models and objects, answered without sending anything. */
export class ModelRules {
  readonly #rules: DatabaseRules
  readonly #aliases: readonly string[]

  constructor(rules: DatabaseRules) {
    this.#rules = rules
    this.#aliases = [...rules.databases.keys()]
  }

  define(key: ModelKey, options: ModelOptions): void {
    const name: unknown = typeof key === 'function' ? key.name : key
    if (typeof name !== 'string' || name === '')
      refuse('defineModel(model)', 'a name, or a class that has one', key)
    const path = `defineModel(${name})`
    const { databases, models } = this.#rules
    const checked = checkModelOptions(options, this.#aliases, tagsOf(databases.values()), path)
    checkHome(models.bindOf(key, checked), this.#aliases, path)
    models.define(key, checked)
  }

  /** Where a model lives. */
  dbFor(method: AliasMethod, model: Model, hints: Hints): Target {
    const { alias, target } = homeOf(model, method, hints, this.#rules)
    return target ?? { alias, role: null, nodeId: null }
  }

  allowRelation(one: unknown, other: unknown, hints: Hints): boolean {
    checkHints(hints)
    const { chain, instances } = this.#rules
    return chain.allowRelation(one, other, hints) ?? instances.aliasOf(one) === instances.aliasOf(other)
  }

  allowMigrate(alias: string, group: string | null, hints: MigrationHints): boolean {
    if (!this.#aliases.includes(alias)) throw unknownAlias(alias, this.#aliases)
    checkHints(hints)
    return this.#rules.chain.allowMigrate(alias, group, hints) ?? true
  }

  track(instance: object, target: string): void {
    if ((typeof instance !== 'object' && typeof instance !== 'function') || (instance as unknown) === null)
      refuse('track(instance)', 'an object', instance)
    const { alias } = parseTarget(target, this.#rules.databases)
    this.#rules.instances.track(instance, alias ?? target)
  }

  aliasesFor(about: ModelKey | object | undefined): string[] {
    if (about === undefined) return [...this.#aliases]
    const { models, instances } = this.#rules
    if (typeof about !== 'object' || (about as unknown) === null)
      return this.#tablesOf(models.named(about as ModelKey))
    const alias = instances.aliasOf(about)
    return alias === null ? this.#tablesOf(models.named(classOf(about))) : [alias]
  }

  migrationTargets(): Record<string, string[]> {
    const models = this.#rules.models.list().map((model) => ({ model, in: this.#tablesOf(model) }))
    return Object.fromEntries(
      this.#aliases.map((alias) => [
        alias,
        models.filter(({ in: aliases }) => aliases.includes(alias)).map(({ model }) => model.name),
      ]),
    )
  }

  /** Where the chain allows its table; where it has no opinion, the table is needed where writes of the model go. */
  #tablesOf(model: Model): string[] {
    const { chain } = this.#rules
    let home: string | null = null
    return this.#aliases.filter((alias) => {
      const allowed = chain.allowMigrate(alias, model.group, { model })
      return allowed ?? alias === (home ??= this.dbFor('dbForWrite', model, {}).alias)
    })
  }
}

function classOf({ constructor }: { readonly constructor?: unknown }): ModelClass {
  return (typeof constructor === 'function' ? constructor : Object) as ModelClass
}
