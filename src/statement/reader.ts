import type { Dialect } from '../dialects/dialect'
import { type DialectRules, KEYWORD, type Reading } from '../dialects/vocabulary'
import type { TransactionControl } from './classification'
import type { DeclaredFunctions } from './declared-functions'
import { DottedName } from './dotted-name'
import * as Frame from './frame'
import { FunctionCalls, isGrammar } from './function-calls'
import { GravestEffect } from './gravest-effect'
import { shortened } from './names'
import { Scanner, type ScannerRules } from './scanner'
import { TableNames } from './table-names'
import * as Token from './token'
import * as Words from './word-table'
import { type Effect, READ, SESSION, type Word, WRITE } from './word-table'

/** A dialect, prepared for reading. */
export interface ReaderRules extends ScannerRules {
  readonly dialect: DialectRules
}

/**
 * Reads a text token by token and takes note of everything that means something wherever it stands in a statement:
 * locks, INTO, writes in CTEs, functions, variables, tables. What depends on the kind of the statement is left to
 * `readStatement`.
 *
 * Nothing here looks ahead or back further than one token: what is open is kept in a frame for each level of
 * parentheses. `SELECT * FROM a, (SELECT 1 FROM b) x` is read like this:
 *
 *   SELECT   starts a query: FROM will name tables
 *   FROM     the next name is a table
 *   a ,      a table, and the next name is one too
 *   (        a new frame, in which the next name is a table, as in `(b JOIN c …)`
 *   SELECT   starts a query instead
 *   FROM b   a table
 *   )        back to the list of tables
 *   x        an alias
 */
export class Reader {
  // The current token.
  kind: number = Token.END
  word: Word = 0
  /** The keyword that the current token is, 0 where it is none, or a name. */
  keyword = 0
  // The token before it.
  prevKind: number = Token.END
  prevKeyword = 0

  /** How many parentheses are open. */
  depth = 0
  transaction: TransactionControl | null = null

  // What kind of statement it is.
  /** Names before parentheses are functions. */
  callsFunctions = true
  /** Names after FROM and the like are tables. */
  namesTables = true
  /** `AS` is followed by an alias, which may look like a keyword. */
  aliases = false
  /** `'u'@'h'` is an account. */
  accounts = false

  /** All meanings of all words in the text, one over the other. */
  allWords: Word = 0
  readonly tables: TableNames
  readonly calls: FunctionCalls
  readonly dialect: Dialect
  readonly postgres: boolean

  readonly #text: string
  readonly #scanner: Scanner
  readonly #gravest = new GravestEffect()
  readonly #name: DottedName
  readonly #frames: number[] = []
  #frame: number = Frame.NO_CLAUSE
  #prevWord: Word = 0
  /** The parenthesis at hand follows the name of a table that is written to or defined. */
  #columnList = false
  /** `NEXT VALUE` or `PREVIOUS VALUE` has been read, and FOR would make it a sequence. */
  #sequence: Effect = READ

  constructor(text: string, rules: ReaderRules, reading: Reading, declared: DeclaredFunctions | undefined) {
    const { dialect } = rules
    this.dialect = dialect.name
    this.tables = new TableNames(dialect.name !== 'mysql')
    this.postgres = dialect.family === 'postgres'
    this.calls = new FunctionCalls(rules.words, this.postgres, declared, this.#gravest)
    this.#text = text
    this.#scanner = new Scanner(text, rules, reading)
    this.#name = new DottedName(text, dialect.foldsNames)
  }

  get effect(): Effect {
    return this.#gravest.effect
  }

  get reason(): string {
    return this.#gravest.reason
  }

  get executable(): boolean {
    return this.#scanner.executable
  }

  get ambiguous(): boolean {
    return this.#scanner.ambiguous
  }

  get literal(): boolean {
    return this.#scanner.literal
  }

  /** Whether the current token is of this kind. */
  at(kind: number): boolean {
    return this.kind === kind
  }

  /** True at the end of a statement. */
  get done(): boolean {
    return this.kind === Token.END || (this.kind === Token.SEMICOLON && this.depth === 0)
  }

  /** The current word in capitals, as a reason may quote it. */
  get title(): string {
    return shortened(this.#scanner.name.toUpperCase())
  }

  /** The current token is a system variable of the whole server: `@@global.name`. */
  get globalVariable(): boolean {
    const start = this.#text.slice(this.#scanner.start, this.#scanner.start + 16)
    return this.kind === Token.SYSTEM_VARIABLE && /^@@(global|persist|persist_only)\./i.test(start)
  }

  raise(effect: Effect, reason: string): void {
    this.#gravest.raise(effect, reason)
  }

  describe(reason: string): void {
    this.#gravest.describe(reason)
  }

  limit(effect: Effect, reason: string): void {
    this.#gravest.limit(effect, reason)
  }

  /** Goes to the first token of the next statement; false where there is none. */
  startStatement(): boolean {
    this.transaction = null
    this.callsFunctions = true
    this.namesTables = true
    this.aliases = false
    this.accounts = false
    this.depth = 0
    this.tables.startStatement()
    this.#gravest.clear()
    this.#frame = Frame.NO_CLAUSE
    if (this.#frames.length > 0) this.#frames.length = 0
    do {
      this.kind = Token.SEMICOLON
      this.keyword = 0
      this.#step()
    } while (this.at(Token.SEMICOLON))
    return !this.at(Token.END)
  }

  /** Goes to the next token, but never beyond the end of the statement; false at that end. */
  advance(): boolean {
    if (!this.done) this.#step()
    return !this.done
  }

  /** Reads the rest of the statement. */
  rest(): void {
    while (!this.done) this.#step()
    if (this.depth > 0) this.raise(WRITE, 'unbalanced parentheses')
  }

  /** Reads up to the end of the text, whatever statements there are in it. */
  restOfText(): void {
    while (!this.at(Token.END)) this.#step()
  }

  /** The next name is a table. */
  expectTable(): void {
    this.#startClause(Frame.EXPECT | Frame.SINGLE)
  }

  expectTables(): void {
    this.#startClause(Frame.EXPECT)
  }

  /** The next name is a table that is written to or defined: a parenthesis after it starts a list of columns. */
  expectTarget(): void {
    this.#startClause(Frame.EXPECT | Frame.SINGLE | Frame.TARGET | Frame.NO_CTE)
  }

  /** The same for a list of them. In that of MySQL's UPDATE a CTE may stand next to the table that is written to. */
  expectTargets(): void {
    this.#startClause(Frame.EXPECT | Frame.TARGET | (this.postgres ? Frame.NO_CTE : 0))
  }

  /** The current name is that of a table. */
  takeTable(): void {
    this.#startClause(Frame.NAMED | Frame.SINGLE | Frame.TARGET)
  }

  /** The current name is that of a table, and a list of them may follow. */
  takeTables(): void {
    this.#startClause(Frame.NAMED | Frame.TARGET)
  }

  /** From here on, FROM names tables. */
  startQuery(): void {
    this.#frame = (Frame.withClause(this.#frame, Frame.NO_CLAUSE) & ~Frame.CTES) | Frame.QUERY
  }

  /** The next name is that of a CTE. */
  startCtes(): void {
    this.#frame = (Frame.withoutClause(this.#frame) & ~Frame.CTES) | Frame.CTE_LIST | Frame.CTE_NAME
  }

  /** The next USING names tables. */
  expectUsing(): void {
    this.#frame |= Frame.USING_LIST
  }

  #step(): void {
    const scanner = this.#scanner
    const prevKind = (this.prevKind = this.kind)
    this.prevKeyword = this.keyword
    this.#prevWord = this.word
    scanner.next()
    const kind = (this.kind = scanner.kind)
    this.word = scanner.word
    this.keyword = 0
    const isName = kind === Token.WORD || kind === Token.QUOTED
    if (
      Frame.clauseOf(this.#frame) === Frame.NAMED &&
      kind !== Token.DOT &&
      !(isName && prevKind === Token.DOT)
    ) {
      this.#endTable(kind)
    }
    if (isName) this.#readName(kind, prevKind)
    else this.#readOther(kind, prevKind)
  }

  #readOther(kind: number, prevKind: number): void {
    switch (kind) {
      case Token.OPEN:
        this.#open(prevKind)
        return
      case Token.CLOSE:
        this.#close()
        return
      case Token.COMMA:
        this.#comma()
        return
      case Token.DOT:
        return
      case Token.VARIABLE:
        this.#variable(prevKind)
        break
      case Token.SYSTEM_VARIABLE:
        this.#systemVariable()
        break
      case Token.SEMICOLON:
        if (this.depth > 0) this.raise(WRITE, 'a semicolon in parentheses')
        break
      case Token.INVALID:
        this.raise(WRITE, this.#scanner.problem)
        break
    }
    if (Frame.clauseOf(this.#frame) === Frame.EXPECT) this.#setClause(Frame.LIST)
  }

  #readName(kind: number, prevKind: number): void {
    const { word } = this
    const dotted = prevKind === Token.DOT
    this.allWords |= word
    if (dotted && this.#name.parts > 0) this.#name.extend(this.#scanner)
    else this.#name.begin(this.#scanner, prevKind, this.prevKeyword, this.#prevWord)
    if (word !== 0 && kind === Token.WORD && !dotted && prevKind !== Token.COLON) {
      this.keyword = Words.keywordOf(word)
    }
    if ((this.#frame & Frame.CTE_NAME) !== 0) {
      this.#readCteName()
      return
    }
    if (this.keyword !== 0 && this.aliases && this.prevKeyword === KEYWORD.as) this.keyword = 0
    if (this.keyword !== 0 && this.#readKeyword(this.keyword, prevKind)) return
    if (Frame.clauseOf(this.#frame) === Frame.EXPECT) this.#setClause(Frame.NAMED)
    if (dotted && word !== 0) this.#readDotted(word)
  }

  #readCteName(): void {
    if (this.keyword === KEYWORD.recursive) {
      this.#frame |= Frame.CTE_RECURSIVE
      return
    }
    this.#frame &= ~Frame.CTE_NAME
    this.keyword = 0
    this.tables.startCte(this.#name.last, this.depth, (this.#frame & Frame.CTE_RECURSIVE) !== 0)
  }

  /** MariaDB reads sequences as `s.nextval` too, in one of its modes. */
  #readDotted(word: Word): void {
    const keyword = Words.keywordOf(word)
    if (keyword === 0) return
    if (keyword === KEYWORD.nextval) this.raise(WRITE, 'sequence .nextval')
    if (keyword === KEYWORD.currval) this.raise(SESSION, 'sequence .currval')
  }

  /** What a keyword means wherever it stands; false for one that can be a name here, such as that of a table. */
  #readKeyword(keyword: number, prevKind: number): boolean {
    const { prevKeyword } = this
    const clause = Frame.clauseOf(this.#frame)
    switch (keyword) {
      case KEYWORD.as:
        if ((this.#frame & Frame.CTE_LIST) !== 0) this.#frame |= Frame.CTE_BODY
        return false
      case KEYWORD.on:
        return false
      case KEYWORD.select:
        if (this.namesTables) this.startQuery()
        return true
      case KEYWORD.from:
        if (prevKeyword === KEYWORD.delete) this.#startClause(Frame.EXPECT | Frame.NO_CTE)
        else if ((this.#frame & Frame.QUERY) !== 0 && prevKeyword !== KEYWORD.distinct) this.expectTables()
        return true
      case KEYWORD.like:
        // `CREATE TABLE t (LIKE u)`: no operator can stand there.
        if (prevKind !== Token.OPEN && prevKind !== Token.COMMA) return false
        this.expectTarget()
        return true
      case KEYWORD.join:
      case KEYWORD.straight_join:
        // `USE INDEX FOR JOIN (i)` joins nothing.
        if (clause === Frame.LIST && prevKeyword !== KEYWORD.for) this.#setClause(Frame.EXPECT)
        return true
      case KEYWORD.values:
        if (clause === Frame.EXPECT || clause === Frame.LIST) this.#setClause(Frame.NO_CLAUSE)
        return true
      case KEYWORD.with:
        if (prevKind === Token.OPEN || this.#isBeforeQuery) this.startCtes()
        return true
      case KEYWORD.into:
        this.raise(WRITE, 'INTO')
        this.expectTarget()
        return true
      case KEYWORD.table:
        if (clause !== Frame.EXPECT) this.expectTable()
        return true
      case KEYWORD.using:
        if ((this.#frame & Frame.USING_LIST) === 0) return true
        this.#frame &= ~Frame.USING_LIST
        this.expectTables()
        return true
      case KEYWORD.references:
        if (!this.aliases) this.expectTarget()
        return true
      case KEYWORD.update:
      case KEYWORD.delete:
      case KEYWORD.insert:
      case KEYWORD.merge:
        return this.#readChange(keyword, prevKind)
      case KEYWORD.share:
        return prevKeyword === KEYWORD.for && this.#lock('FOR SHARE')
      case KEYWORD.no:
        return prevKeyword === KEYWORD.for && this.#lock('FOR NO KEY UPDATE')
      case KEYWORD.key:
        return prevKeyword === KEYWORD.for && this.#lock('FOR KEY SHARE')
      case KEYWORD.in:
        return prevKeyword === KEYWORD.lock ? this.#lock('LOCK IN SHARE MODE') : true
      case KEYWORD.value:
        this.#sequence =
          prevKeyword === KEYWORD.next ? WRITE : prevKeyword === KEYWORD.previous ? SESSION : READ
        return false
      case KEYWORD.for:
        if (prevKeyword === KEYWORD.value) this.raise(this.#sequence, 'the value of a sequence')
        return true
      case KEYWORD.sql_calc_found_rows:
        this.raise(SESSION, 'SQL_CALC_FOUND_ROWS')
        return true
      case KEYWORD.uescape:
        if (prevKind === Token.QUOTED) this.raise(WRITE, 'a name with UESCAPE')
        return true
      case KEYWORD.temporary:
      case KEYWORD.temp:
        // `INSERT INTO temp` is a table of that name, `SELECT … INTO temp` is not.
        if (!this.aliases || clause !== Frame.EXPECT) return false
        this.raise(SESSION, 'INTO a temporary table')
        return true
      case KEYWORD.group:
      case KEYWORD.order:
        // `USE INDEX FOR ORDER BY (i)` does not end the list of tables.
        if (prevKeyword !== KEYWORD.for) this.#endClause()
        return true
      case KEYWORD.where:
      case KEYWORD.having:
      case KEYWORD.limit:
      case KEYWORD.offset:
      case KEYWORD.fetch:
      case KEYWORD.union:
      case KEYWORD.intersect:
      case KEYWORD.except:
      case KEYWORD.window:
      case KEYWORD.returning:
      case KEYWORD.set:
      case KEYWORD.outfile:
      case KEYWORD.dumpfile:
        this.#endClause()
        return true
      case KEYWORD.dual:
        this.#setClause(Frame.LIST)
        return true
      case KEYWORD.only:
      case KEYWORD.lateral:
        return true
      case KEYWORD.if:
      case KEYWORD.not:
      case KEYWORD.exists:
      case KEYWORD.concurrently:
      case KEYWORD.low_priority:
      case KEYWORD.high_priority:
      case KEYWORD.delayed:
      case KEYWORD.ignore:
      case KEYWORD.quick:
      case KEYWORD.unlogged:
      case KEYWORD.local:
      case KEYWORD.global:
        return (this.#frame & Frame.TARGET) !== 0
      default:
        return false
    }
  }

  /**
   * INSERT, UPDATE, DELETE or MERGE. For MySQL they are reserved, and in a query each of them means a write. In
   * PostgreSQL a column may be called `update`, but not where a statement can start.
   */
  #readChange(keyword: number, prevKind: number): boolean {
    const startsStatement =
      prevKind === Token.OPEN ||
      prevKind === Token.CLOSE ||
      (this.depth === 0 && (this.#frame & Frame.CTE_LIST) !== 0)
    if (keyword === KEYWORD.update && this.prevKeyword === KEYWORD.for) return this.#lock('FOR UPDATE')
    if (this.postgres) {
      if (!startsStatement) return false
      this.raise(WRITE, `${this.title} in a WITH`)
    } else if (keyword !== KEYWORD.insert) {
      this.raise(WRITE, this.title)
    }
    if (!startsStatement) return true
    if (keyword === KEYWORD.update || keyword === KEYWORD.delete) this.startQuery()
    if (keyword === KEYWORD.update) this.expectTargets()
    if (keyword === KEYWORD.delete || keyword === KEYWORD.merge) this.expectUsing()
    return true
  }

  #lock(clause: string): true {
    this.raise(WRITE, `locking clause ${clause}`)
    this.#endClause()
    return true
  }

  /** Before the query of `INSERT INTO t WITH …` or `CREATE VIEW v AS WITH …`. */
  get #isBeforeQuery(): boolean {
    return !this.aliases && this.namesTables && (this.#frame & Frame.QUERY) === 0
  }

  #setClause(clause: number): void {
    this.#frame = Frame.withClause(this.#frame, clause)
  }

  #endClause(): void {
    this.#frame = Frame.withoutClause(this.#frame)
  }

  /** The clause in which names are tables as the flags say. */
  #startClause(flags: number): void {
    if (this.namesTables) this.#frame = Frame.withoutClause(this.#frame) | flags
  }

  #open(prevKind: number): void {
    if ((prevKind === Token.WORD || prevKind === Token.QUOTED) && this.#name.parts > 0) this.#readCall()
    this.#columnList = false
    let frame = this.prevKeyword === KEYWORD.operator ? Frame.OPERATOR_NAME : Frame.NO_CLAUSE
    if (Frame.clauseOf(this.#frame) === Frame.EXPECT) {
      frame = Frame.EXPECT
      this.#setClause(Frame.LIST)
    }
    // `WITH (option)`
    if ((this.#frame & Frame.CTE_NAME) !== 0) this.#frame &= ~Frame.CTES
    this.#frames.push(this.#frame)
    this.#frame = frame
    this.#name.parts = 0
    this.depth++
  }

  #close(): void {
    const frame = this.#frames.pop()
    if (frame === undefined) {
      this.raise(WRITE, 'unbalanced parentheses')
      return
    }
    // After `OPERATOR(…)` comes an operand, as after `+`.
    if ((this.#frame & Frame.OPERATOR_NAME) !== 0) this.kind = Token.OPERATOR
    this.#frame = frame & ~Frame.CTE_BODY
    this.depth--
    this.tables.closeLevel(this.depth)
    if ((frame & Frame.CTE_BODY) !== 0) this.tables.endCte(this.depth)
  }

  #comma(): void {
    if (Frame.clauseOf(this.#frame) === Frame.LIST) this.#setClause(Frame.EXPECT)
    else if ((this.#frame & Frame.CTE_LIST) !== 0) this.#frame |= Frame.CTE_NAME
  }

  #variable(prevKind: number): void {
    const afterName = prevKind === Token.WORD || prevKind === Token.QUOTED || prevKind === Token.STRING
    if (!(this.accounts && afterName)) this.raise(SESSION, 'user variable')
  }

  #systemVariable(): void {
    const effect = Words.variableEffect(this.word)
    if (effect === READ) return
    const name = this.#text.slice(this.#scanner.start, this.#scanner.end)
    this.raise(effect, `system variable ${shortened(name)}`)
  }

  #readCall(): void {
    const name = this.#name
    this.calls.checkBuiltIn(name)
    if (this.callsFunctions && !isGrammar(name) && !this.#isAlias()) this.calls.checkOther(name)
  }

  /** Whether the name before a parenthesis is a type, the alias of a table or where rows go: not a function. */
  #isAlias(): boolean {
    const { beforeKind, beforeKeyword, beforeWord } = this.#name
    if (beforeKind === Token.CAST || beforeKeyword === KEYWORD.as) return true
    if (this.#columnList || (this.#frame & Frame.CTE_LIST) !== 0) return true
    if (Frame.clauseOf(this.#frame) !== Frame.LIST) return false
    if (beforeKind === Token.CLOSE || beforeKind === Token.QUOTED) return true
    return beforeKind === Token.WORD && (beforeWord & Words.GRAMMAR) === 0
  }

  /** The name of a table has been read; `kind` is the token after it. */
  #endTable(kind: number): void {
    const single = (this.#frame & Frame.SINGLE) !== 0
    const target = (this.#frame & Frame.TARGET) !== 0
    const maybeCte = (this.#frame & Frame.NO_CTE) === 0
    if (single) this.#endClause()
    else this.#setClause(Frame.LIST)
    this.#columnList = kind === Token.OPEN && target
    if (kind === Token.OPEN && !target) return
    // `ROWS FROM (f(), g())` is no table.
    if (Words.keywordOf(this.word) === KEYWORD.from && this.#name.last === 'rows') return
    this.#addTable(maybeCte)
  }

  #addTable(maybeCte: boolean): void {
    const { last, schema, word, schemaWord } = this.#name
    this.tables.add(schema, last, maybeCte)
    const schemaEffect = Words.schemaEffect(schemaWord)
    if (schemaEffect !== READ)
      this.raise(schemaEffect, `schema ${schema ?? ''}, which each server has of its own`)
    // What MySQL calls PROCESSLIST is one in its own schema only.
    const effect = Words.tableEffect(word)
    if (effect === READ || !(this.postgres || (schemaWord & Words.SYSTEM_SCHEMA) !== 0)) return
    this.raise(effect, `per-server view ${shortened(last)}`)
  }
}
