import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { DIALECTS } from '../../src/dialects/dialect'
import type { Classification, FunctionOptions } from '../../src/statement/classification'
import { classify } from '../../src/statement/classify'

/** One entry of the tables: statements, and what is true of each. */
interface Entry {
  readonly name: string
  readonly rows?: readonly number[]
  readonly sql: readonly string[]
  readonly functions?: FunctionOptions
  readonly intent?: string
  readonly reason?: string
  readonly tables?: readonly string[]
  readonly statements?: number
  readonly transaction?: unknown
  readonly hint?: string | null
  readonly sensitive?: boolean
  readonly unknownFunctions?: readonly string[]
}

/** The rows of the survey that a table must cover. */
const ROWS = { postgres: 58, mysql: 61, mariadb: 61 } as const

function tablesOf(verdict: Classification): string[] {
  return verdict.tables.map(({ schema, name }) => (schema === null ? name : `${schema}.${name}`))
}

describe.each(DIALECTS)('classify, %s', (dialect) => {
  const file = path.join(__dirname, `../cases/classify-${dialect}.yaml`)
  const entries = parse(readFileSync(file, 'utf8')) as Entry[]

  describe.each(entries)('$name', (entry) => {
    it.each(entry.sql.map((sql) => [sql]))('%s', (sql) => {
      const { functions } = entry
      const verdict = classify(sql, dialect, functions === undefined ? {} : { functions })
      const said = JSON.stringify(verdict)
      if (entry.intent !== undefined) expect(verdict.intent, said).toBe(entry.intent)
      if (entry.reason !== undefined) expect(verdict.reason).toContain(entry.reason)
      if (entry.tables !== undefined) expect(tablesOf(verdict)).toEqual(entry.tables)
      if (entry.statements !== undefined) expect(verdict.statements).toBe(entry.statements)
      if (entry.transaction !== undefined) expect(verdict.transaction).toEqual(entry.transaction)
      if (entry.hint !== undefined) expect(verdict.hint).toBe(entry.hint)
      if (entry.sensitive !== undefined) expect(verdict.sensitive).toBe(entry.sensitive)
      if (entry.unknownFunctions !== undefined)
        expect(verdict.unknownFunctions).toEqual(entry.unknownFunctions)
    })
  })

  it('covers every row of the survey', () => {
    const covered = new Set(entries.flatMap((entry) => entry.rows ?? []))
    const missing = Array.from({ length: ROWS[dialect] }, (_, index) => index + 1).filter(
      (row) => !covered.has(row),
    )
    expect(missing).toEqual([])
  })
})
