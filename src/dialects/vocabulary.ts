/** The words that the reading of statements asks for by name. A dialect chooses which of them it knows. */
export const KEYWORDS = [
  ...['select', 'with', 'values', 'table', 'show', 'explain', 'describe', 'desc', 'copy', 'help', 'analyze'],
  ...[
    'analyse',
    'insert',
    'update',
    'delete',
    'replace',
    'merge',
    'truncate',
    'create',
    'alter',
    'drop',
    'lock',
  ],
  ...[
    'set',
    'begin',
    'start',
    'commit',
    'rollback',
    'end',
    'abort',
    'savepoint',
    'release',
    'prepare',
    'execute',
  ],
  ...[
    'handler',
    'flush',
    'load',
    'rename',
    'grant',
    'revoke',
    'from',
    'join',
    'straight_join',
    'into',
    'using',
  ],
  ...[
    'for',
    'as',
    'where',
    'group',
    'having',
    'order',
    'limit',
    'offset',
    'fetch',
    'union',
    'intersect',
    'except',
  ],
  ...[
    'window',
    'returning',
    'on',
    'only',
    'lateral',
    'recursive',
    'share',
    'no',
    'key',
    'in',
    'distinct',
    'rows',
  ],
  ...['dual', 'value', 'next', 'previous', 'nextval', 'currval', 'operator', 'to', 'stdout', 'read', 'write'],
  ...['isolation', 'level', 'serializable', 'repeatable', 'committed', 'uncommitted', 'not', 'deferrable'],
  ...['transaction', 'work', 'and', 'chain', 'prepared', 'snapshot', 'consistent', 'verbose', 'extended'],
  ...[
    'partitions',
    'format',
    'connection',
    'schema',
    'database',
    'statement',
    'global',
    'persist',
    'persist_only',
  ],
  ...['session', 'local', 'temporary', 'temp', 'unlogged', 'if', 'exists', 'concurrently', 'low_priority'],
  ...[
    'high_priority',
    'delayed',
    'ignore',
    'quick',
    'or',
    'view',
    'materialized',
    'index',
    'unique',
    'trigger',
  ],
  ...['procedure', 'function', 'event', 'package', 'rule', 'policy', 'atomic', 'binary', 'references'],
  ...[
    'sql_calc_found_rows',
    'password',
    'default',
    'tables',
    'immediate',
    'foreign',
    'export',
    'uescape',
    'option',
  ],
  ...['outfile', 'dumpfile', 'case', 'aggregate', 'definer', 'columns', 'fields', 'indexes', 'keys', 'full'],
] as const

export type Keyword = (typeof KEYWORDS)[number]

/** The words of a dialect, as lists of names separated by white space. */
export interface Vocabulary {
  /** Keywords that its statements are read by. */
  readonly keywords: string
  /** Words that start a statement, by what it is. The reads among them are known by their keyword. */
  readonly statements: { readonly write: string; readonly session: string }
  /** Functions, by what a call of them is. */
  readonly calls: { readonly write: string; readonly session: string; readonly pure: string }
  /** Words that stand before a parenthesis without being a function. */
  readonly grammar: string
  /** Tables and views of the server whose rows are not the same on every server or connection. */
  readonly tables: { readonly write: string; readonly session: string }
  /** Schemas that hold nothing but such tables, and the schemas that the server itself owns. */
  readonly schemas: { readonly write: string; readonly session: string; readonly system: string }
  /** System variables whose value is not the same on every server or connection. */
  readonly variables: { readonly write: string; readonly session: string }
  /** Words next to which passwords stand. */
  readonly secrets: string
}

/** How a dialect cuts its text into tokens. */
export interface LexicalRules {
  /** `/* /* *‍/ *‍/` is one comment. */
  readonly nestedComments: boolean
  /** `/*! … *‍/` and `/*M! … *‍/` are code, for some servers. */
  readonly executableComments: boolean
  /** `#` starts a comment that ends with the line. */
  readonly hashComments: boolean
  /** `--` starts a comment only before white space or a control character. */
  readonly dashesNeedSpace: boolean
  /** A carriage return ends the line of a comment. */
  readonly carriageReturnEndsLine: boolean
  /** `$tag$ … $tag$` is a string, `$1` a parameter; otherwise `$` is a letter. */
  readonly dollarQuotes: boolean
  /** `E'…'` has backslash escapes whatever the settings, `U&"…"` is a name with escapes. */
  readonly prefixedQuotes: boolean
  /** `` `…` `` is a name. */
  readonly backticks: boolean
  /** `@name` is a variable of the user, `@@name` one of the system; otherwise `@` is an operator. */
  readonly variables: boolean
  /** A word may start with a digit, as in `2024_sales`. */
  readonly digitsStartWords: boolean
  /**
   * What a backslash can mean inside quotes, by settings that the text does not show. The first is the server's default.
   * A text that reads differently under another one is read under all.
   */
  readonly readings: readonly Reading[]
}

export interface Reading {
  /** A backslash in `'…'` takes away the meaning of the next character. */
  readonly backslashInSingleQuotes: boolean
  /** The same in `"…"`. */
  readonly backslashInDoubleQuotes: boolean
}

/** What the reading of statements must know of a dialect. */
export interface DialectRules {
  readonly lexical: LexicalRules
  readonly vocabulary: Vocabulary
  /** Names without quotes are folded to lower case. */
  readonly foldsNames: boolean
  /** The statements of PostgreSQL or those of MySQL. */
  readonly family: 'postgres' | 'mysql'
}
