import pc from 'picocolors'
import type { Decision, StatementEvent } from '../../../src'
import { pinsOf, type Account } from '../ledger'
import { columns, line, WIDTH } from './layout'
import { shortSql } from './short-sql'

const [ALIAS, ROLE, NODE, GAPS] = [7, 7, 9, 10]
const LEFT = WIDTH - ALIAS - ROLE - NODE - GAPS
const SQL = Math.floor(LEFT * 0.47)
const WHY = LEFT - SQL
const WIDTHS = [SQL, ALIAS, ROLE, NODE, WHY]

/** The heads of the columns in which accounts are told. */
export function printColumnHeads(): void {
  line(
    columns(WIDTHS, [
      ['statement', 'alias', 'role', 'node', 'why: the rule, and its reason'].map((text) => pc.dim(text)),
    ]),
  )
}

/** One request: what was asked, its pins, and where each of its statements went. */
export function printAccount(account: Account): void {
  const pins = [...pinsOf(account).values()].map((nodeId) => pc.green(nodeId)).join(' and ')
  line()
  line(
    [
      ` ${pc.bold(account.method)} ${account.path}`,
      status(account.status),
      pins === '' ? pc.dim('no replica') : `pinned to ${pins}`,
    ].join('  '),
  )
  if (account.statements.length === 0) line(pc.dim('   no statement'))
  else line(columns(WIDTHS, account.statements.map(row)))
}

function row(
  { sql, decision, error }: StatementEvent,
  index: number,
  all: readonly StatementEvent[],
): string[] {
  const { alias, role, rule, reason, nodeId } = decision
  const text = shortSql(sql ?? '(not shown: it may hold a password)', SQL)
  // A long reason that stands in the row above would only be in the way of the reader.
  const above = all[index - 1]?.decision
  const isLong = rule.length + 2 + reason.length > WHY
  const isSame = above?.rule === rule && above.reason === reason
  const why = `${pc.bold(rule)}: ${isLong && isSame ? pc.dim('as above') : reason}`
  const colour = colourOf(decision)
  return [
    text,
    alias,
    colour(role),
    colour(nodeName(nodeId)),
    error === null ? why : `${why}\n${pc.red(`✗ ${messageOf(error)}`)}`,
  ]
}

export function status(code: number): string {
  return code < 400 ? pc.green(code) : pc.red(code)
}

export function colourOf({ role }: Pick<Decision, 'role'>): (text: string) => string {
  return role === 'primary' ? pc.yellow : pc.green
}

/** `users:replica-2` is `replica-2` of `users`. */
export function nodeName(nodeId: string): string {
  return nodeId.slice(nodeId.indexOf(':') + 1)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
