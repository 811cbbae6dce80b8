import type { Balancer } from '../balancing/balancer'
import type { BalancerName } from '../balancing/create-balancer'
import { SplitpoolError } from '../errors'
import type { TableName } from '../statement/classification'
import { frozenGroups, type ReadFrom } from './read-from'
import type { ReadPreference } from './read-preference'
import { whatCame } from './what-came'

/** A model as the router chain sees it; a table that no model claims has a `null` name. A value: it never changes. */
export interface Model {
  readonly name: string | null
  /** The part of the application it belongs to, as Django's app label; `null` when it was given none. */
  readonly group: string | null
  /** The table, with its schema when the model gives one (`'sales.orders'`). */
  readonly table: string
  /** Flask-SQLAlchemy's bind key: the alias of the database the model lives in; `null` when it has none. */
  readonly bind: string | null
  readonly reads: ReadPreference | null
  readonly readFrom: ReadFrom | null
  readonly balancer: BalancerName | Balancer | null
}

/** A class of the application's that stands for a model. */
export type ModelClass = abstract new (...args: never[]) => object

/** How the application names a model: by its name, or by its class. */
export type ModelKey = string | ModelClass

/** What is said of a model when it is defined. What is not said it has from the model that it extends. */
export interface ModelOptions {
  /**
   * Its table, with the schema if need be (`'sales.orders'`). Default: the one that the model it extends was given, else
   * the model's name in lower case.
   */
  readonly table?: string
  /** Flask-SQLAlchemy's bind key: the alias of its database. Default: none, and then it lives in `default`. */
  readonly bind?: string
  /** The model from which it has what it does not say itself. Default: the nearest defined class that its class extends. */
  readonly extends?: ModelKey
  /** It has no table: it is there to be extended. Default `false`. */
  readonly abstract?: boolean
  /** The part of the application it belongs to, which routers may go by; Django's app label. Default none. */
  readonly group?: string
  /** Where its reads go. Default: its database's `reads`. */
  readonly reads?: ReadPreference
  /** Which replicas its reads may go to, by tag. Default: its database's `readFrom`. */
  readonly readFrom?: ReadFrom
  /** How the replica for its reads is chosen. Default: its database's `balancer`. */
  readonly balancer?: BalancerName | Balancer
}

/** What is known of a model besides what a router needs. */
interface Definition {
  readonly model: Model & { readonly name: string }
  readonly abstract: boolean
  /** The table that was given, here or above; without one, a child has a table of its own. */
  readonly givenTable: string | null
}

/** A table that no model claims, to be asked for by its name. */
export function unclaimed(table: string): Model {
  return { ...NOTHING, name: null, table }
}

const NOTHING = { group: null, bind: null, reads: null, readFrom: null, balancer: null } as const

/**
 * The models that the application defined, by name, by class and by table. A table with a schema is found by both parts,
 * one without by its name alone, as in Flask-SQLAlchemy's metadata.
 */
export class Models {
  readonly #byName = new Map<string, Definition>()
  readonly #byClass = new Map<ModelClass, Definition>()
  readonly #byTable = new Map<string, Model[]>()

  /** Those that have a table, in the order of their definition. */
  list(): (Model & { readonly name: string })[] {
    return [...this.#byName.values()].filter(({ abstract }) => !abstract).map(({ model }) => model)
  }

  /**
   * Defines several, which may extend each other in any order.
   *
   * @throws {SplitpoolError} `ERR_INVALID_OPTION` for one that extends itself, also over others; `ERR_UNKNOWN_MODEL`
   */
  defineAll(given: ReadonlyMap<string, ModelOptions>): void {
    const define = (name: string, options: ModelOptions, below: readonly string[]): void => {
      if (this.#byName.has(name)) return
      const { extends: parent } = options
      const chain = [...below, name]
      if (typeof parent === 'string') {
        if (chain.includes(parent)) throw extendsItself([...chain, parent])
        const above = given.get(parent)
        if (above !== undefined) define(parent, above, chain)
      }
      this.define(name, options)
    }
    for (const [name, options] of given) define(name, options, [])
  }

  /**
   * Settles what the model is from what was said of it and of those that it extends. What happens to the options
   * afterwards changes nothing, as with Flask-SQLAlchemy's `__bind_key__`.
   *
   * @throws {SplitpoolError} `ERR_INVALID_OPTION` for one that is defined already; `ERR_UNKNOWN_MODEL` for the one it extends
   */
  define(key: ModelKey, options: ModelOptions): void {
    const name = nameOf(key)
    const there = this.#byName.get(name)
    if (there !== undefined) throw definedTwice(there.model)
    const above = this.#extended(key, options)
    const { group, bind, reads, readFrom, balancer } = above?.model ?? NOTHING
    const givenTable = options.table ?? above?.givenTable ?? null
    const model = Object.freeze({
      name,
      group: options.group ?? group,
      table: givenTable ?? name.toLowerCase(),
      bind: options.bind ?? bind,
      reads: options.reads ?? reads,
      readFrom: options.readFrom === undefined ? readFrom : frozenGroups(options.readFrom),
      balancer: options.balancer ?? balancer,
    })
    const definition = { model, abstract: options.abstract ?? false, givenTable }
    this.#byName.set(name, definition)
    if (typeof key !== 'string') this.#byClass.set(key, definition)
    if (definition.abstract) return
    const same = this.#byTable.get(model.table)
    if (same === undefined) this.#byTable.set(model.table, [model])
    else same.push(model)
  }

  /** The bind key that a model would have, its own or an inherited one. */
  bindOf(key: ModelKey, options: ModelOptions): string | null {
    return options.bind ?? this.#extended(key, options)?.model.bind ?? null
  }

  /**
   * The model of a name, or of a class: the nearest one that is defined among the class and those that it extends.
   *
   * @throws {SplitpoolError} `ERR_UNKNOWN_MODEL`, also for an abstract one
   */
  named(key: ModelKey): Model {
    const { model, abstract } = this.#defined(key)
    if (!abstract) return model
    throw new SplitpoolError(
      'ERR_UNKNOWN_MODEL',
      `Model ${model.name} is abstract and has no table; name a model that extends it`,
    )
  }

  /**
   * The model of a table in a statement's text. The same table under two bind keys is legal, but then only the
   * model itself can tell, not the text: such a table is nobody's here.
   */
  ofTable(table: TableName): Model | null {
    if (this.#byTable.size === 0) return null
    const found =
      (table.schema === null ? undefined : this.#byTable.get(`${table.schema}.${table.name}`)) ??
      this.#byTable.get(table.name)
    if (found === undefined) return null
    const [first] = found
    return first !== undefined && found.every(({ bind }) => bind === first.bind) ? first : null
  }

  #extended(key: ModelKey, { extends: parent }: ModelOptions): Definition | null {
    const name = nameOf(key)
    if (parent === name || parent === key) throw extendsItself([name, name])
    if (parent === undefined) return typeof key === 'string' ? null : this.#ofClass(key)
    return this.#defined(parent, `Model ${name} extends another: `)
  }

  /** @param of who asks, for the message */
  #defined(key: ModelKey, of = ''): Definition {
    const found = typeof key === 'string' ? this.#byName.get(key) : this.#ofClass(key)
    if (found !== undefined && found !== null) return found
    const known =
      this.#byName.size === 0 ? 'none is declared' : `there is ${[...this.#byName.keys()].join(', ')}`
    throw new SplitpoolError('ERR_UNKNOWN_MODEL', `${of}Unknown model ${this.#asked(key)}; ${known}`)
  }

  /** A key that is unknown, for a message. A class is not taken for the model of its name: another one may have it too. */
  #asked(key: unknown): string {
    if (typeof key === 'string') return JSON.stringify(key)
    if (typeof key !== 'function') return `${whatCame(key)}, expected its name or its class`
    const { name } = key
    if (!this.#byName.has(name)) return `class ${name}`
    return `class ${name}, as ${JSON.stringify(name)} was defined without it; ask for it by that name, or define the class: router.defineModel(${name}, …)`
  }

  #ofClass(given: ModelClass): Definition | null {
    for (let at: unknown = given; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
      const found = this.#byClass.get(at as ModelClass)
      if (found !== undefined) return found
    }
    return null
  }
}

function nameOf(key: ModelKey): string {
  return typeof key === 'string' ? key : key.name
}

function definedTwice({ name, table, bind }: Definition['model']): SplitpoolError {
  return new SplitpoolError(
    'ERR_INVALID_OPTION',
    `Model ${name} is defined already (table ${table}, bind ${bind ?? 'none'}); give the other one a name of its own`,
  )
}

function extendsItself(names: readonly string[]): SplitpoolError {
  return new SplitpoolError(
    'ERR_INVALID_OPTION',
    `models.${names[0] ?? ''}.extends: expected a model that does not extend it in turn, got ${names.join(' → ')}`,
  )
}
