import { createPool, raw, type PoolOptions } from 'mysql2'
import { describe, expect, it } from 'vitest'
import { configOf, UnconnectedConnection } from './driver'
import { sqlOf, textOf, type Formatter } from './text'

function formatter(options: PoolOptions = {}): Formatter {
  return Object.assign(new UnconnectedConnection(), {
    config: configOf(createPool(options)).connectionConfig,
  })
}

/** What the driver would send. */
function sent(sql: string, values: unknown, options?: PoolOptions): string {
  return formatter(options).format(sql, values)
}

function text(sql: unknown, values?: unknown, options?: PoolOptions): unknown {
  return textOf([sql, values], formatter(options))
}

describe('the text that decides', () => {
  it('is the text itself where only literals are put in', () => {
    for (const values of [
      undefined,
      null,
      [],
      [1, 'for update', null, undefined, true, 5n, new Date(), Buffer.from('x'), [[1, 2], ['a']]],
      { id: 1 },
      [{ a: 1, b: { toString: () => 'text' } }],
      [new Set(['a']), new Map([['a', 1]])],
    ]) {
      expect(text('select ? from t where a = ?', values)).toBe('select ? from t where a = ?')
    }
    expect(text({ sql: 'select ?', values: ['x'] })).toBe('select ?')
  })

  it('is what it was when it is no string', () => {
    expect(text(undefined)).toBeUndefined()
    expect(text(5, [raw('x')])).toBe(5)
    expect(sqlOf(null)).toBeNull()
    expect(sqlOf({ sql: 'select 1' })).toBe('select 1')
  })

  it('holds what raw() puts in, wherever it stands, and no parameter', () => {
    const lock = raw('for update')
    expect(text('select a from t where a = ? ?', ['secret', lock])).toBe(
      'select a from t where a = ? for update',
    )
    expect(text('select a from t ?', lock)).toBe('select a from t for update')
    expect(text({ sql: 'select a ?', values: [lock] })).toBe('select a for update')
    expect(text({ sql: 'select a ?', values: ['x'] }, [lock]), 'the later values win').toBe(
      'select a for update',
    )
    expect(text('select a where a in (?)', [['secret', raw('f()')]])).toBe('select a where a in (?, f())')
    expect(text('update t set ?', [{ a: 'secret', b: raw('now()') }])).toBe(
      'update t set `a` = ?, `b` = now()',
    )
    expect(
      text('insert into t values ?', [
        [
          [1, raw('f()')],
          [2, 'secret'],
        ],
      ]),
    ).toBe('insert into t values (?, f()), (?, ?)')
    expect(text('select ?', [new Set([1, raw('f()')])])).toBe('select ?, f()')
    expect(
      text('update t set ?', [
        new Map<string, unknown>([
          ['a', 1],
          ['b', raw('f()')],
        ]),
      ]),
    ).toBe('update t set `a` = ?, `b` = f()')
    expect(text('select ?', [{ toSqlString: () => 'nextval(s)' }])).toBe('select nextval(s)')
  })

  it('holds names', () => {
    expect(text('select ?? from ?? where a = ?', [['a', 'b.c'], 'users', 'secret'])).toBe(
      'select `a`, `b`.`c` from `users` where a = ?',
    )
    expect(text('select * from ??', 'users')).toBe('select * from `users`')
    expect(text('select * from ??', ['a`; drop table b'])).toBe('select * from `a``; drop table b`')
  })

  it('knows named placeholders', () => {
    const named = { namedPlaceholders: true }
    expect(text('select :a, :b', { a: 1, b: 'x' }, named)).toBe('select :a, :b')
    expect(text('select :a :b', { a: 'secret', b: raw('for update') }, named)).toBe('select ? for update')
    expect(text('select * from ::table', { table: 'users' }, named)).toBe('select * from `users`')
    expect(text({ sql: 'select :b', values: { b: raw('x') }, namedPlaceholders: true })).toBe('select x')
    expect(text('update t set :row', { row: { a: raw('f()') } }, named)).toBe('update t set `a` = f()')
    expect(text('select :b', { b: raw('x') }), 'which are off by default').toBe('select :b')
  })

  it('is what the application’s own format makes of it', () => {
    const queryFormat = (sql: string, values: Record<string, unknown>): string =>
      sql.replace(/\{(\w+)\}/g, (_, key: string) => String(values[key]))
    const options = { queryFormat } as unknown as PoolOptions
    expect(text('select 1 {lock}', { lock: 'for update' }, options)).toBe('select 1 for update')
    const broken = {
      queryFormat: () => {
        throw new Error('cannot')
      },
    }
    expect(text('select 1', [], broken), 'which leaves it to the primary when it throws').toBeUndefined()
  })

  it('is, with the literals put in, what the driver sends', () => {
    const cases: [string, unknown][] = [
      ['select ?? from ?? where a = ? ?', ['a', 'b', 'secret', raw('for update')]],
      ['update t set ? where id in (?)', [{ a: 1, b: raw('now()') }, [1, 2, raw('f()')]]],
      ['select ??', [['a', 'b->c']]],
    ]
    for (const [sql, values] of cases) {
      const shape = (given: string): string => given.replace(/'(?:[^'\\]|\\.)*'|\b\d+\b/g, '?')
      expect(text(sql, values)).toBe(shape(sent(sql, values)))
    }
  })

  it('takes values that hold themselves', () => {
    const self: Record<string, unknown> = {}
    self['self'] = self
    expect(text('select ? from ??', [self, 't'])).toContain('from `t`')
  })
})
