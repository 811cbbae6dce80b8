import { KEYWORD } from '../dialects/vocabulary'
import type { Reader } from './reader'
import * as Token from './token'
import { READ, SESSION, statementEffect, WRITE } from './word-table'

/**
 * Reads one statement, whose first token is the reader's current one, to its end, and leaves in the reader what it
 * does. Whatever is not known here to be a read is raised above one.
 */
export function readStatement(reader: Reader): void {
  let parentheses = false
  while (reader.at(Token.OPEN)) {
    parentheses = true
    reader.advance()
  }
  if (readQuery(reader)) return
  if (parentheses) reader.raise(WRITE, 'unknown statement')
  switch (reader.keyword) {
    case KEYWORD.explain:
    case KEYWORD.describe:
    case KEYWORD.desc:
      readExplain(reader)
      break
    case KEYWORD.analyze:
      readAnalyze(reader)
      break
    case KEYWORD.show:
      readShow(reader)
      break
    case KEYWORD.help:
      reader.note('HELP')
      break
    case KEYWORD.copy:
      readCopy(reader)
      break
    case KEYWORD.set:
      readSet(reader)
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
      reader.advance()
      if (reader.keyword === KEYWORD.transaction) reader.raise(WRITE, 'PREPARE TRANSACTION')
      else reader.raise(SESSION, 'PREPARE')
      break
    case KEYWORD.execute:
      reader.advance()
      if (reader.keyword === KEYWORD.immediate) reader.raise(WRITE, 'EXECUTE IMMEDIATE')
      else reader.raise(SESSION, 'EXECUTE')
      break
    case KEYWORD.flush:
      readFlush(reader)
      break
    case KEYWORD.create:
    case KEYWORD.alter:
    case KEYWORD.drop:
      readDefinition(reader)
      return
    default:
      readOther(reader)
  }
  reader.rest()
}

/** SELECT, WITH, VALUES, TABLE, also in parentheses; false where none of them starts here. */
function readQuery(reader: Reader): boolean {
  if (!reader.at(Token.WORD)) return false
  switch (reader.keyword) {
    case KEYWORD.select:
      reader.note('plain SELECT')
      reader.aliases = true
      reader.startQuery()
      break
    case KEYWORD.with:
      reader.note('WITH that only reads')
      reader.aliases = true
      readWith(reader)
      break
    case KEYWORD.values:
      reader.note('plain VALUES')
      reader.aliases = true
      break
    case KEYWORD.table:
      reader.note('plain TABLE')
      reader.aliases = true
      reader.expectTable()
      break
    default:
      return false
  }
  reader.rest()
  return true
}

/** Reads the CTEs up to the statement that they are for. */
function readWith(reader: Reader): void {
  const depth = reader.depth
  reader.startCtes()
  reader.advance()
  while (!reader.done && reader.depth >= depth) {
    if (reader.depth === depth + 1 && reader.at(Token.OPEN) && reader.prevKind === Token.CLOSE) {
      // The query stands in parentheses itself.
      while (reader.at(Token.OPEN)) reader.advance()
      if (isQuery(reader)) return
      break
    }
    if (reader.depth === depth && reader.at(Token.WORD)) {
      if (isQuery(reader) && reader.keyword !== KEYWORD.with) return
      if (isChange(reader)) {
        readChange(reader, 'WITH … ')
        return
      }
    }
    reader.advance()
  }
  reader.raise(WRITE, 'WITH without a query')
}

function isQuery(reader: Reader): boolean {
  switch (reader.keyword) {
    case KEYWORD.select:
    case KEYWORD.with:
    case KEYWORD.values:
    case KEYWORD.table:
      return true
    default:
      return false
  }
}

function isChange(reader: Reader): boolean {
  switch (reader.keyword) {
    case KEYWORD.insert:
    case KEYWORD.update:
    case KEYWORD.delete:
    case KEYWORD.replace:
    case KEYWORD.merge:
      return true
    default:
      return false
  }
}

/** INSERT, UPDATE, DELETE, REPLACE or MERGE: the current token. */
function readChange(reader: Reader, prefix = ''): void {
  const { keyword } = reader
  reader.aliases = false
  reader.raise(WRITE, prefix + reader.name.toUpperCase())
  if (keyword === KEYWORD.delete) {
    reader.startQuery()
    reader.expectUsing()
  } else if (keyword === KEYWORD.update) {
    reader.startQuery()
    reader.expectTargets()
  } else {
    if (keyword === KEYWORD.merge) reader.expectUsing()
    reader.expectTarget()
  }
}

/** EXPLAIN of a query tells how it would run, or with ANALYZE runs it. Of anything else it is not worth a guess. */
function readExplain(reader: Reader): void {
  reader.note(reader.name.toUpperCase())
  if (reader.postgres) readPostgresExplain(reader)
  else readMysqlExplain(reader)
}

function readPostgresExplain(reader: Reader): void {
  reader.advance()
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

function readExplained(reader: Reader): void {
  while (reader.at(Token.OPEN)) reader.advance()
  if (readQuery(reader)) return
  const what =
    reader.at(Token.WORD) && reader.keyword !== 0 ? reader.name.toUpperCase() : 'an unknown statement'
  if (reader.keyword === KEYWORD.execute) reader.raise(SESSION, 'EXPLAIN of EXECUTE')
  else reader.raise(WRITE, `EXPLAIN of ${what}`)
  if (isChange(reader)) readChange(reader)
}

function readMysqlExplain(reader: Reader): void {
  let options = false
  reader.advance()
  for (;;) {
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
        if (options || isQuery(reader) || isChange(reader) || reader.at(Token.OPEN) || !isTable(reader)) {
          readExplained(reader)
        } else {
          reader.describeTable()
        }
        return
    }
    options = true
  }
}

/** The name of a table, after EXPLAIN or DESCRIBE. */
function isTable(reader: Reader): boolean {
  return reader.at(Token.QUOTED) || (reader.at(Token.WORD) && statementEffect(reader.word) === READ)
}

/** MariaDB's ANALYZE of a statement runs it. ANALYZE TABLE, and all of the others', change statistics. */
function readAnalyze(reader: Reader): void {
  reader.advance()
  if (reader.dialect !== 'mariadb') {
    reader.raise(WRITE, 'ANALYZE')
    return
  }
  skipFormat(reader)
  if (reader.keyword !== KEYWORD.table && (isQuery(reader) || reader.at(Token.OPEN))) {
    reader.note('ANALYZE of a query')
    readExplained(reader)
    return
  }
  reader.raise(WRITE, 'ANALYZE')
  if (isChange(reader)) readChange(reader)
}

/** `FORMAT = JSON` */
function skipFormat(reader: Reader): void {
  if (reader.keyword !== KEYWORD.format) return
  reader.advance()
  if (reader.at(Token.OPERATOR)) reader.advance()
  reader.advance()
}

/** What SHOW of MySQL and MariaDB may show so that every server answers alike. */
const SHOWN: ReadonlyMap<string, typeof READ | typeof SESSION> = new Map([
  ...(
    'tables columns fields index indexes keys databases schemas create table triggers events procedure function ' +
    'package character charset collation variables grants privileges engines plugins storage authors contributors locales'
  )
    .split(' ')
    .map((name) => [name, READ] as const),
  ...'warnings errors count profile profiles'.split(' ').map((name) => [name, SESSION] as const),
])

function readShow(reader: Reader): void {
  reader.note('SHOW')
  reader.advance()
  if (reader.postgres) return
  reader.namesTables = false
  reader.accounts = true
  while (
    reader.keyword === KEYWORD.extended ||
    reader.keyword === KEYWORD.full ||
    reader.keyword === KEYWORD.global ||
    reader.keyword === KEYWORD.session ||
    reader.keyword === KEYWORD.local
  ) {
    reader.advance()
  }
  const what = reader.at(Token.WORD) ? reader.name : ''
  const effect = SHOWN.get(what)
  reader.raise(effect ?? WRITE, `SHOW ${known(what)}`)
  showTable(reader)
}

/** SHOW CREATE TABLE t, SHOW COLUMNS FROM t: the table it names. */
function showTable(reader: Reader): void {
  const { keyword } = reader
  if (keyword === KEYWORD.create) {
    reader.advance()
    if (reader.keyword !== KEYWORD.table && reader.keyword !== KEYWORD.view) return
  } else if (
    keyword === KEYWORD.columns ||
    keyword === KEYWORD.fields ||
    keyword === KEYWORD.index ||
    keyword === KEYWORD.indexes ||
    keyword === KEYWORD.keys
  ) {
    reader.advance()
    if (reader.keyword !== KEYWORD.from && reader.keyword !== KEYWORD.in) return
  } else {
    return
  }
  reader.namesTables = true
  reader.expectTarget()
  reader.advance()
  while (!reader.done && (reader.at(Token.DOT) || reader.prevKind === Token.DOT)) reader.advance()
  reader.advance()
  reader.namesTables = false
}

/** COPY to the client is a read; from anywhere, or to a file or program of the server, is not. */
function readCopy(reader: Reader): void {
  reader.note('COPY to the client')
  reader.aliases = true
  reader.expectTarget()
  reader.advance()
  if (reader.keyword === KEYWORD.binary) {
    reader.expectTarget()
    reader.advance()
  }
  if (reader.at(Token.OPEN)) {
    reader.advance()
    while (reader.at(Token.OPEN)) reader.advance()
    if (!isQuery(reader)) reader.raise(WRITE, 'COPY of a statement that writes')
    if (reader.keyword === KEYWORD.select) reader.startQuery()
  }
  while (
    !reader.done &&
    !(reader.depth === 0 && (reader.keyword === KEYWORD.to || reader.keyword === KEYWORD.from))
  ) {
    reader.advance()
  }
  if (reader.keyword === KEYWORD.to) {
    reader.advance()
    if (reader.keyword !== KEYWORD.stdout) reader.raise(WRITE, 'COPY to the server')
  } else {
    reader.raise(WRITE, 'COPY FROM')
  }
}

/** SET belongs to the connection, except where MySQL sets a value of the whole server. */
function readSet(reader: Reader): void {
  reader.advance()
  if (reader.postgres) {
    reader.raise(SESSION, 'SET')
    return
  }
  if (reader.keyword === KEYWORD.statement) {
    readSetStatement(reader)
    return
  }
  reader.accounts = true
  if (reader.keyword === KEYWORD.password || reader.keyword === KEYWORD.default) {
    reader.raise(WRITE, `SET ${reader.name.toUpperCase()}`)
    return
  }
  // `SET GLOBAL a = 1, b = 2` sets both for the server; a list with anything else in it sets the connection too.
  if (!setsServer(reader)) reader.raise(SESSION, 'SET')
  reader.raise(WRITE, 'SET of the server')
  while (!reader.done) {
    const startsItem = reader.prevKind === Token.COMMA && reader.depth === 0
    if (startsItem && !reader.at(Token.WORD) && !setsServer(reader)) reader.raise(SESSION, 'SET')
    if (reader.keyword === KEYWORD.session || reader.keyword === KEYWORD.local) reader.raise(SESSION, 'SET')
    reader.advance()
  }
}

function setsServer(reader: Reader): boolean {
  switch (reader.keyword) {
    case KEYWORD.global:
    case KEYWORD.persist:
    case KEYWORD.persist_only:
      return true
    default:
      return reader.globalVariable
  }
}

/** MariaDB's SET STATEMENT sets values for one statement, after FOR, and is what that statement is. */
function readSetStatement(reader: Reader): void {
  while (!reader.done && !(reader.depth === 0 && reader.keyword === KEYWORD.for)) reader.advance()
  reader.advance()
  if (reader.keyword === KEYWORD.set) reader.raise(SESSION, 'SET STATEMENT of SET')
  else readStatement(reader)
}

/** BEGIN and START TRANSACTION, with their modes in any order. */
function readBegin(reader: Reader): void {
  const start = reader.keyword === KEYWORD.start
  reader.namesTables = false
  reader.advance()
  if (start && reader.keyword !== KEYWORD.transaction) {
    reader.raise(WRITE, 'START')
    return
  }
  if (start || reader.keyword === KEYWORD.work || reader.keyword === KEYWORD.transaction) reader.advance()
  let readOnly = false
  let contradicted = false
  let serializable = false
  while (!reader.done) {
    if (reader.keyword === KEYWORD.read) {
      reader.advance()
      if (reader.keyword === KEYWORD.only) readOnly = true
      else if (reader.keyword === KEYWORD.write) contradicted = true
      else if (reader.keyword !== KEYWORD.committed && reader.keyword !== KEYWORD.uncommitted) break
    } else if (reader.keyword === KEYWORD.repeatable) {
      reader.advance() // READ
    } else if (reader.keyword === KEYWORD.serializable) {
      serializable = true
    } else if (!isTransactionMode(reader)) {
      break
    }
    reader.advance()
  }
  if (reader.done) {
    reader.transaction = { kind: 'begin', readOnly: readOnly && !contradicted && !serializable }
    return
  }
  // BEGIN NOT ATOMIC, and in one mode of MariaDB BEGIN alone, start a block of statements.
  reader.raise(WRITE, 'BEGIN of a block')
  if (!reader.postgres) reader.restOfText()
}

function isTransactionMode(reader: Reader): boolean {
  switch (reader.keyword) {
    case KEYWORD.isolation:
    case KEYWORD.level:
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

/** COMMIT, END, ROLLBACK and ABORT. */
function readEnd(reader: Reader): void {
  const kind = reader.keyword === KEYWORD.commit || reader.keyword === KEYWORD.end ? 'commit' : 'rollback'
  reader.advance()
  if (reader.keyword === KEYWORD.prepared) {
    reader.raise(WRITE, `${kind.toUpperCase()} PREPARED`)
    return
  }
  if (reader.keyword === KEYWORD.work || reader.keyword === KEYWORD.transaction) reader.advance()
  if (reader.keyword === KEYWORD.to && kind === 'rollback') {
    reader.transaction = { kind: 'savepoint' }
    return
  }
  let chain = false
  while (!reader.done) {
    if (reader.keyword === KEYWORD.chain && reader.prevKeyword !== KEYWORD.no) chain = true
    reader.advance()
  }
  reader.transaction = { kind, chain }
}

/** FLUSH writes, and FLUSH TABLES … WITH READ LOCK or FOR EXPORT holds locks for the connection. */
function readFlush(reader: Reader): void {
  reader.raise(WRITE, 'FLUSH')
  while (!reader.done) {
    if (reader.keyword === KEYWORD.lock || reader.keyword === KEYWORD.export)
      reader.raise(SESSION, 'FLUSH with a lock')
    reader.advance()
  }
}

/** CREATE, ALTER and DROP. */
function readDefinition(reader: Reader): void {
  const verb = reader.name.toUpperCase()
  reader.raise(WRITE, verb)
  reader.accounts = true
  reader.callsFunctions = false
  for (;;) {
    reader.advance()
    switch (reader.keyword) {
      case KEYWORD.or:
      case KEYWORD.replace:
      case KEYWORD.local:
      case KEYWORD.global:
      case KEYWORD.unlogged:
      case KEYWORD.foreign:
      case KEYWORD.unique:
      case KEYWORD.materialized:
      case KEYWORD.recursive:
        continue
      case KEYWORD.temporary:
      case KEYWORD.temp:
        reader.raise(SESSION, `${verb} of a temporary table`)
        continue
      case KEYWORD.prepare:
        reader.raise(SESSION, 'DROP PREPARE')
        reader.rest()
        return
      case KEYWORD.table:
      case KEYWORD.tables:
      case KEYWORD.view:
        if (verb === 'DROP') reader.expectTargets()
        else reader.expectTarget()
        reader.callsFunctions = true
        reader.rest()
        return
      case KEYWORD.index:
      case KEYWORD.policy:
      case KEYWORD.rule:
        while (!reader.done && reader.keyword !== KEYWORD.on) reader.advance()
        if (!reader.done) reader.expectTarget()
        reader.rest()
        return
      case KEYWORD.procedure:
      case KEYWORD.function:
      case KEYWORD.trigger:
      case KEYWORD.event:
      case KEYWORD.package:
      case KEYWORD.aggregate:
      case KEYWORD.definer:
        readRoutine(reader, verb)
        return
      default:
        reader.namesTables = false
        reader.rest()
        return
    }
  }
}

/** A routine may hold statements of its own, which run when it is called. */
function readRoutine(reader: Reader, verb: string): void {
  reader.namesTables = false
  if (verb === 'CREATE' && !reader.postgres) {
    reader.restOfText()
    reader.limit(WRITE, `${verb} of a routine`)
    return
  }
  while (!reader.done) {
    if (reader.keyword === KEYWORD.atomic) {
      reader.restOfText()
      reader.limit(WRITE, `${verb} of a routine`)
      return
    }
    reader.advance()
  }
  reader.rest()
}

/** Statements that are known by their first word, and those that are not known. */
function readOther(reader: Reader): void {
  const effect = reader.at(Token.WORD) ? statementEffect(reader.word) : READ
  if (effect === READ) {
    reader.raise(
      WRITE,
      reader.at(Token.WORD) ? `unknown statement ${known(reader.name)}` : 'unknown statement',
    )
    return
  }
  if (isChange(reader)) {
    readChange(reader)
    return
  }
  reader.raise(effect, reader.name.toUpperCase())
  switch (reader.keyword) {
    case KEYWORD.truncate:
    case KEYWORD.lock:
    case KEYWORD.rename:
      reader.expectTargets()
      reader.advance()
      if (reader.keyword === KEYWORD.tables || reader.keyword === KEYWORD.table) reader.expectTargets()
      return
    case KEYWORD.handler:
      reader.expectTarget()
      return
    case KEYWORD.grant:
    case KEYWORD.revoke:
      reader.namesTables = false
      reader.callsFunctions = false
      reader.accounts = true
  }
}

/** A word of a statement as it may stand in a reason: letters only, and not many. */
function known(word: string): string {
  return /^[a-z_]{1,24}$/.test(word) ? word.toUpperCase() : 'something unknown'
}
