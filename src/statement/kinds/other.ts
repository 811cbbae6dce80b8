import { KEYWORD } from '../../dialects/vocabulary'
import type { Reader } from '../reader'
import * as Token from '../token'
import { READ, SESSION, statementEffect, WRITE } from '../word-table'
import { isChange, readChange } from './query'

/** Statements that are known by their first word, and those that are not known. */
export function readOther(reader: Reader): void {
  const effect = reader.at(Token.WORD) ? statementEffect(reader.word) : READ
  if (effect === READ) {
    reader.raise(WRITE, unknown(reader))
    return
  }
  if (isChange(reader)) {
    readChange(reader)
    return
  }
  reader.raise(effect, reader.title)
  switch (reader.keyword) {
    case KEYWORD.truncate:
    case KEYWORD.lock:
    case KEYWORD.rename:
      reader.expectTargets()
      reader.advance()
      if (reader.keyword === KEYWORD.tables || reader.keyword === KEYWORD.table) reader.expectTargets()
      break
    case KEYWORD.handler:
      reader.expectTarget()
      break
    case KEYWORD.vacuum:
      reader.advance()
      readMaintained(reader)
      break
    case KEYWORD.refresh:
      while (!reader.done && reader.keyword !== KEYWORD.view) reader.advance()
      reader.expectTarget()
      break
    case KEYWORD.grant:
    case KEYWORD.revoke:
      reader.namesTables = false
      reader.callsFunctions = false
      reader.accounts = true
      break
  }
}

const MAINTENANCE_OPTIONS = ['FULL', 'FREEZE', 'VERBOSE', 'ANALYZE', 'ANALYSE']

/** The options and the tables of VACUUM and of PostgreSQL's ANALYZE. */
export function readMaintained(reader: Reader): void {
  if (reader.at(Token.OPEN)) {
    while (!reader.done && reader.depth > 0) reader.advance()
    reader.advance()
  }
  while (reader.at(Token.WORD) && MAINTENANCE_OPTIONS.includes(reader.title)) reader.advance()
  if (!reader.done) reader.takeTables()
}

/** PREPARE of a statement, or of a transaction that is to be committed later, on any connection. */
export function readPrepare(reader: Reader): void {
  reader.advance()
  if (reader.keyword === KEYWORD.transaction) reader.raise(WRITE, 'PREPARE TRANSACTION')
  else reader.raise(SESSION, 'PREPARE')
}

/** EXECUTE of a prepared statement, or of a text. */
export function readExecute(reader: Reader): void {
  reader.advance()
  if (reader.keyword === KEYWORD.immediate) reader.raise(WRITE, 'EXECUTE IMMEDIATE')
  else reader.raise(SESSION, 'EXECUTE')
}

/** FLUSH acts on the server, but FLUSH TABLES … WITH READ LOCK and … FOR EXPORT hold locks for the connection. */
export function readFlush(reader: Reader): void {
  reader.raise(WRITE, 'FLUSH')
  for (; !reader.done; reader.advance()) {
    if (reader.keyword === KEYWORD.lock || reader.keyword === KEYWORD.export) {
      reader.raise(SESSION, 'FLUSH with a lock')
    }
  }
}

/** A word is quoted only if it is one: what is no statement may be anything. */
function unknown(reader: Reader): string {
  const { title } = reader
  return /^[A-Z_]{1,24}$/.test(title) ? `unknown statement ${title}` : 'unknown statement'
}
