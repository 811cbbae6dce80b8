import { KEYWORD } from '../../dialects/vocabulary'
import type { Reader } from '../reader'
import * as Token from '../token'
import { WRITE } from '../word-table'

/** Reads a SELECT, WITH, VALUES or TABLE to its end; false where none starts here. */
export function readQuery(reader: Reader): boolean {
  if (!isQuery(reader)) return false
  reader.aliases = true
  switch (reader.keyword) {
    case KEYWORD.select:
      reader.describe('plain SELECT')
      reader.startQuery()
      break
    case KEYWORD.with:
      reader.describe('WITH that only reads')
      readWith(reader)
      break
    case KEYWORD.values:
      reader.describe('plain VALUES')
      break
    case KEYWORD.table:
      reader.describe('plain TABLE')
      reader.expectTable()
      break
  }
  reader.rest()
  return true
}

/** Whether a query starts at the current token, which is no parenthesis. */
export function isQuery({ keyword }: Reader): boolean {
  return (
    keyword === KEYWORD.select ||
    keyword === KEYWORD.with ||
    keyword === KEYWORD.values ||
    keyword === KEYWORD.table
  )
}

/** Whether the current token is the first of a statement that changes rows. */
export function isChange({ keyword }: Reader): boolean {
  return (
    keyword === KEYWORD.insert ||
    keyword === KEYWORD.update ||
    keyword === KEYWORD.delete ||
    keyword === KEYWORD.replace ||
    keyword === KEYWORD.merge
  )
}

/** INSERT, UPDATE, DELETE, REPLACE or MERGE, up to the table that it changes. */
export function readChange(reader: Reader): void {
  const { keyword } = reader
  reader.aliases = false
  reader.raise(WRITE, reader.title)
  if (keyword === KEYWORD.update || keyword === KEYWORD.delete) reader.startQuery()
  if (keyword === KEYWORD.delete || keyword === KEYWORD.merge) reader.expectUsing()
  if (keyword === KEYWORD.update) reader.expectTargets()
  else if (keyword !== KEYWORD.delete) reader.expectTarget()
}

/** Reads CTEs up to the statement that they are for, which must be there. */
function readWith(reader: Reader): void {
  const { depth } = reader
  reader.startCtes()
  reader.advance()
  while (!reader.done && reader.depth >= depth) {
    if (reader.depth === depth) {
      if (isChange(reader)) {
        readChange(reader)
        return
      }
      if (isQuery(reader) && reader.keyword !== KEYWORD.with) return
    } else if (reader.at(Token.OPEN) && reader.prevKind === Token.CLOSE && reader.depth === depth + 1) {
      // The query stands in parentheses itself.
      skipParentheses(reader)
      if (isQuery(reader)) return
      break
    }
    reader.advance()
  }
  reader.raise(WRITE, 'WITH without a query')
}

/** Goes past the parentheses that open here; false where none does. */
export function skipParentheses(reader: Reader): boolean {
  const opens = reader.at(Token.OPEN)
  while (reader.at(Token.OPEN)) reader.advance()
  return opens
}
