import { KEYWORD } from '../../dialects/vocabulary'
import type { Reader } from '../reader'
import * as Token from '../token'
import { WRITE } from '../word-table'

/** BEGIN and START TRANSACTION, with their modes in any order. */
export function readBegin(reader: Reader): void {
  const start = reader.keyword === KEYWORD.start
  reader.namesTables = false
  reader.advance()
  if (start && reader.keyword !== KEYWORD.transaction) {
    reader.raise(WRITE, 'START')
    return
  }
  if (reader.keyword === KEYWORD.work || reader.keyword === KEYWORD.transaction) reader.advance()
  let readOnly = false
  // A hot standby cannot serialize, and of READ ONLY and READ WRITE together we choose neither.
  let refused = false
  for (; !reader.done && !reader.at(Token.INVALID); reader.advance()) {
    switch (reader.keyword) {
      case KEYWORD.only:
        readOnly = reader.prevKeyword === KEYWORD.read
        break
      case KEYWORD.write:
      case KEYWORD.serializable:
        refused = true
        break
      default:
        if (isMode(reader)) break
        // BEGIN NOT ATOMIC, and in one mode of MariaDB BEGIN alone, start a block of statements.
        reader.raise(WRITE, 'BEGIN of a block')
        if (!reader.postgres) reader.restOfText()
        return
    }
  }
  reader.transaction = { kind: 'begin', readOnly: readOnly && !refused }
}

function isMode(reader: Reader): boolean {
  switch (reader.keyword) {
    case KEYWORD.isolation:
    case KEYWORD.level:
    case KEYWORD.repeatable:
    case KEYWORD.read:
    case KEYWORD.committed:
    case KEYWORD.uncommitted:
    case KEYWORD.deferrable:
    case KEYWORD.with:
    case KEYWORD.consistent:
    case KEYWORD.snapshot:
      return true
    case KEYWORD.not:
      return reader.postgres
    default:
      return reader.at(Token.COMMA)
  }
}

/** COMMIT and END, ROLLBACK and ABORT. */
export function readEnd(reader: Reader): void {
  const commits = reader.keyword === KEYWORD.commit || reader.keyword === KEYWORD.end
  const { title } = reader
  reader.advance()
  if (reader.keyword === KEYWORD.prepared) {
    reader.raise(WRITE, `${title} PREPARED`)
    return
  }
  if (reader.keyword === KEYWORD.work || reader.keyword === KEYWORD.transaction) reader.advance()
  if (reader.keyword === KEYWORD.to && !commits) {
    reader.transaction = { kind: 'savepoint' }
    return
  }
  let chain = false
  for (; !reader.done; reader.advance()) {
    if (reader.keyword === KEYWORD.chain && reader.prevKeyword !== KEYWORD.no) chain = true
  }
  reader.transaction = { kind: commits ? 'commit' : 'rollback', chain }
}
