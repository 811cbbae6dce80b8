import Table from 'cli-table3'
import { loadModule, parseSync } from 'libpg-query'
import { Parser } from 'node-sql-parser'
import { parse } from 'pgsql-ast-parser'
import { Bench } from 'tinybench'
import { classify } from '../dist'
import { Classifier } from '../dist/statement/classifier'
import { STATEMENTS } from './statements'
import { microseconds, times } from './units'

/** (a) What a verdict costs, cached and not, against parsers that an application could classify with. */
export async function benchClassify(): Promise<void> {
  await loadModule()
  const rival = new Parser()
  const table = new Table({
    head: [
      'statement',
      'bytes',
      'cached',
      'uncached',
      'per 100 bytes',
      'libpg-query',
      'pgsql-ast-parser',
      'node-sql-parser',
    ],
  })
  for (const { name, sql } of STATEMENTS) {
    const classifier = new Classifier('postgres', {})
    classifier.classify(sql)
    const bench = new Bench({ time: 400, warmupTime: 100 })
      .add(
        'cached',
        repeat(() => classifier.classify(sql)),
      )
      .add(
        'uncached',
        repeat(() => classify(sql, 'postgres')),
      )
      .add('libpg-query', () => parseSync(sql))
      .add('pgsql-ast-parser', () => parse(sql))
      .add('node-sql-parser', () => rival.parse(sql, { database: 'postgresql' }))
    await bench.run()
    const median = (task: string, per = 1): number => {
      const result = bench.getTask(task)?.result
      if (result === undefined || !('latency' in result)) return NaN
      return (result.latency.p50 * 1000) / per
    }
    const uncached = median('uncached', REPEATS)
    const against = (task: string): string =>
      `${microseconds(median(task))} (${times(median(task) / uncached)})`
    table.push([
      name,
      sql.length,
      microseconds(median('cached', REPEATS)),
      microseconds(uncached),
      microseconds((uncached / sql.length) * 100),
      against('libpg-query'),
      against('pgsql-ast-parser'),
      against('node-sql-parser'),
    ])
  }
  console.log('\nclassify: median per statement; in brackets, the rival against classify uncached')
  console.log(table.toString())
  linear()
}

/** Calls per sample: one call is shorter than the clock can see. */
const REPEATS = 1000

function repeat(call: () => unknown): () => void {
  return () => {
    for (let time = 0; time < REPEATS; time++) call()
  }
}

/** The same kind of text, ten times as long each time: the time per byte must not grow. */
function linear(): void {
  const row = `(1, 'it''s', NULL, "name", 3.14 /* note */), `
  const table = new Table({ head: ['size', 'INSERT of many rows', 'SELECT … IN (list)', 'one comment'] })
  for (const size of [100_000, 1_000_000, 10_000_000]) {
    const texts = [
      `INSERT INTO t VALUES ${row.repeat(size / row.length)}(1)`,
      `SELECT * FROM t WHERE id IN (${'12345, '.repeat(size / 7)}1)`,
      `SELECT 1 /* ${'x'.repeat(size)} */`,
    ]
    table.push([
      `${size / 1_000_000} MB`,
      ...texts.map((text) => {
        const runs = Array.from({ length: 5 }, () => {
          const startedAt = performance.now()
          classify(text, 'postgres')
          return performance.now() - startedAt
        }).sort((a, b) => a - b)
        return `${microseconds(((runs[2]! * 1000) / text.length) * 100)} per 100 bytes`
      }),
    ])
  }
  console.log('\nclassify: long texts, median of 5')
  console.log(table.toString())
}
