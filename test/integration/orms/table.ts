import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ALL } from './all'
import { CASES, CLOSING } from './cases'
import { lacking } from './lacking'
import type { OrmDialect, OrmUnderTest } from './orm-under-test'

const ROOT = join(__dirname, '..', '..', '..')

/** Between these lines of `docs/orms.md` stands what {@link renderTables} gives. */
export const BEGIN = '<!-- The tests write from here. -->'
export const END = '<!-- The tests write to here. -->'

/** What was asked of which ORM: a tick is a test that `describeOrm` runs, a number is why it is not. */
export function renderTables(): string {
  const reasons: string[] = []
  const tables = (['postgres', 'mysql'] as const).map((dialect) => table(dialect, reasons))
  return [...tables, reasons.map((reason, index) => `${index + 1}. ${reason}`).join('\n')].join('\n\n')
}

function table(dialect: OrmDialect, reasons: string[]): string {
  const orms = ALL.filter((orm) => orm[dialect] !== undefined)
  const number = (reason: string): string => {
    if (!reasons.includes(reason)) reasons.push(reason)
    return String(reasons.indexOf(reason) + 1)
  }
  const rows = CASES.filter(({ not }) => not?.[dialect] === undefined).map((asked) => [
    asked.title,
    ...orms.map((orm) => {
      const reason = lacking(orm, dialect, asked)
      return reason === null ? '✓' : number(reason)
    }),
  ])
  return [
    [
      dialect === 'postgres' ? 'on PostgreSQL' : 'on MySQL',
      ...orms.map((orm) => `${orm.name} ${version(orm)}`),
    ],
    ['---', ...orms.map(() => ':-:')],
    ...rows,
    [CLOSING, ...orms.map(() => '✓')],
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

/** That which is tested: of the installed package, or of the example that brings its own. */
function version({ package: name }: OrmUnderTest): string {
  const installed = join(ROOT, 'node_modules', name, 'package.json')
  if (existsSync(installed)) return (read(installed) as { version: string }).version
  const { dependencies } = read(join(ROOT, 'examples', 'prisma', 'package.json')) as {
    dependencies: Readonly<Record<string, string>>
  }
  return dependencies[name]!
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'))
}
