import { KEYWORD } from '../../dialects/vocabulary'
import type { Reader } from '../reader'
import * as Token from '../token'
import { SESSION, WRITE } from '../word-table'

/** The reason of a SET that sets something of the session. */
export const SETS_SESSION = 'SET'
/** The reason of a SET that holds for one transaction: PostgreSQL's is the one that is open, MySQL's the next one. */
export const SETS_TRANSACTION = 'SET TRANSACTION'

/**
 * SET belongs to the connection, except where MySQL sets something of the whole server. True where a statement follows
 * for which MariaDB's SET STATEMENT sets values: then that decides.
 */
export function readSet(reader: Reader): boolean {
  reader.advance()
  if (reader.keyword === KEYWORD.transaction || (reader.postgres && reader.keyword === KEYWORD.local)) {
    reader.raise(SESSION, SETS_TRANSACTION)
  } else if (reader.postgres) {
    reader.raise(SESSION, SETS_SESSION)
  } else if (reader.keyword === KEYWORD.statement) {
    while (!reader.done && !(reader.depth === 0 && reader.keyword === KEYWORD.for)) reader.advance()
    reader.advance()
    return true
  } else if (reader.keyword === KEYWORD.password || reader.keyword === KEYWORD.default) {
    reader.accounts = true
    reader.raise(WRITE, `SET ${reader.title}`)
  } else {
    readVariables(reader)
  }
  return false
}

/** `GLOBAL a = 1, b = 2` sets both for the server; with anything of the connection in it, a list is the connection's. */
function readVariables(reader: Reader): void {
  if (!isGlobal(reader)) reader.raise(SESSION, SETS_SESSION)
  reader.raise(WRITE, 'SET of the server')
  for (; !reader.done; reader.advance()) {
    const startsItem = reader.prevKind === Token.COMMA && reader.depth === 0
    if (startsItem && !reader.at(Token.WORD) && !isGlobal(reader)) reader.raise(SESSION, SETS_SESSION)
    if (reader.keyword === KEYWORD.session || reader.keyword === KEYWORD.local)
      reader.raise(SESSION, SETS_SESSION)
  }
}

function isGlobal({ keyword, globalVariable }: Reader): boolean {
  return (
    keyword === KEYWORD.global ||
    keyword === KEYWORD.persist ||
    keyword === KEYWORD.persist_only ||
    globalVariable
  )
}
