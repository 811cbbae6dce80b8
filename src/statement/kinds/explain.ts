import { KEYWORD } from '../../dialects/vocabulary'
import type { Reader } from '../reader'
import * as Token from '../token'
import { READ, SESSION, statementEffect, WRITE } from '../word-table'
import { readMaintained } from './other'
import { isChange, isQuery, readChange, readQuery, skipParentheses } from './query'

/** EXPLAIN of a query tells how it would run, or runs it; of anything else it is not worth a guess. */
export function readExplain(reader: Reader): void {
  reader.describe(`${reader.title} of a query`)
  reader.advance()
  if (reader.postgres) readPostgresOptions(reader)
  else readMysqlOptions(reader)
}

/** MariaDB's ANALYZE of a statement runs it. ANALYZE TABLE, and all of the others', change statistics. */
export function readAnalyze(reader: Reader): void {
  reader.advance()
  if (reader.dialect === 'mariadb') {
    skipFormat(reader)
    if (reader.keyword !== KEYWORD.table && (isQuery(reader) || reader.at(Token.OPEN))) {
      reader.describe('ANALYZE of a query')
      readExplained(reader)
      return
    }
  }
  reader.raise(WRITE, 'ANALYZE')
  if (reader.postgres) readMaintained(reader)
  else if (isChange(reader)) readChange(reader)
}

/** `EXPLAIN (ANALYZE, …)` or `EXPLAIN ANALYZE VERBOSE`, then the statement. */
function readPostgresOptions(reader: Reader): void {
  if (reader.at(Token.OPEN)) {
    reader.advance()
    if (isQuery(reader) || reader.at(Token.OPEN)) {
      readExplained(reader)
      return
    }
    while (!reader.done && reader.depth > 0) reader.advance()
    reader.advance()
  }
  while (
    reader.keyword === KEYWORD.analyze ||
    reader.keyword === KEYWORD.analyse ||
    reader.keyword === KEYWORD.verbose
  ) {
    reader.advance()
  }
  readExplained(reader)
}

/** `EXPLAIN ANALYZE FORMAT = JSON INTO @a FOR SCHEMA s`, then the statement, or the name of a table to describe. */
function readMysqlOptions(reader: Reader): void {
  for (let options = 0; ; options++) {
    switch (reader.keyword) {
      case KEYWORD.analyze:
      case KEYWORD.extended:
      case KEYWORD.partitions:
        reader.advance()
        break
      case KEYWORD.format:
        skipFormat(reader)
        break
      case KEYWORD.into:
        reader.advance()
        reader.advance()
        break
      case KEYWORD.for:
        reader.advance()
        if (reader.keyword !== KEYWORD.schema && reader.keyword !== KEYWORD.database) {
          reader.raise(WRITE, 'EXPLAIN FOR CONNECTION')
          return
        }
        reader.advance()
        reader.advance()
        break
      default:
        if (options === 0 && namesTable(reader)) reader.takeTable()
        else readExplained(reader)
        return
    }
  }
}

/** `FORMAT = JSON` */
function skipFormat(reader: Reader): void {
  if (reader.keyword !== KEYWORD.format) return
  reader.advance()
  if (reader.at(Token.OPERATOR)) reader.advance()
  reader.advance()
}

function namesTable(reader: Reader): boolean {
  if (reader.at(Token.QUOTED)) return true
  return reader.at(Token.WORD) && !isQuery(reader) && statementEffect(reader.word) === READ
}

function readExplained(reader: Reader): void {
  skipParentheses(reader)
  if (readQuery(reader)) return
  if (reader.keyword === KEYWORD.execute) reader.raise(SESSION, 'EXPLAIN of EXECUTE')
  reader.raise(WRITE, reader.keyword === 0 ? 'EXPLAIN of an unknown statement' : `EXPLAIN of ${reader.title}`)
  if (isChange(reader)) readChange(reader)
}
