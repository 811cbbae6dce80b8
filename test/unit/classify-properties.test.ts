import { readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { DIALECTS, type Dialect } from '../../src/dialects/dialect'
import { classify } from '../../src/statement/classify'
import { rulesOf } from '../../src/statement/dialect-rules'
import { Scanner } from '../../src/statement/scanner'
import * as Token from '../../src/statement/token'

const INTENTS = ['read', 'write', 'session', 'transaction']

/** Separated by bars, since white space counts. */
const list = (text: string): string[] => text.split('|')

/** All statements of the decision tables: ordinary ones, and those that were thought of to be nasty. */
function statementsOf(dialect: Dialect): string[] {
  const file = path.join(__dirname, `../cases/classify-${dialect}.yaml`)
  return (parse(readFileSync(file, 'utf8')) as { sql: string[] }[]).flatMap((entry) => entry.sql)
}

interface Piece {
  readonly kind: number
  /** White space and comments before the token. */
  readonly gap: string
  readonly text: string
}

/** A text as tokens with what stands before each; `undefined` for one that cannot be cut to its end. */
function piecesOf(sql: string, dialect: Dialect): Piece[] | undefined {
  const rules = rulesOf(dialect)!
  const scanner = new Scanner(sql, rules, rules.lexical.readings[0])
  const pieces: Piece[] = []
  for (let end = 0; ; end = scanner.end) {
    scanner.next()
    const { kind, start } = scanner
    if (kind === Token.INVALID) return undefined
    pieces.push({ kind, gap: sql.slice(end, start), text: sql.slice(start, scanner.end) })
    if (kind === Token.END) return sql.includes('\0') ? undefined : pieces
  }
}

const joined = (pieces: readonly Piece[]): string => pieces.map(({ gap, text }) => gap + text).join('')

interface Whole {
  readonly sql: string
  readonly pieces: readonly Piece[]
  readonly intent: string
}

/** The statements that can be cut to their end, and hold no executable comment. */
function wholeOf(dialect: Dialect): Whole[] {
  return statementsOf(dialect)
    .filter((sql) => !/\/\*m?!/i.test(sql))
    .flatMap((sql) => {
      const pieces = piecesOf(sql, dialect)
      return pieces === undefined ? [] : [{ sql, pieces, intent: classify(sql, dialect).intent }]
    })
}

const COMMENTS: Record<Dialect, string[]> = {
  postgres: list("/* x */|/**/|/* a /* b */ c */|-- x\n|--\r|/* it's */|/*+ SeqScan(t) */"),
  mysql: list("/* x */|/**/|-- x\n|--\t\n|# x\n|/* it's */|# it's\n|/*+ NO_ICP(t) */"),
  mariadb: list("/* x */|/**/|-- x\n|--\n|# x\n|/* it's */|/* ! x */"),
}

describe.each(DIALECTS)('classify, %s', (dialect) => {
  const postgres = dialect === 'postgres'
  const whole = wholeOf(dialect)
  const statement = fc.constantFrom(...whole)
  const intentOf = (sql: string): string => classify(sql, dialect).intent

  describe('takes any input', () => {
    const fragments = list(
      'select|SELECT|from|for|update|into|insert|with|as|values|table|explain|analyze|copy|to|stdout|begin|start|' +
        'transaction|read|only|set|statement|show|create|function|atomic|end|nextval|get_lock|lock|in|share|mode|key|' +
        "a|t|\"t\"|`t`|'x'|E'x|'|\"|`|$$|$a$|$1|1|1.|.5|1e5|0x|?|(|)|((|))|,|.|;|:|::|:=|@|@@|@a|@@a|#|--|-- |/*|*/|" +
        '/*!|/*!50000|/*M!|/*+|\\|\\\'|\n|\r|\t| | | |*|=|\0|\u00a0|U&"|ü|名|🙂|\ud800|\u3000|union|join|using|operator|' +
        'next|value|do|distinct|lateral|unnest|recursive|uescape|temp|prepared|chain|rollback|flush|truncate',
    )
    const text = fc.oneof(
      fc.array(fc.constantFrom(...fragments), { maxLength: 60 }).map((parts) => parts.join('')),
      fc.array(fc.constantFrom(...fragments), { maxLength: 60 }).map((parts) => parts.join(' ')),
      fc.string({ maxLength: 300 }),
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc.tuple(statement, fc.nat(40), fc.nat(200)).map(([{ sql }, from, to]) => sql.slice(from, to)),
    )

    it('without throwing, and answers with a frozen verdict', () => {
      fc.assert(
        fc.property(text, (sql) => {
          const verdict = classify(sql, dialect)
          expect(INTENTS).toContain(verdict.intent)
          expect(verdict.reason).toMatch(/^[^\0]{2,400}$/)
          expect([verdict, verdict.tables, verdict.unknownFunctions].every(Object.isFrozen)).toBe(true)
          expect(verdict.tables.every(Object.isFrozen)).toBe(true)
          if (verdict.transaction !== null)
            expect(verdict).toMatchObject({ intent: 'transaction', statements: 1 })
          expect(classify(sql, dialect)).toEqual(verdict)
        }),
        { numRuns: 3000 },
      )
    })

    it('that is no text, as a write', () => {
      for (const sql of [
        undefined,
        null,
        1,
        {},
        [],
        Symbol('x'),
        () => 1,
        new Date(),
        Buffer.from('select 1'),
      ]) {
        expect(classify(sql, dialect)).toMatchObject({ intent: 'write', reason: 'not a text' })
      }
    })

    it('of a dialect that there is not, as a write', () => {
      expect(classify('select 1', 'oracle' as Dialect)).toMatchObject({ intent: 'write' })
    })
  })

  describe('comes to the same verdict', () => {
    // Where a comment ends, or what is one, can depend on how a backslash is read or on dashes in a row.
    const plain = fc.constantFrom(...whole.filter(({ sql }) => !/\\|--(?!\s)/.test(sql)))
    const pick = <T>(items: readonly T[], number: number): T => items[number % items.length]!

    function same(change: (base: Whole, random: () => number) => string): void {
      fc.assert(
        fc.property(plain, fc.infiniteStream(fc.nat()), (base, numbers) => {
          const sql = change(base, () => numbers.next().value as number)
          expect({ sql, intent: intentOf(sql) }).toEqual({ sql, intent: base.intent })
        }),
        { numRuns: 1500 },
      )
    }

    const eachPiece = ({ pieces }: Whole, change: (piece: Piece) => Partial<Piece>): string =>
      joined(pieces.map((piece) => ({ ...piece, ...change(piece) })))

    it('with comments between any two tokens', () => {
      same((base, random) =>
        eachPiece(base, ({ gap }) =>
          random() % 3 === 0 ? { gap: `${gap} ${pick(COMMENTS[dialect], random())} ` } : {},
        ),
      )
    })

    it('with comments for white space', () => {
      same((base, random) =>
        eachPiece(base, ({ gap }) => (/^\s+$/.test(gap) ? { gap: pick(COMMENTS[dialect], random()) } : {})),
      )
    })

    it('with other white space', () => {
      const spaces = list(' |\n|\t|\r\n|  |\f|\v')
      same((base, random) =>
        eachPiece(base, ({ gap }) => (/^\s+$/.test(gap) ? { gap: pick(spaces, random()) } : {})),
      )
    })

    it('in any case', () => {
      same((base, random) =>
        eachPiece(base, ({ kind, text }) => {
          if (kind !== Token.WORD) return {}
          const change = (letter: string): string =>
            random() % 2 === 0 ? letter.toUpperCase() : letter.toLowerCase()
          return { text: text.replace(/[a-z]/gi, change) }
        }),
      )
    })

    it('with a semicolon at the end', () => {
      const ends = list(';| ;|;;|; /* x */|;\n')
      same(({ sql }, random) => `${sql}\n${pick(ends, random())}`)
    })

    it('whatever its strings say', () => {
      const contents = list('|for update|;|; delete from t|--|/*|*/|#|$$|@a|"|`|名|nextval(|:x|?')
      same((base, random) =>
        eachPiece(base, ({ text }) =>
          /^'[^'\\]*'$/.test(text) ? { text: `'${pick(contents, random())}'` } : {},
        ),
      )
    })

    it('with an optimizer hint', () => {
      same((base) =>
        eachPiece(base, ({ text }) =>
          /^select$/i.test(text) ? { text: `${text} /*+ MAX_EXECUTION_TIME(9) */` } : {},
        ),
      )
    })

    it('in parentheses, where it is a query', () => {
      const queries = whole.filter(
        ({ pieces, intent }) =>
          intent === 'read' &&
          /^(select|values|table)$/i.test(pieces[0]!.text) &&
          !pieces.some(({ kind }) => kind === Token.SEMICOLON),
      )
      expect(queries.length).toBeGreaterThan(50)
      for (const { sql } of queries) expect(intentOf(`(((${sql}\n)))`), sql).toBe('read')
    })
  })

  describe('does not call a read', () => {
    const notRead = whole.filter(({ intent }) => intent !== 'read')

    function never(texts: (sql: string) => readonly string[], of = whole): void {
      for (const { sql } of of) {
        for (const text of texts(sql)) expect(intentOf(text), text).not.toBe('read')
      }
    }

    it('several statements of which one is none', () => {
      // What is refused for a backslash alone may be a string that ends in the next statement, and then both are a read.
      const plain = notRead.filter(({ sql }) => !sql.includes('\\'))
      fc.assert(
        fc.property(fc.constantFrom(...plain), statement, statement, ({ sql }, before, after) => {
          expect(intentOf(`${before.sql}\n;${sql}`)).not.toBe('read')
          expect(intentOf(`${sql}\n;${after.sql}`)).not.toBe('read')
          expect(intentOf(`${before.sql}\n;${sql}\n;${after.sql}`)).not.toBe('read')
        }),
        { numRuns: 1500 },
      )
    })

    it('a text that ends within quotes or a comment', () => {
      const openings = postgres
        ? list(`'|"|/*|$$|$a$ $$|E'|E'\\'|U&"|/* /* */`)
        : list(`'|"|\`|/*|/*!|/*!50000|'\\'|/*+|@\`|@@'`)
      never((sql) => openings.map((opening) => `${sql}\n ${opening}`))
    })

    it('a text with parentheses that do not match', () => {
      const matching = whole.filter(({ sql }) => !classify(sql, dialect).reason.includes('unbalanced'))
      never((sql) => [`(${sql}`, `${sql}\n (`, `${sql}\n )`], matching)
    })

    it('a read that takes locks', () => {
      const clauses = postgres
        ? list('for update|for no key update|for share|for key share')
        : list('for update|for share')
      never((sql) => clauses.map((clause) => `${sql}\n ${clause}`))
      if (!postgres) never((sql) => [`${sql}\n lock in share mode`])
    })

    it('a text with characters that one server takes for letters and another for space', () => {
      never((sql) => list('\u00a0|\u2003|\u3000|\ufeff|\u200b|\u0085').map((space) => `${sql}\n ${space}`))
    })

    it('in an executable comment what is none', () => {
      if (postgres) return
      never(
        (sql) => list('/*!|/*!50000 |/*!99999 |/*M! |/*M!100000 ').map((mark) => `${mark}${sql}\n*/`),
        notRead,
      )
    })

    it('what is none for a server that runs some executable comments and skips others', () => {
      if (postgres) return
      const code = list(
        "select|1|from t|, 2|for|update|explain|delete|insert into t|into|@a|lock|in share mode|get_lock|(|)|('a', 1)|;|*|" +
          "where a|'a'|next value|@@x|previous value for s|.nextval|set statement a = 1 for|call p|begin|show|tables|status",
      )
      const quotes = list('\'|"|`|-- |# |\n|\\|/*')
      const chunk = fc.oneof(
        fc.record({
          mark: fc.constant(''),
          parts: fc.array(fc.constantFrom(...code), { minLength: 1, maxLength: 4 }),
        }),
        fc.record({
          mark: fc.constantFrom(...list('/*!|/*!50000 |/*!999999|/*M!|/*M!100000 ')),
          parts: fc.array(fc.constantFrom(...code, ...code, ...quotes), { minLength: 1, maxLength: 4 }),
        }),
      )
      const start = fc.constantFrom('select 1', 'select', '')
      fc.assert(
        fc.property(start, fc.array(chunk, { maxLength: 6 }), (first, chunks) => {
          const render = (comment: (inside: string, index: number, mark: string) => string): string =>
            [
              first,
              ...chunks.map(({ mark, parts }, index) =>
                mark === '' ? parts.join(' ') : comment(parts.join(' '), index, mark),
              ),
            ].join(' ')
          if (intentOf(render((inside, _, mark) => `${mark} ${inside} */`)) !== 'read') return
          for (let mask = 0; mask < 1 << chunks.length; mask++) {
            const seen = render((inside, index) => ((mask & (1 << index)) === 0 ? ' ' : ` ${inside} `))
            const verdict = classify(seen, dialect)
            // What is no statement for this server, it refuses.
            if (/unknown statement|unbalanced|without/.test(verdict.reason)) continue
            expect(verdict, seen).toMatchObject({ intent: 'read' })
          }
        }),
        { numRuns: 4000 },
      )
    })

    it('what is a read under one meaning of a backslash or a double quote alone', () => {
      // What a server may take for a string or a quoted name, by setting.
      const modes = postgres
        ? [/'[^']*'|"[^"]*"/g, /'(?:[^'\\]|\\[^])*'|"[^"]*"/g]
        : [
            /'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"|`[^`]*`/g,
            /'(?:[^'\\]|\\[^])*'|"[^"]*"|`[^`]*`/g,
            /'[^']*'|"[^"]*"|`[^`]*`/g,
          ]
      const writer = postgres ? 'nextval(1)' : 'get_lock(1)'
      const quotes = postgres ? ["'", '"'] : ["'", '"', '`']
      const part = fc.constantFrom(...quotes, ...quotes, '\\', '\\', 'a', ' , ', ` , ${writer} `)
      let reads = 0
      fc.assert(
        fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
          const sql = `select ${parts.join('')}`
          if (intentOf(sql) !== 'read') return
          reads++
          for (const mode of modes) {
            const outside = sql.replace(mode, ' ')
            expect(outside, sql).not.toContain(writer)
            expect(outside, sql).not.toMatch(postgres ? /['"]/ : /['"`]/)
          }
        }),
        { numRuns: 20_000 },
      )
      expect(reads).toBeGreaterThan(500)
    })
  })
})
