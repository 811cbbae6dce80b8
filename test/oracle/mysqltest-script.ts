/**
 * Reads a `.test` file the way mysqltest does, as far as plain statements go. The language around them (loops,
 * conditions, the shell, Perl, several connections) is left out, block by block, rather than guessed at: a statement
 * that only makes sense inside it is missing here, not wrong.
 */
export type MysqltestStep =
  | { readonly kind: 'statement'; readonly sql: string; readonly line: number }
  /** A statement that needs more of the language than this reader knows. */
  | { readonly kind: 'left-out'; readonly reason: string; readonly line: number }
  | { readonly kind: 'source'; readonly path: string }

/** Commands that may stand where a statement could, without `--` in front. */
const COMMANDS = new Set(
  (
    'append_file assert cat_file change_user character_set chmod connect connection copy_file copy_files_wildcard dec ' +
    'delimiter die diff_files dirty_close disable_abort_on_error disable_async_client disable_connect_log ' +
    'disable_info disable_metadata disable_parsing disable_ps_protocol disable_query_log disable_reconnect ' +
    'disable_result_log disable_rpl_parse disable_session_track_info disable_testcase disable_warnings disconnect echo ' +
    'enable_abort_on_error enable_async_client enable_connect_log enable_info enable_metadata enable_parsing ' +
    'enable_ps_protocol enable_query_log enable_reconnect enable_result_log enable_rpl_parse ' +
    'enable_session_track_info enable_testcase enable_warnings end_timer error eval evalp exec exec_in_background ' +
    'execw exit expr file_exists force-cpdir force-rmdir horizontal_results if inc let list_files ' +
    'list_files_append_file list_files_write_file lowercase_result mkdir move_file output partially_sorted_result ' +
    'perl ping query query_attributes query_horizontal query_vertical reap remove_file remove_files_wildcard ' +
    'replace_column replace_numeric_round replace_regex replace_result require reset_connection result result_format ' +
    'rmdir save_master_pos send send_eval send_quit send_shutdown shutdown_server skip skip_if_hypergraph sleep ' +
    'sorted_result source start_timer sync_slave_with_master sync_with_master vertical_results wait_for_slave_to_stop ' +
    'while write_file optimizer_trace enable_view_protocol disable_view_protocol'
  ).split(' '),
)

const RUN_THE_REST = new Set([
  'eval',
  'evalp',
  'query',
  'query_vertical',
  'query_horizontal',
  'send',
  'send_eval',
])

/** Commands whose text goes on to a line of its own. */
const HEREDOCS = new Set(['perl', 'write_file', 'append_file'])

export class MysqltestScript {
  readonly variables = new Map<string, string>()
  readonly #lines: readonly string[]
  #next = 0
  #delimiter = ';'

  constructor(text: string, variables: ReadonlyMap<string, string> = new Map()) {
    this.#lines = text.split('\n')
    for (const [name, value] of variables) this.variables.set(name, value)
  }

  next(): MysqltestStep | null {
    while (this.#next < this.#lines.length) {
      const first = this.#lines[this.#next]!
      if (/^\s*(#|$)/.test(first)) {
        this.#next++
        continue
      }
      const line = this.#next + 1
      const dashed = /^\s*--\s*(.*)$/.exec(first)
      if (dashed) this.#next++
      const text = dashed ? dashed[1]! : this.#upToDelimiter()
      const step = this.#step(text.trim(), line, dashed !== null)
      if (step === 'ended') return null
      if (step !== null) return step
    }
    return null
  }

  #step(text: string, line: number, dashed: boolean): MysqltestStep | null | 'ended' {
    const command = /^[a-z_][\w-]*/i.exec(text)?.[0].toLowerCase() ?? ''
    if (!COMMANDS.has(command) && !(command === '' && /^[{}]/.test(text))) {
      if (dashed || text === '') return null
      return { kind: 'statement', sql: text, line }
    }
    const rest = text.slice(command.length).trim()
    if (RUN_THE_REST.has(command)) return this.#evaluated(rest, line)
    if (HEREDOCS.has(command)) this.#skipHeredoc(command, rest)
    switch (command) {
      case 'delimiter':
        this.#delimiter = rest || ';'
        return null
      case 'let':
        this.#let(rest)
        return null
      case 'inc':
      case 'dec':
      case 'expr':
        this.variables.delete(/\w+/.exec(rest)?.[0] ?? '')
        return null
      case 'source':
        return { kind: 'source', path: this.#substitute(rest) ?? '' }
      case 'if':
      case 'while':
        return { kind: 'left-out', reason: 'inside a loop or condition of mysqltest', line }
      case 'disable_parsing':
        while (
          this.#next < this.#lines.length &&
          !/^\s*(--)?\s*enable_parsing/.test(this.#lines[this.#next]!)
        )
          this.#next++
        return null
      case 'exit':
      case 'skip':
        return dashed || command === 'exit' ? 'ended' : null
      default:
        return null
    }
  }

  /** A statement with `$variables` in it; left out unless all of them are known. */
  #evaluated(text: string, line: number): MysqltestStep | null {
    const sql = this.#substitute(text)
    if (sql === null) return { kind: 'left-out', reason: 'needs a variable of mysqltest', line }
    return sql === '' ? null : { kind: 'statement', sql, line }
  }

  /** The text with the values of its variables, or `null` when one of them is not known. */
  #substitute(text: string): string | null {
    const unknown: string[] = []
    const result = text.replace(/(\\*)\$(\{\w+\}|\w+)/g, (whole, escapes: string, reference: string) => {
      if (escapes.length % 2 === 1) return whole.slice(1)
      const name = reference.replace(/[{}]/g, '')
      const value = this.variables.get(name)
      if (value === undefined) unknown.push(name)
      return escapes + (value ?? '')
    })
    return unknown.length > 0 ? null : result
  }

  #let(text: string): void {
    const [, name, value] = /^\$?(\w+)\s*=\s*([\s\S]*)$/.exec(text) ?? []
    if (name === undefined || value === undefined) return
    // The value of a query is not known here.
    const known = /^`|query_get_value|^convert_error/.test(value) ? null : this.#substitute(value)
    if (known === null) this.variables.delete(name)
    else this.variables.set(name, known)
  }

  /** Reads up to the delimiter outside quotes, or past the block of an `if` or a `while`. */
  #upToDelimiter(): string {
    const start = this.#lines[this.#next]!
    if (/^\s*(if|while)\s*\(/i.test(start)) return this.#block()
    if (/^\s*[{}]/.test(start)) {
      this.#next++
      return ''
    }
    let text = ''
    let quote = ''
    while (this.#next < this.#lines.length) {
      const line = this.#lines[this.#next]!
      for (let i = 0; i < line.length; i++) {
        const c = line[i]!
        if (quote !== '') {
          if (c === '\\' && quote !== '`') i++
          else if (c === quote) quote = ''
        } else if (line.startsWith(this.#delimiter, i)) {
          text += line.slice(0, i)
          const rest = line.slice(i + this.#delimiter.length)
          this.#next++
          if (rest.trim() !== '') this.#insert(rest)
          return text
        } else if (c === "'" || c === '"' || c === '`') quote = c
        else if (c === '#' || (c === '-' && /^--\s/.test(line.slice(i)))) break
      }
      text += line + '\n'
      this.#next++
    }
    return text
  }

  #insert(line: string): void {
    ;(this.#lines as string[]).splice(--this.#next, 1, line)
  }

  #block(): string {
    let depth = 0
    let opened = false
    for (; this.#next < this.#lines.length; this.#next++) {
      const line = this.#lines[this.#next]!.replace(/#.*/, '').trim()
      if (/^(--\s*)?(if|while)\s*\(/i.test(line) && line.endsWith('{')) depth++
      else if (line.startsWith('{')) depth++
      else if (line.startsWith('}')) depth--
      if (/[}]\s*$/.test(line) && /^(if|while|\{)/i.test(line) && !/^[{]$/.test(line)) depth--
      opened ||= depth > 0 || /\}\s*$/.test(line)
      if (opened && depth <= 0) {
        this.#next++
        break
      }
    }
    return 'if'
  }

  #skipHeredoc(command: string, rest: string): void {
    const words = rest.split(/\s+/).filter((word) => word !== '')
    const end = (command === 'perl' ? words[0] : words[1]) ?? 'EOF'
    while (this.#next < this.#lines.length && this.#lines[this.#next]!.trim() !== end) this.#next++
    this.#next++
  }
}
