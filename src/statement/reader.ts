import type { Dialect } from '../dialects/dialect'
import { KEYWORD, type DialectRules, type Reading } from '../dialects/vocabulary'
import type { TransactionControl } from './classification'
import type { DeclaredFunctions } from './declared-functions'
import { isAscii } from './characters'
import { nameAt, type NameStyle, PLAIN, withoutAccents } from './names'
import { Scanner, type ScannerRules } from './scanner'
import { TableNames } from './table-names'
import * as Token from './token'
import * as Words from './word-table'
import { type Effect, READ, SESSION, type Word, WRITE } from './word-table'

/** A dialect, prepared for reading. */
export interface ReaderRules extends ScannerRules {
  readonly dialect: DialectRules
}

// A frame is what the reader remembers of one level of parentheses: a clause in the two low bits, and flags.

/** Names here are not tables. */
const NO_CLAUSE = 0
/** The next name is a table. */
const EXPECT = 1
/** The name of a table is under way, and may go on with a dot. */
const NAMED = 2
/** Within a list of tables: after a comma or a JOIN comes another one. */
const LIST = 3
const CLAUSE = 3
/** A parenthesis after the name of this table starts a list of columns, not the arguments of a function. */
const TARGET = 4
/** One table, no list. */
const SINGLE = 8
/** A query: FROM starts a list of tables. */
const QUERY = 16
/** The parentheses of `OPERATOR(schema.+)`. */
const OPERATOR_NAME = 32
/** Within the list of CTEs of a WITH. */
const CTE_LIST = 64
/** The next name is that of a CTE. */
const CTE_NAME = 128
/** The next USING starts a list of tables, as in `DELETE FROM t USING u`. */
const USING_LIST = 256

/**
 * Reads a text token by token and takes note of everything that means something wherever it stands in a statement:
 * locks, INTO, writes in CTEs, functions, variables, tables. What depends on the kind of statement is left to
 * `readStatement`. Parentheses cost one array element each: nothing is recursive.
 */
export class Reader {
  // The current token.
  kind: number = Token.END
  word: Word = 0
  /** The keyword that the current token is, 0 where it is none or a name. */
  keyword = 0
  depth = 0
  // The token before it.
  prevKind: number = Token.END
  prevKeyword = 0

  /** The gravest thing that this statement does, and its name. */
  effect: Effect = READ
  reason = ''
  transaction: TransactionControl | null = null

  /** The statement is read to run it or to answer a question about it, so its functions are called. */
  callsFunctions = true
  /** Names after FROM and the like are tables. */
  namesTables = true
  /** `AS` is followed by an alias, which may look like a keyword. */
  aliases = false
  /** `'u'@'h'` is an account. */
  accounts = false

  /** All meanings of all words in the text, one over the other. */
  allWords: Word = 0
  readonly tables = new TableNames()
  unknownFunctions: Set<string> | undefined

  readonly #text: string
  readonly #scanner: Scanner
  readonly #rules: ReaderRules
  readonly #declared: DeclaredFunctions | undefined
  readonly #postgres: boolean

  #frame = NO_CLAUSE
  readonly #frames: number[] = []
  #prevWord: Word = 0

  // The dotted name under way, or just read.
  #parts = 0
  /** Its last part, */
  #nameStart = 0
  #nameEnd = 0
  #nameStyle: NameStyle = PLAIN
  /** and the one before. */
  #schemaStart = 0
  #schemaEnd = 0
  #schemaStyle: NameStyle = PLAIN
  #nameWord: Word = 0
  #schemaWord: Word = 0
  /** The token before that name. */
  #beforeKind: number = Token.END
  #beforeKeyword = 0
  #beforeWord: Word = 0
  /** The parenthesis at hand follows the name of a table that is written to or defined. */
  #columnList = false
  /** `NEXT VALUE` or `PREVIOUS VALUE` has been read, and FOR would make it a sequence. */
  #sequence: Effect = READ

  constructor(text: string, rules: ReaderRules, reading: Reading, declared: DeclaredFunctions | undefined) {
    this.#text = text
    this.#rules = rules
    this.#declared = declared
    this.#scanner = new Scanner(text, rules, reading)
    this.#postgres = rules.dialect.family === 'postgres'
  }

  get dialect(): Dialect {
    return this.#rules.dialect.name
  }

  get postgres(): boolean {
    return this.#postgres
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

  /** The current word as it stands in the text, in lower case. */
  get name(): string {
    return this.#scanner.name.toLowerCase()
  }

  /** The current token is a system variable of the whole server: `@@global.name`. */
  get globalVariable(): boolean {
    return (
      this.kind === Token.SYSTEM_VARIABLE &&
      /^@@(global|persist|persist_only)\./i.test(
        this.#text.slice(this.#scanner.start, this.#scanner.start + 16),
      )
    )
  }

  /** Goes to the first token of the next statement; false where there is none. */
  startStatement(): boolean {
    this.effect = READ
    this.reason = ''
    this.transaction = null
    this.callsFunctions = true
    this.namesTables = true
    this.aliases = false
    this.accounts = false
    this.depth = 0
    this.#frame = NO_CLAUSE
    this.#frames.length = 0
    this.tables.startStatement()
    do {
      this.kind = Token.SEMICOLON
      this.keyword = 0
      this.#step()
    } while (this.kind === Token.SEMICOLON)
    return this.kind !== Token.END
  }

  /** Notes that the statement does something. The gravest counts, and of equals the first. */
  raise(effect: Effect, reason: string): void {
    if (effect <= this.effect) return
    this.effect = effect
    this.reason = reason
  }

  /** Says what the statement is, as long as nothing graver is known of it. */
  note(reason: string): void {
    if (this.reason === '') this.reason = reason
  }

  /** Takes back what was noted beyond `effect`: it happens later, elsewhere. */
  limit(effect: Effect, reason: string): void {
    if (this.effect <= effect) return
    this.effect = effect
    this.reason = reason
  }

  /** Reads the rest of the statement. */
  rest(): void {
    while (!this.done) this.advance()
    if (this.depth > 0) this.raise(WRITE, 'unbalanced parentheses')
  }

  /** Reads up to the end of the text, with whatever statements there are in it. */
  restOfText(): void {
    while (this.kind !== Token.END) this.#step()
  }

  expectTable(): void {
    this.#setClause(EXPECT | SINGLE)
  }

  expectTables(): void {
    this.#setClause(EXPECT)
  }

  /** The next name is a table that is written to or defined: a parenthesis after it starts a list of columns. */
  expectTarget(): void {
    this.#setClause(EXPECT | SINGLE | TARGET)
  }

  expectTargets(): void {
    this.#setClause(EXPECT | TARGET)
  }

  /** The current name is that of a table. */
  describeTable(): void {
    this.#setClause(NAMED | SINGLE | TARGET)
  }

  /** From here on, FROM names tables. */
  startQuery(): void {
    this.#frame = (this.#frame & ~(CLAUSE | CTE_LIST | CTE_NAME)) | QUERY
  }

  startCtes(): void {
    this.#frame |= CTE_LIST | CTE_NAME
  }

  /** USING names a table. */
  expectUsing(): void {
    this.#frame |= USING_LIST
  }

  /** Whether the current token is a name where a CTE is defined. */
  get inCteList(): boolean {
    return (this.#frame & CTE_LIST) !== 0
  }

  /** Goes to the next token, but never beyond the end of the statement. */
  advance(): void {
    if (!this.done) this.#step()
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
    if ((this.#frame & CLAUSE) === NAMED && kind !== Token.DOT && !(isName && prevKind === Token.DOT)) {
      this.#endTable(kind)
    }
    if (isName) {
      this.#name(kind, prevKind)
      return
    }
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
      case Token.VARIABLE:
        this.#variable(prevKind)
        break
      case Token.SYSTEM_VARIABLE:
        if (Words.variableEffect(this.word) !== READ) {
          this.raise(Words.variableEffect(this.word), `system variable @@${this.#lastPartOfVariable()}`)
        }
        break
      case Token.SEMICOLON:
        if (this.depth > 0) this.raise(WRITE, 'a semicolon in parentheses')
        break
      case Token.INVALID:
        this.raise(WRITE, scanner.problem)
        break
      case Token.END:
      case Token.DOT:
        return
    }
    if ((this.#frame & CLAUSE) === EXPECT) this.#frame = (this.#frame & ~CLAUSE) | LIST
  }

  #setClause(clause: number): void {
    if (this.namesTables) this.#frame = (this.#frame & ~(CLAUSE | SINGLE | TARGET)) | clause
  }

  #name(kind: number, prevKind: number): void {
    const word = this.word
    this.allWords |= word
    if (prevKind === Token.DOT && this.#parts > 0) {
      this.#parts++
      this.#schemaStart = this.#nameStart
      this.#schemaEnd = this.#nameEnd
      this.#schemaStyle = this.#nameStyle
      this.#schemaWord = this.#nameWord
    } else {
      this.#parts = 1
      this.#beforeKind = prevKind
      this.#beforeKeyword = this.prevKeyword
      this.#beforeWord = this.#prevWord
      this.#schemaWord = 0
    }
    const scanner = this.#scanner
    this.#nameStart = scanner.start
    this.#nameEnd = scanner.end
    this.#nameStyle = scanner.style
    this.#nameWord = word
    if (word !== 0 && kind === Token.WORD && prevKind !== Token.DOT && prevKind !== Token.COLON) {
      this.keyword = Words.keywordOf(word)
    }
    if ((this.#frame & CTE_NAME) !== 0) {
      if (this.keyword === KEYWORD.recursive) return
      this.#frame &= ~CTE_NAME
      this.keyword = 0
      this.tables.addCte(this.#lastName)
      return
    }
    if (this.aliases && this.prevKeyword === KEYWORD.as) this.keyword = 0
    if (this.keyword !== 0) {
      this.#keyword(this.keyword, prevKind)
      return
    }
    if ((this.#frame & CLAUSE) === EXPECT) this.#frame = (this.#frame & ~CLAUSE) | NAMED
    if (prevKind === Token.DOT && word !== 0) this.#dotted(word)
  }

  /** MariaDB reads sequences as `s.nextval` too, in one of its modes. */
  #dotted(word: Word): void {
    const keyword = Words.keywordOf(word)
    if (keyword === 0) return
    if (keyword === KEYWORD.nextval) this.raise(WRITE, 'sequence .nextval')
    if (keyword === KEYWORD.currval) this.raise(SESSION, 'sequence .currval')
  }

  #keyword(keyword: number, prevKind: number): void {
    const prevKeyword = this.prevKeyword
    const clause = this.#frame & CLAUSE
    switch (keyword) {
      case KEYWORD.as:
      case KEYWORD.on:
        break
      case KEYWORD.select:
        if (this.namesTables) this.startQuery()
        return
      case KEYWORD.values:
        if (clause === EXPECT || clause === LIST) this.#frame &= ~CLAUSE
        return
      case KEYWORD.with:
        if (prevKind === Token.OPEN || (!this.aliases && this.namesTables && (this.#frame & QUERY) === 0)) {
          this.startCtes()
        }
        return
      case KEYWORD.from:
        if ((this.#frame & QUERY) !== 0 && prevKeyword !== KEYWORD.distinct) this.expectTables()
        return
      case KEYWORD.join:
      case KEYWORD.straight_join:
        if (clause === LIST && prevKeyword !== KEYWORD.for) this.#frame = (this.#frame & ~CLAUSE) | EXPECT
        return
      case KEYWORD.into:
        this.raise(WRITE, 'INTO')
        this.expectTarget()
        return
      case KEYWORD.table:
        if (clause !== EXPECT) this.expectTable()
        return
      case KEYWORD.using:
        if ((this.#frame & USING_LIST) !== 0) {
          this.#frame &= ~USING_LIST
          this.expectTables()
        }
        return
      case KEYWORD.references:
        if (!this.aliases) this.expectTarget()
        return
      case KEYWORD.update:
        if (prevKeyword === KEYWORD.for) this.#lock('FOR UPDATE')
        else if (!this.#postgres) this.raise(WRITE, 'UPDATE')
        else if (this.#atVerb(prevKind)) this.raise(WRITE, 'UPDATE in a WITH')
        if (this.#atVerb(prevKind)) this.expectTargets()
        return
      case KEYWORD.delete:
        if (!this.#postgres) this.raise(WRITE, 'DELETE')
        else if (this.#atVerb(prevKind)) this.raise(WRITE, 'DELETE in a WITH')
        if (this.#atVerb(prevKind)) {
          this.startQuery()
          this.expectUsing()
        }
        return
      case KEYWORD.insert:
        if (this.#postgres && this.#atVerb(prevKind)) this.raise(WRITE, 'INSERT in a WITH')
        return
      case KEYWORD.merge:
        if (this.#postgres && this.#atVerb(prevKind)) {
          this.raise(WRITE, 'MERGE in a WITH')
          this.expectUsing()
        }
        return
      case KEYWORD.share:
        if (prevKeyword !== KEYWORD.for) break
        this.#lock('FOR SHARE')
        return
      case KEYWORD.no:
        if (prevKeyword !== KEYWORD.for) break
        this.#lock('FOR NO KEY UPDATE')
        return
      case KEYWORD.key:
        if (prevKeyword !== KEYWORD.for) break
        this.#lock('FOR KEY SHARE')
        return
      case KEYWORD.in:
        if (prevKeyword === KEYWORD.lock) this.#lock('LOCK IN SHARE MODE')
        return
      case KEYWORD.value:
        if (prevKeyword === KEYWORD.next) this.#sequence = WRITE
        else if (prevKeyword === KEYWORD.previous) this.#sequence = SESSION
        else this.#sequence = READ
        break
      case KEYWORD.for:
        if (prevKeyword === KEYWORD.value && this.#sequence !== READ) {
          this.raise(this.#sequence, this.#sequence === WRITE ? 'NEXT VALUE FOR' : 'PREVIOUS VALUE FOR')
        }
        return
      case KEYWORD.sql_calc_found_rows:
        this.raise(SESSION, 'SQL_CALC_FOUND_ROWS')
        return
      case KEYWORD.uescape:
        if (prevKind === Token.QUOTED) this.raise(WRITE, 'a name with UESCAPE')
        return
      case KEYWORD.temporary:
      case KEYWORD.temp:
        // `INSERT INTO temp` is a table of that name, `SELECT … INTO temp` is not.
        if (!this.aliases || clause !== EXPECT) break
        this.raise(SESSION, 'INTO a temporary table')
        return
      case KEYWORD.group:
      case KEYWORD.order:
        if (prevKeyword !== KEYWORD.for) this.#endClause()
        return
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
      case KEYWORD.dual:
        this.#endClause()
        return
      case KEYWORD.only:
      case KEYWORD.lateral:
        return
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
        if ((this.#frame & TARGET) !== 0) return
        break
    }
    // A word that is a keyword elsewhere can be the name of a table.
    if (clause === EXPECT) this.#frame = (this.#frame & ~CLAUSE) | NAMED
  }

  /** Where a statement can start inside another: after a parenthesis that opens, or after those of a CTE. */
  #atVerb(prevKind: number): boolean {
    return (
      prevKind === Token.OPEN ||
      prevKind === Token.CLOSE ||
      (this.depth === 0 && (this.#frame & CTE_LIST) !== 0)
    )
  }

  #lock(clause: string): void {
    this.raise(WRITE, `locking clause ${clause}`)
    this.#endClause()
  }

  #endClause(): void {
    this.#frame &= ~(CLAUSE | SINGLE | TARGET)
  }

  #open(prevKind: number): void {
    if (prevKind === Token.WORD || prevKind === Token.QUOTED) this.#call(prevKind)
    this.#columnList = false
    const clause = this.#frame & CLAUSE
    let inner = this.prevKeyword === KEYWORD.operator ? OPERATOR_NAME : 0
    if (clause === EXPECT) {
      inner = EXPECT
      this.#frame = (this.#frame & ~CLAUSE) | LIST
    }
    if ((this.#frame & CTE_NAME) !== 0) this.#frame &= ~(CTE_NAME | CTE_LIST)
    this.#frames.push(this.#frame)
    this.#frame = inner
    this.#parts = 0
    this.depth++
  }

  #close(): void {
    const frame = this.#frames.pop()
    if (frame === undefined) {
      this.raise(WRITE, 'unbalanced parentheses')
      return
    }
    // After `OPERATOR(…)` comes an operand, as after `+`.
    if ((this.#frame & OPERATOR_NAME) !== 0) this.kind = Token.OPERATOR
    this.#frame = frame
    this.depth--
  }

  #comma(): void {
    const frame = this.#frame
    if ((frame & CLAUSE) === LIST) this.#frame = (frame & ~CLAUSE) | EXPECT
    else if ((frame & CTE_LIST) !== 0) this.#frame |= CTE_NAME
  }

  #variable(prevKind: number): void {
    if (this.accounts && (prevKind === Token.WORD || prevKind === Token.QUOTED || prevKind === Token.STRING))
      return
    this.raise(SESSION, 'user variable')
  }

  /** The name of a table has been read; `kind` is the token after it. */
  #endTable(kind: number): void {
    const single = (this.#frame & SINGLE) !== 0
    const target = (this.#frame & TARGET) !== 0
    this.#frame =
      (this.#frame & ~(CLAUSE | SINGLE | TARGET)) |
      (single ? NO_CLAUSE : LIST) |
      (target && !single ? TARGET : 0)
    this.#columnList = kind === Token.OPEN && target
    if (kind === Token.OPEN && !target) return
    const name = this.#lastName
    if (
      name === 'rows' &&
      kind === Token.WORD &&
      this.#scanner.end - this.#scanner.start === 4 &&
      Words.keywordOf(this.word) === KEYWORD.from
    ) {
      return // ROWS FROM (f(), g())
    }
    this.tables.add(this.#schemaName, name)
    this.#checkTable()
  }

  #checkTable(): void {
    const schema = this.#schemaWord
    const word = this.#nameWord
    if (Words.schemaEffect(schema) !== READ) {
      this.raise(
        Words.schemaEffect(schema),
        `schema ${this.#schemaName ?? ''}, which every server has of its own`,
      )
    }
    if (Words.tableEffect(word) === READ) return
    if (!this.#postgres && (schema & Words.SYSTEM_SCHEMA) === 0) return
    this.raise(Words.tableEffect(word), `per-server view ${this.#lastName}`)
  }

  get #lastName(): string {
    return this.#fold(this.#nameStart, this.#nameEnd, this.#nameStyle)
  }

  get #schemaName(): string | null {
    return this.#parts > 1 ? this.#fold(this.#schemaStart, this.#schemaEnd, this.#schemaStyle) : null
  }

  /** A name, folded as the dialect folds it. */
  #fold(start: number, end: number, style: NameStyle): string {
    const name = nameAt(this.#text, start, end, style)
    return style === PLAIN && this.#rules.dialect.foldsNames ? name.toLowerCase() : name
  }

  /** The dotted name in lower case, without the name of the database before that of the schema. */
  #path(): string[] {
    const schema = this.#schemaName
    return schema === null
      ? [this.#lastName.toLowerCase()]
      : [schema.toLowerCase(), this.#lastName.toLowerCase()]
  }

  #call(prevKind: number): void {
    const word = this.#prevWord
    const effect = Words.callEffect(word)
    if (effect !== READ && this.#parts > 0) this.raise(effect, `calls ${this.#lastName.toLowerCase()}()`)
    if (word === 0 && !this.#postgres) this.#accentedCall()
    if (!this.callsFunctions || this.#parts === 0) return
    const qualified = this.#parts > 1
    const declared = this.#declared
    if (declared?.writes(this.#path()) === true) {
      this.raise(WRITE, `calls ${this.#path().join('.')}(), which is declared to write`)
      return
    }
    if (!qualified && prevKind === Token.WORD && (word & Words.GRAMMAR) !== 0) return
    const builtIn = (word & Words.PURE) !== 0 || effect !== READ
    if (builtIn && (!qualified || (this.#postgres && (this.#schemaWord & Words.SYSTEM_SCHEMA) !== 0))) return
    if (this.#isAlias()) return
    const path = this.#path()
    if (declared?.reads(path) === true) return
    this.unknownFunctions ??= new Set()
    this.unknownFunctions.add(path.join('.'))
    if (declared?.strict === true)
      this.raise(WRITE, `calls ${path.join('.')}(), which is not known to be pure`)
  }

  /** Whether the name before a parenthesis is a type, the alias of a table or where rows go: not a function. */
  #isAlias(): boolean {
    if (this.#beforeKind === Token.CAST || this.#beforeKeyword === KEYWORD.as) return true
    if (this.#columnList || (this.#frame & CTE_LIST) !== 0) return true
    if ((this.#frame & CLAUSE) !== LIST) return false
    return (
      this.#beforeKind === Token.CLOSE ||
      this.#beforeKind === Token.QUOTED ||
      (this.#beforeKind === Token.WORD && (this.#beforeWord & Words.GRAMMAR) === 0)
    )
  }

  /** MySQL and MariaDB may take `GÉT_LOCK` for `GET_LOCK`. */
  #accentedCall(): void {
    const name = this.#lastName
    if (name.length > 64 || isAscii(name)) return
    const word = this.#rules.words.get(withoutAccents(name))
    if (Words.callEffect(word) !== READ) this.raise(Words.callEffect(word), `calls ${name.toLowerCase()}()`)
  }

  #lastPartOfVariable(): string {
    const name = this.#text.slice(this.#scanner.start, this.#scanner.end)
    return name.slice(Math.max(name.lastIndexOf('.'), name.lastIndexOf('@')) + 1).toLowerCase()
  }
}
