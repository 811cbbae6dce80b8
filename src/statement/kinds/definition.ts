import { KEYWORD } from '../../dialects/vocabulary'
import type { Reader } from '../reader'
import * as Token from '../token'
import { SESSION, WRITE } from '../word-table'
import { isQuery } from './query'

/** CREATE, ALTER and DROP. */
export function readDefinition(reader: Reader): void {
  const verb = reader.title
  const drops = reader.keyword === KEYWORD.drop
  const creates = reader.keyword === KEYWORD.create
  reader.raise(WRITE, verb)
  reader.accounts = true
  reader.callsFunctions = false
  do reader.advance()
  while (isModifier(reader))
  switch (reader.keyword) {
    case KEYWORD.temporary:
    case KEYWORD.temp:
      reader.raise(SESSION, `${verb} of a temporary table`)
      reader.advance()
      readTables(reader, drops)
      break
    case KEYWORD.prepare:
      reader.raise(SESSION, 'DROP PREPARE')
      break
    case KEYWORD.table:
    case KEYWORD.tables:
    case KEYWORD.view:
      readTables(reader, drops)
      break
    case KEYWORD.index:
    case KEYWORD.policy:
      while (!reader.done && reader.keyword !== KEYWORD.on) reader.advance()
      if (!reader.done) reader.expectTarget()
      break
    case KEYWORD.trigger:
      readTrigger(reader)
      if (creates) readRoutine(reader)
      break
    case KEYWORD.procedure:
    case KEYWORD.function:
    case KEYWORD.event:
    case KEYWORD.package:
    case KEYWORD.aggregate:
    case KEYWORD.definer:
      reader.namesTables = false
      if (creates) readRoutine(reader)
      break
    default:
      reader.namesTables = false
  }
}

/** CREATE OR REPLACE UNLOGGED, DROP FOREIGN. */
function isModifier({ keyword }: Reader): boolean {
  return (
    keyword === KEYWORD.or ||
    keyword === KEYWORD.replace ||
    keyword === KEYWORD.local ||
    keyword === KEYWORD.global ||
    keyword === KEYWORD.unlogged ||
    keyword === KEYWORD.foreign ||
    keyword === KEYWORD.unique ||
    keyword === KEYWORD.materialized ||
    keyword === KEYWORD.recursive
  )
}

function readTables(reader: Reader, drops: boolean): void {
  reader.callsFunctions = true
  if (drops) reader.expectTargets()
  else {
    reader.expectTarget()
    readLike(reader)
  }
}

/** `CREATE TABLE t LIKE u` */
function readLike(reader: Reader): void {
  do {
    reader.advance()
    if (reader.keyword === KEYWORD.like) {
      reader.expectTarget()
      return
    }
  } while (isPartOfName(reader))
}

function isPartOfName(reader: Reader): boolean {
  if (reader.at(Token.DOT) || reader.at(Token.QUOTED)) return true
  return reader.at(Token.WORD) && reader.keyword !== KEYWORD.as && !isQuery(reader)
}

/** The table of a trigger; what the trigger does is nothing of this statement. */
function readTrigger(reader: Reader): void {
  while (!reader.done && reader.keyword !== KEYWORD.on) reader.advance()
  reader.expectTarget()
  reader.namesTables = false
}

/**
 * A routine can hold statements of its own, with semicolons between them, which run when it is called: the rest of the
 * text is taken for them. In PostgreSQL they stand in a string, or after BEGIN ATOMIC.
 */
function readRoutine(reader: Reader): void {
  while (reader.postgres && !reader.done && reader.keyword !== KEYWORD.atomic) reader.advance()
  if (reader.done) return
  reader.restOfText()
  reader.limit(WRITE, 'CREATE of a routine')
}
