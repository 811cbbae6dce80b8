import type { TableName } from './classification'

/** Beyond this many tables, they are found by a map. Few statements have more, and for few a list is faster. */
const FEW = 8

const NONE: readonly TableName[] = Object.freeze([])

interface Cte {
  readonly name: string
  /** How many parentheses are open round its WITH: it ends with them. */
  readonly depth: number
  readonly recursive: boolean
  /** How many tables there were before its WITH. */
  readonly tablesBefore: number
  visible: boolean
}

/** Collects the tables of a text in order of appearance, each once, without the names of CTEs where those are known. */
export class TableNames {
  /** `null` for one that turned out to be a CTE. */
  readonly #tables: (TableName | null)[] = []
  #places: Map<string, number> | undefined
  /** Those whose parentheses are open, the deepest last. */
  #ctes: Cte[] | undefined
  /** How many CTEs of a name are visible. */
  readonly #visible = new Map<string, number>()
  readonly #forward: boolean

  /** @param forward whether in a recursive WITH a body knows the names that come after it; in MySQL it does not */
  constructor(forward: boolean) {
    this.#forward = forward
  }

  startStatement(): void {
    if (this.#ctes === undefined) return
    this.#ctes = undefined
    this.#visible.clear()
  }

  /**
   * The name of a CTE has been read, and its body follows, in which the name is a table unless the WITH is recursive. Then
   * those that came before it in the same WITH may know it too.
   */
  startCte(name: string, depth: number, recursive: boolean): void {
    this.#ctes ??= []
    const before = this.#ctes.at(-1)
    const continues = before?.depth === depth && before.recursive === recursive
    const tablesBefore = continues ? before.tablesBefore : this.#tables.length
    const cte = { name, depth, recursive, tablesBefore, visible: false }
    this.#ctes.push(cte)
    if (!recursive) return
    this.#show(cte)
    if (!this.#forward) return
    const place = this.#placeOf(null, name)
    if (place < tablesBefore) return
    this.#tables[place] = null
    this.#places?.delete(name)
  }

  /** The body of the last CTE at this depth has been read: what follows knows its name. */
  endCte(depth: number): void {
    const cte = this.#ctes?.at(-1)
    if (cte?.depth === depth && !cte.visible) this.#show(cte)
  }

  /** A parenthesis has been closed. */
  closeLevel(depth: number): void {
    if (this.#ctes === undefined) return
    for (let cte = this.#ctes.at(-1); cte !== undefined && cte.depth > depth; cte = this.#ctes.at(-1)) {
      this.#ctes.pop()
      if (cte.visible) this.#visible.set(cte.name, (this.#visible.get(cte.name) ?? 0) - 1)
    }
  }

  /** @param maybeCte whether a CTE can stand where the name stands */
  add(schema: string | null, name: string, maybeCte: boolean): void {
    if (maybeCte && schema === null && this.#isCte(name)) return
    if (this.#placeOf(schema, name) !== -1) return
    this.#places?.set(keyOf(schema, name), this.#tables.length)
    this.#tables.push(Object.freeze({ schema, name }))
  }

  list(): readonly TableName[] {
    if (this.#tables.length === 0) return NONE
    return Object.freeze(this.#tables.filter((table) => table !== null))
  }

  #show(cte: Cte): void {
    cte.visible = true
    this.#visible.set(cte.name, (this.#visible.get(cte.name) ?? 0) + 1)
  }

  #isCte(name: string): boolean {
    return this.#ctes !== undefined && (this.#visible.get(name) ?? 0) > 0
  }

  /** -1 where it is not there. */
  #placeOf(schema: string | null, name: string): number {
    if (this.#tables.length < FEW) {
      return this.#tables.findIndex((table) => table?.name === name && table.schema === schema)
    }
    this.#places ??= new Map(
      this.#tables.flatMap((table, place) =>
        table === null ? [] : [[keyOf(table.schema, table.name), place] as const],
      ),
    )
    return this.#places.get(keyOf(schema, name)) ?? -1
  }
}

/** No text that is read holds a NUL. */
const keyOf = (schema: string | null, name: string): string => (schema === null ? name : `${schema}\0${name}`)
