import { codeOf, wordsOf } from './code'
import type { MysqlDialect, RunAsAdmin } from './mysql-suite'
import type { Excuse } from './trial'

/** Statements that only answer, unless something that they call or read does more. */
const ANSWERS = /^[\s(]*(select|with|values|table|show|explain|describe|desc)\b/i

/** What writes or locks where a reader of the text can see it. */
const VISIBLE =
  /\b(insert|update|delete|into)\b|\bfor\s+share\b|\block\s+in\b|\bnext\s+value\b|\b(nextval|setval)\b/i

/** What a statement may call or read whose effect its text does not show, looked up at the moment of the refusal. */
export function mysqlExcuse(dialect: MysqlDialect, admin: RunAsAdmin): Excuse {
  return async ({ sql, database }) => {
    const code = codeOf(sql, dialect)
    if (!ANSWERS.test(code) || VISIBLE.test(code)) return null
    const words = wordsOf(sql, dialect).map((word) => `'${word.replaceAll("'", "''")}'`)
    const among = (column: string): string => `LOWER(${column}) IN (${words.join(', ')}) LIMIT 1`
    const routines = await admin(
      'primary',
      `SELECT routine_name FROM information_schema.routines WHERE routine_schema = '${database}' AND ${among('routine_name')}`,
    )
    if (routines.length > 0) return 'calls a function of the suite'
    const views = await admin(
      'primary',
      `SELECT table_name FROM information_schema.views WHERE table_schema = '${database}' AND ${among('table_name')}`,
    )
    return views.length > 0 ? 'reads a view of the suite' : null
  }
}
