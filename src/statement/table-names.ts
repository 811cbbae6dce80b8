import type { TableName } from './classification'

/** Collects the tables of a text in order of appearance, each once, without the names of its CTEs. */
export class TableNames {
  readonly #tables = new Map<string, TableName>()
  readonly #ctes = new Set<string>()

  /** A CTE is known within its statement. */
  startStatement(): void {
    this.#ctes.clear()
  }

  addCte(name: string): void {
    this.#ctes.add(name)
  }

  add(schema: string | null, name: string): void {
    if (schema === null && this.#ctes.has(name)) return
    const key = schema === null ? name : `${schema}\0${name}`
    if (!this.#tables.has(key)) this.#tables.set(key, Object.freeze({ schema, name }))
  }

  list(): readonly TableName[] {
    return Object.freeze([...this.#tables.values()])
  }
}
