import { KEYWORD } from '../../dialects/vocabulary'
import type { Reader } from '../reader'
import * as Token from '../token'
import { type Effect, READ, SESSION, WRITE } from '../word-table'

/** What SHOW of MySQL and MariaDB shows so that every server answers alike. */
const ALIKE = `
  tables columns fields index indexes keys databases schemas create table triggers events procedure function package
  character charset collation variables grants privileges engines plugins storage authors contributors locales`

/** What it shows of the connection. */
const OF_SESSION = 'warnings errors count profile profiles'

const SHOWN: ReadonlyMap<string, Effect> = new Map([
  ...wordsOf(ALIKE).map((word) => [word, READ] as const),
  ...wordsOf(OF_SESSION).map((word) => [word, SESSION] as const),
])

function wordsOf(list: string): string[] {
  return list.trim().toUpperCase().split(/\s+/)
}

/** SHOW: in PostgreSQL of a setting, in MySQL of many things, some of which each server has of its own. */
export function readShow(reader: Reader): void {
  reader.describe('SHOW')
  reader.advance()
  if (reader.postgres) return
  reader.namesTables = false
  reader.accounts = true
  while (isModifier(reader)) reader.advance()
  const what = reader.at(Token.WORD) ? reader.title : ''
  reader.raise(SHOWN.get(what) ?? WRITE, `SHOW ${what}`.trimEnd())
  readTable(reader)
}

/** SHOW FULL COLUMNS, SHOW GLOBAL VARIABLES. */
function isModifier({ keyword }: Reader): boolean {
  return (
    keyword === KEYWORD.extended ||
    keyword === KEYWORD.full ||
    keyword === KEYWORD.global ||
    keyword === KEYWORD.session ||
    keyword === KEYWORD.local
  )
}

/** The table of SHOW CREATE TABLE t or SHOW COLUMNS FROM t. */
function readTable(reader: Reader): void {
  const of = reader.keyword
  reader.advance()
  const { keyword } = reader
  const follows =
    of === KEYWORD.create
      ? keyword === KEYWORD.table || keyword === KEYWORD.view
      : ofTable(of) && (keyword === KEYWORD.from || keyword === KEYWORD.in)
  if (!follows) return
  reader.namesTables = true
  reader.expectTarget()
}

/** What a table has. */
function ofTable(keyword: number): boolean {
  return (
    keyword === KEYWORD.columns ||
    keyword === KEYWORD.fields ||
    keyword === KEYWORD.index ||
    keyword === KEYWORD.indexes ||
    keyword === KEYWORD.keys
  )
}
