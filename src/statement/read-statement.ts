import { KEYWORD } from '../dialects/vocabulary'
import { readCopy } from './kinds/copy'
import { readDefinition } from './kinds/definition'
import { readAnalyze, readExplain } from './kinds/explain'
import { readExecute, readFlush, readOther, readPrepare } from './kinds/other'
import { readQuery, skipParentheses } from './kinds/query'
import { readSet } from './kinds/set'
import { readShow } from './kinds/show'
import { readBegin, readEnd } from './kinds/transaction'
import type { Reader } from './reader'
import { SESSION, WRITE } from './word-table'

/**
 * Reads one statement, whose first token is the reader's current one, to its end, and leaves in the reader what it
 * does. What is not known here to be a read is raised above one.
 */
export function readStatement(reader: Reader): void {
  const parentheses = skipParentheses(reader)
  if (readQuery(reader)) return
  if (parentheses) reader.raise(WRITE, 'unknown statement')
  if (reader.keyword === KEYWORD.set) {
    if (readSet(reader)) readInner(reader)
  } else {
    readByFirstWord(reader)
  }
  reader.rest()
}

/** The statement of a SET STATEMENT, which cannot be another one. */
function readInner(reader: Reader): void {
  if (reader.keyword === KEYWORD.set) reader.raise(SESSION, 'SET STATEMENT of SET')
  else readStatement(reader)
}

function readByFirstWord(reader: Reader): void {
  switch (reader.keyword) {
    case KEYWORD.explain:
    case KEYWORD.describe:
    case KEYWORD.desc:
      readExplain(reader)
      break
    case KEYWORD.analyze:
    case KEYWORD.analyse:
      readAnalyze(reader)
      break
    case KEYWORD.show:
      readShow(reader)
      break
    case KEYWORD.help:
      reader.describe('HELP')
      break
    case KEYWORD.copy:
      readCopy(reader)
      break
    case KEYWORD.begin:
    case KEYWORD.start:
      readBegin(reader)
      break
    case KEYWORD.commit:
    case KEYWORD.end:
    case KEYWORD.rollback:
    case KEYWORD.abort:
      readEnd(reader)
      break
    case KEYWORD.savepoint:
    case KEYWORD.release:
      reader.transaction = { kind: 'savepoint' }
      break
    case KEYWORD.prepare:
      readPrepare(reader)
      break
    case KEYWORD.execute:
      readExecute(reader)
      break
    case KEYWORD.flush:
      readFlush(reader)
      break
    case KEYWORD.create:
    case KEYWORD.alter:
    case KEYWORD.drop:
      readDefinition(reader)
      break
    default:
      readOther(reader)
  }
}
