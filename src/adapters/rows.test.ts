import { describe, expect, it } from 'vitest'
import { rowsOf as mysqlRows } from './mysql2/rows'
import { rowsOf as pgRows } from './pg/rows'

const [one, two] = [{ id: 1 }, { id: 2 }]

describe('the rows of an answer', () => {
  it('of pg: those of its result, of each of several, and of Knex', () => {
    expect(pgRows({ rows: [one, two], rowCount: 2 })).toEqual([one, two])
    expect(pgRows([{ rows: [one] }, { rows: [two] }])).toEqual([one, two])
    expect(pgRows([one, two])).toEqual([one, two])
    expect(pgRows(one)).toEqual([one])
    expect(pgRows(undefined)).toEqual([undefined])
  })

  it('of mysql2: those before the columns, of each of several sets, and of Knex', () => {
    const columns = [{ name: 'id' }]
    expect(mysqlRows([[one, two], columns])).toEqual([one, two])
    expect(
      mysqlRows([
        [[one], [two]],
        [columns, columns],
      ]),
    ).toEqual([one, two])
    expect(mysqlRows([one, two])).toEqual([one, two])
    expect(mysqlRows(one)).toEqual([one])
    expect(mysqlRows([])).toEqual([])
  })

  it('that are arrays are arrays', () => {
    const rows = [[1, 'a']]
    expect(mysqlRows([rows, []])).toEqual(rows)
    expect(pgRows({ rows })).toEqual(rows)
  })
})
