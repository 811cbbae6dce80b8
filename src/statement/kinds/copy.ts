import { KEYWORD } from '../../dialects/vocabulary'
import type { Reader } from '../reader'
import * as Token from '../token'
import { WRITE } from '../word-table'
import { isQuery, skipParentheses } from './query'

/** COPY to the client is a read; from anywhere, or to a file or program of the server, it is not. */
export function readCopy(reader: Reader): void {
  reader.describe('COPY to the client')
  reader.aliases = true
  reader.expectTarget()
  reader.advance()
  if (reader.keyword === KEYWORD.binary) {
    reader.expectTarget()
    reader.advance()
  }
  if (reader.at(Token.OPEN)) {
    skipParentheses(reader)
    if (!isQuery(reader)) reader.raise(WRITE, 'COPY of a statement that writes')
  }
  while (!reader.done && !isDirection(reader)) reader.advance()
  if (reader.keyword !== KEYWORD.to) {
    reader.raise(WRITE, 'COPY FROM')
    return
  }
  reader.advance()
  if (reader.keyword !== KEYWORD.stdout) reader.raise(WRITE, 'COPY to the server')
}

/** TO or FROM, but not that of a query in parentheses. */
function isDirection({ depth, keyword }: Reader): boolean {
  return depth === 0 && (keyword === KEYWORD.to || keyword === KEYWORD.from)
}
