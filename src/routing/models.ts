import { SplitpoolError } from '../errors'
import type { TableName } from '../statement/classification'
import type { ReadPreference } from './read-preference'

/** A model as the router chain sees it; a table that no model claims has a `null` name. */
export interface Model {
  readonly name: string | null
  /** The table, with its schema when the model gives one (`'sales.orders'`). */
  readonly table: string
  /** Flask-SQLAlchemy's bind key: the alias of the database the model lives in; `null` when it has none. */
  readonly bind: string | null
  readonly reads: ReadPreference | null
}

/**
 * The models that the application declared, by name and by table. A table with a schema is found by both parts, one
 * without by its name alone, as in Flask-SQLAlchemy's metadata.
 */
export class Models {
  readonly #byName = new Map<string, Model>()
  readonly #byTable = new Map<string, Model[]>()

  constructor(models: Iterable<Model>) {
    for (const model of models) {
      if (model.name !== null) this.#byName.set(model.name, model)
      const same = this.#byTable.get(model.table)
      if (same === undefined) this.#byTable.set(model.table, [model])
      else same.push(model)
    }
  }

  /** @throws {SplitpoolError} `ERR_UNKNOWN_MODEL` */
  named(name: string): Model {
    const model = this.#byName.get(name)
    if (model === undefined) {
      const known =
        this.#byName.size === 0 ? 'none is declared' : `there is ${[...this.#byName.keys()].join(', ')}`
      throw new SplitpoolError('ERR_UNKNOWN_MODEL', `Unknown model ${JSON.stringify(name)}; ${known}`)
    }
    return model
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
}
