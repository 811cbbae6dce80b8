import type { TableName } from './classification'

/** Beyond this many tables, they are found by a map. Few statements have more, and for few a list is faster. */
const FEW = 8

const NONE: readonly TableName[] = Object.freeze([])

/** Collects the tables of a text in order of appearance, each once, without the names of its CTEs. */
export class TableNames {
  readonly #tables: TableName[] = []
  #keys: Set<string> | undefined
  #ctes: Set<string> | undefined

  /** A CTE is known within its statement. */
  startStatement(): void {
    this.#ctes = undefined
  }

  addCte(name: string): void {
    this.#ctes ??= new Set()
    this.#ctes.add(name)
  }

  add(schema: string | null, name: string): void {
    if (schema === null && this.#ctes?.has(name) === true) return
    if (!this.#has(schema, name)) this.#tables.push(Object.freeze({ schema, name }))
  }

  list(): readonly TableName[] {
    return this.#tables.length === 0 ? NONE : Object.freeze(this.#tables)
  }

  #has(schema: string | null, name: string): boolean {
    if (this.#tables.length < FEW) {
      return this.#tables.some((table) => table.name === name && table.schema === schema)
    }
    this.#keys ??= new Set(this.#tables.map((table) => keyOf(table.schema, table.name)))
    const key = keyOf(schema, name)
    if (this.#keys.has(key)) return true
    this.#keys.add(key)
    return false
  }
}

/** No text that is read holds a NUL. */
const keyOf = (schema: string | null, name: string): string => (schema === null ? name : `${schema}\0${name}`)
