/**
 * Reads a script the way psql does, one step at a time: what psql sends to the server up to each `;`, with its
 * variables put in, its `\if` branches taken and its other commands left out. It is a reader and not a splitter,
 * because what a later line means can depend on what the server said to an earlier one (`\gset`, `COPY FROM stdin`).
 */
export type PsqlStep =
  | { readonly kind: 'statement'; readonly sql: string; readonly line: number; readonly then: Aftermath }
  | { readonly kind: 'reconnect' }
  /** A statement that only psql could send: bound parameters, pipelines, `\copy`. */
  | { readonly kind: 'left-out'; readonly command: string; readonly line: number }

/** What psql does with the result of a statement, beside printing it. */
export type Aftermath =
  | { readonly kind: 'nothing' }
  /** `\gset`: the columns of the one row become variables, behind the prefix. */
  | { readonly kind: 'set'; readonly prefix: string }
  /** `\gexec`: each cell of the result is run as a statement of its own. */
  | { readonly kind: 'execute' }

const NOTHING: Aftermath = { kind: 'nothing' }

/** psql's commands that send the statement before them, and that we send as psql would. */
const SENDERS = new Set(['g', 'gx', 'crosstabview', 'watch', 'gset', 'gexec'])

/** psql's commands that take the rest of the line, whatever it holds. */
const WHOLE_LINE = new Set(['copy', '!', 'ef', 'ev', 'sf', 'sv', 'help', 'h', 'w', 'o'])

export class PsqlScript {
  readonly variables = new Map<string, string>()
  /** What the session's `standard_conforming_strings` is: it decides what a backslash in a string means. */
  standardStrings = true

  readonly #text: string
  readonly #environment: Readonly<Record<string, string>>
  #at = 0
  #line = 1
  /** One entry per open `\if`: whether its current branch runs, and whether one of its branches has run. */
  readonly #branches: { active: boolean; done: boolean }[] = []
  #ended = false

  constructor(text: string, environment: Readonly<Record<string, string>>) {
    this.#text = text
    this.#environment = environment
  }

  next(): PsqlStep | null {
    let sql = ''
    let startLine = this.#line
    let depth = 0
    let words: string[] = []
    let bodyDepth = 0
    const reset = (): void => {
      sql = ''
      depth = 0
      words = []
      bodyDepth = 0
    }
    while (!this.#ended && this.#at < this.#text.length) {
      const c = this.#text[this.#at]!
      if (sql === '') {
        if (/\s/.test(c)) {
          this.#take(1)
          continue
        }
        startLine = this.#line
      }
      if (c === '-' && this.#text[this.#at + 1] === '-') {
        const comment = this.#takeLine()
        if (sql !== '') sql += comment
        continue
      }
      if (c === '/' && this.#text[this.#at + 1] === '*') {
        sql += this.#take(this.#blockCommentLength())
        continue
      }
      if (c === "'") {
        const escapes = /(^|[^\w$])[eE]$/.test(sql) || !this.standardStrings
        sql += this.#take(this.#quotedLength("'", escapes))
        continue
      }
      if (c === '"') {
        sql += this.#take(this.#quotedLength('"', false))
        continue
      }
      if (c === '$' && !/[\w$]$/.test(sql)) {
        sql += this.#take(this.#dollarLength())
        continue
      }
      if (c === ':') {
        sql += this.#takeColon()
        continue
      }
      if (c === '\\') {
        if (this.#text[this.#at + 1] === ';' || this.#text[this.#at + 1] === ':') {
          sql += this.#take(2)[1]!
          continue
        }
        const step = this.#backslash(sql.trim(), startLine)
        if (step === 'keep') continue
        reset()
        if (step === 'drop') continue
        return step
      }
      if (c === '(') depth++
      if (c === ')') depth--
      if (c === ';' && depth <= 0 && bodyDepth === 0) {
        this.#take(1)
        const done = sql.trim()
        reset()
        if (!this.#active()) continue
        return { kind: 'statement', sql: done, line: startLine, then: NOTHING }
      }
      const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
      word.lastIndex = this.#at
      const found = word.exec(this.#text)
      if (found === null) {
        sql += this.#take(1)
        continue
      }
      const name = found[0].toLowerCase()
      // The body of a function in standard SQL, `BEGIN ATOMIC … END`, holds semicolons; psql counts its blocks.
      if (words.length < 4) words.push(name)
      if (/^create (or replace )?(function|procedure)/.test(words.join(' '))) {
        if (name === 'begin') bodyDepth++
        else if (bodyDepth > 0 && name === 'case') bodyDepth++
        else if (bodyDepth > 0 && name === 'end') bodyDepth--
      }
      sql += this.#take(found[0].length)
    }
    const rest = sql.trim()
    if (rest === '' || !this.#active() || this.#ended) return null
    return { kind: 'statement', sql: rest, line: startLine, then: NOTHING }
  }

  /** The lines that follow a `COPY … FROM stdin`, up to `\.`; called when the server asks for them. */
  copyData(): string {
    if (!this.#text.startsWith('\n', this.#at)) this.#takeLine()
    this.#take(1)
    const end = /^\\\.$/gm
    end.lastIndex = this.#at
    const found = end.exec(this.#text)
    const data = this.#take((found?.index ?? this.#text.length) - this.#at)
    this.#take(3)
    return data
  }

  /** Skips the data of a `COPY … FROM stdin` that the server refused, when the next lines look like data. */
  skipCopyData(): void {
    const rest = this.#text.slice(this.#at, this.#at + 20_000)
    const end = /^\\\.$/m.exec(rest)
    const statement = /;[ \t]*$/m.exec(rest.slice(1))
    if (end !== null && (statement === null || statement.index > end.index)) this.copyData()
  }

  #active(): boolean {
    return this.#branches.every((branch) => branch.active)
  }

  #take(length: number): string {
    const taken = this.#text.slice(this.#at, this.#at + length)
    this.#at += length
    for (const c of taken) if (c === '\n') this.#line++
    return taken
  }

  #takeLine(): string {
    const end = this.#text.indexOf('\n', this.#at)
    return this.#take((end === -1 ? this.#text.length : end) - this.#at)
  }

  #quotedLength(quote: string, escapes: boolean): number {
    let i = this.#at + 1
    while (i < this.#text.length) {
      if (escapes && this.#text[i] === '\\') i += 2
      else if (this.#text[i] === quote) return i + 1 - this.#at
      else i++
    }
    return i - this.#at
  }

  #blockCommentLength(): number {
    let i = this.#at
    let depth = 0
    while (i < this.#text.length) {
      if (this.#text.startsWith('/*', i)) {
        depth++
        i += 2
      } else if (this.#text.startsWith('*/', i)) {
        depth--
        i += 2
        if (depth === 0) break
      } else i++
    }
    return i - this.#at
  }

  #dollarLength(): number {
    const tag = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y
    tag.lastIndex = this.#at
    const found = tag.exec(this.#text)
    if (found === null) return 1
    const end = this.#text.indexOf(found[0], this.#at + found[0].length)
    return (end === -1 ? this.#text.length : end + found[0].length) - this.#at
  }

  /** `:name`, `:'name'`, `:"name"`: the variable's value; anything else as it stands. */
  #takeColon(): string {
    if (this.#text.startsWith('::', this.#at)) return this.#take(2)
    const reference = /:(?:([A-Za-z0-9_\u0080-\uffff]+)|'(\w+)'|"(\w+)"|\{\?(\w+)\})/y
    reference.lastIndex = this.#at
    const found = reference.exec(this.#text)
    if (found === null) return this.#take(1)
    const [whole, plain, literal, identifier, test] = found
    if (test !== undefined) {
      this.#take(whole.length)
      return this.variables.has(test) ? 'TRUE' : 'FALSE'
    }
    const value = this.variables.get((plain ?? literal ?? identifier)!)
    const taken = this.#take(whole.length)
    if (value === undefined) return taken
    if (plain !== undefined) return value
    const quote = literal !== undefined ? "'" : '"'
    return quote + value.replaceAll(quote, quote + quote) + quote
  }

  /** Runs the command at the cursor. `keep`: the statement goes on after it; `drop`: the statement is gone. */
  #backslash(sql: string, line: number): PsqlStep | 'keep' | 'drop' {
    this.#take(1)
    const name = /[^\s\\|']*/y
    name.lastIndex = this.#at
    const command = this.#take(name.exec(this.#text)![0].length)
    if (WHOLE_LINE.has(command)) {
      this.#takeLine()
      return command === 'copy' && this.#active() ? { kind: 'left-out', command: '\\copy', line } : 'keep'
    }
    const args = this.#arguments()
    switch (command) {
      case 'if':
        this.#branches.push({ active: isTrue(args[0]), done: isTrue(args[0]) })
        return 'keep'
      case 'elif': {
        const branch = this.#branches.at(-1)
        if (branch !== undefined) {
          branch.active = !branch.done && isTrue(args[0])
          branch.done ||= branch.active
        }
        return 'keep'
      }
      case 'else': {
        const branch = this.#branches.at(-1)
        if (branch !== undefined) {
          branch.active = !branch.done
          branch.done = true
        }
        return 'keep'
      }
      case 'endif':
        this.#branches.pop()
        return 'keep'
    }
    if (!this.#active()) return 'keep'
    if (SENDERS.has(command)) {
      if (sql === '') return 'drop'
      if (command === 'gset')
        return { kind: 'statement', sql, line, then: { kind: 'set', prefix: args[0] ?? '' } }
      if (command === 'gexec') return { kind: 'statement', sql, line, then: { kind: 'execute' } }
      return { kind: 'statement', sql, line, then: NOTHING }
    }
    switch (command) {
      case 'q':
      case 'quit':
        this.#ended = true
        return 'drop'
      case 'r':
      case 'reset':
        return 'drop'
      case 'c':
      case 'connect':
        return { kind: 'reconnect' }
      case 'set':
        if (args[0] !== undefined) this.variables.set(args[0], args.slice(1).join(''))
        return 'keep'
      case 'unset':
        this.variables.delete(args[0] ?? '')
        return 'keep'
      case 'getenv': {
        const value = this.#environment[args[1] ?? '']
        if (value !== undefined) this.variables.set(args[0] ?? '', value)
        return 'keep'
      }
      case 'bind':
      case 'bind_named':
      case 'parse':
      case 'sendpipeline':
      case 'gdesc':
        return sql === '' ? 'keep' : { kind: 'left-out', command: `\\${command}`, line }
      default:
        return 'keep'
    }
  }

  /** The words after a command, up to the end of the line or to the next command on it. */
  #arguments(): string[] {
    const args: string[] = []
    let current: string | null = null
    for (;;) {
      const c = this.#text[this.#at]
      if (c === undefined || c === '\n') break
      if (c === '\\') {
        if (this.#text[this.#at + 1] === '\\') this.#take(2)
        break
      }
      if (/\s/.test(c)) {
        this.#take(1)
        if (current !== null) args.push(current)
        current = null
      } else if (c === "'" || c === '"' || c === '`') {
        const quoted = this.#take(this.#quotedLength(c, c === "'"))
        current = (current ?? '') + (c === "'" ? quoted.slice(1, -1) : quoted)
      } else if (c === ':') current = (current ?? '') + this.#takeColon()
      else current = (current ?? '') + this.#take(1)
    }
    if (current !== null) args.push(current)
    return args
  }
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && ['t', 'true', 'on', 'yes', '1'].includes(value.toLowerCase())
}
