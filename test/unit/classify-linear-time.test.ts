import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../src/dialects/dialect'
import { classify } from '../../src/statement/classify'

/** A text of a given length. */
type Text = (length: number) => string

const repeat =
  (unit: string): Text =>
  (length) =>
    unit.repeat(Math.ceil(length / unit.length))

const around =
  (before: string, inside: Text, after = ''): Text =>
  (length) =>
    before + inside(length) + after

/** Parts that are all different. */
const numbered =
  (part: (index: number) => string): Text =>
  (length) => {
    const parts: string[] = []
    for (let index = 0, size = 0; size < length; index++) {
      const next = part(index)
      size += next.length
      parts.push(next)
    }
    return parts.join('')
  }

const nested =
  (open: string, inside: string, close: string): Text =>
  (length) => {
    const depth = Math.ceil(length / (open.length + close.length))
    return open.repeat(depth) + inside + close.repeat(depth)
  }

const TEXTS: readonly (readonly [name: string, dialect: Dialect, text: Text])[] = [
  ['a comment', 'postgres', around('/*', repeat('x'), '*/ select 1')],
  ['comments in comments', 'postgres', around('', nested('/*', '', '*/'), 'select 1')],
  ['comments that do not end', 'postgres', around('select 1', repeat('/*'))],
  ['comments that do not end', 'mysql', around('select 1', repeat(' /*!'))],
  ['line comments', 'mysql', repeat('# x\n')],
  ['white space', 'postgres', around('select 1', repeat(' \n'))],
  ['numbers', 'postgres', around('select * from t where a in (', repeat('12345,'), '1)')],
  ['rows of strings', 'mysql', around('insert into t values ', repeat("('it''s \\\\ x', 1),"), '(1, 2)')],
  ['a string', 'postgres', around("select '", repeat("x''y"), "'")],
  ['backslashes', 'mysql', around("select '", repeat("\\'"), "'")],
  ['a name', 'postgres', around('select ', repeat('name'))],
  ['a quoted name', 'mysql', around('select `', repeat('``x'), '`')],
  ['a dotted name', 'postgres', around('select * from ', repeat('a.'), 'b')],
  [
    'dollar quotes',
    'postgres',
    around(
      'select ',
      numbered((index) => `$t${index}$ x $t${index}$,`),
      '1',
    ),
  ],
  ['dollar quotes that do not end', 'postgres', around('select ', repeat('$a$ $b'))],
  ['parentheses', 'postgres', around('select ', nested('(', '1', ')'))],
  ['parentheses that do not close', 'mysql', around('select ', repeat('('))],
  [
    'tables',
    'postgres',
    around(
      'select * from x',
      numbered((index) => `,t${index}`),
    ),
  ],
  [
    'functions',
    'mysql',
    around(
      'select 1',
      numbered((index) => `,f${index}()`),
    ),
  ],
  [
    'CTEs',
    'postgres',
    around(
      'with a as (select 1)',
      numbered((n) => `,c${n} as (table c${n - 1})`),
      'select 1',
    ),
  ],
  ['statements', 'postgres', repeat('select 1;')],
  ['statements', 'mysql', repeat('insert into t values (1);')],
  ['joins', 'mysql', around('select * from t', repeat(' join t on a = b'))],
  ['queries in queries', 'postgres', nested('(select ', '1', ')')],
  ['EXPLAINs', 'postgres', repeat('explain ')],
  ['SET STATEMENTs', 'mariadb', repeat('set statement a=1 for ')],
  ['WITHs', 'postgres', repeat('with a as (')],
  ['executable comments', 'mysql', around('select 1', repeat('/*!50000 , 2 */'))],
  ['hints', 'mysql', around('select 1', repeat('/*+ `x` */'))],
  ['variables', 'mysql', around('select 1', repeat(', @@a.b.c'))],
  ['wide letters', 'postgres', around('select 1', repeat(', 名前'))],
]

/** Nanoseconds of processor time for each character, the least of some runs. */
function cost(text: string, dialect: Dialect): number {
  let least = Infinity
  for (let run = 0; run < 3; run++) {
    const before = process.cpuUsage()
    classify(text, dialect)
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, user + system)
  }
  return (least * 1000) / text.length
}

/** Below this it is the clock that is measured. */
const NOISE = 5

function growth(dialect: Dialect, text: Text, length: number): number {
  const small = cost(text(length), dialect)
  return cost(text(length * 10), dialect) / Math.max(small, NOISE)
}

describe('classify takes time in proportion to the text', () => {
  // A cost that grows with the square of the length makes this 10. Memory takes its share of a large text.
  it.each(TEXTS)('%s, %s', { timeout: 60_000, retry: 2 }, (_, dialect, text) => {
    expect(growth(dialect, text, 100_000)).toBeLessThan(4)
  })

  it.each(TEXTS.filter(([name]) => ['numbers', 'rows of strings', 'a comment'].includes(name)))(
    '%s, %s, up to 10 MB',
    { timeout: 60_000, retry: 2 },
    (_, dialect, text) => {
      expect(growth(dialect, text, 1_000_000)).toBeLessThan(3)
    },
  )

  it('16 MB of comment and a million parentheses take no more than moments', { timeout: 60_000 }, () => {
    const before = process.cpuUsage()
    expect(classify(`/*${'x'.repeat(16_000_000)}*/ select 1`, 'mysql').intent).toBe('read')
    expect(classify(`/*${'x'.repeat(16_000_000)}*/ delete from t`, 'postgres').intent).toBe('write')
    expect(classify(`select ${'('.repeat(1e6)}1${')'.repeat(1e6)}`, 'postgres').intent).toBe('read')
    expect(classify(`select ${'('.repeat(1e6)}1${')'.repeat(1e6 - 1)}`, 'mariadb').intent).toBe('write')
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(10)
  })
})
