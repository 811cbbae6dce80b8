import type { Dialect } from '../../src/dialects/dialect'

const POSTGRES =
  /--[^\n]*|\/\*[\s\S]*?\*\/|\b[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\1\$/g
const MYSQL =
  /--(?=\s)[^\n]*|#[^\n]*|\/\*(?!!|M!)[\s\S]*?\*\/|'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"/g

/**
 * The text without its comments and with its strings empty. Deliberately not the classifier's own scanner, which is
 * what is on trial; it is good enough for the scripts of the suites and for nothing else.
 */
export function codeOf(sql: string, dialect: Dialect): string {
  return sql.replace(dialect === 'postgres' ? POSTGRES : MYSQL, (piece) =>
    /^(--|#|\/\*)/.test(piece) ? ' ' : "''",
  )
}

/** Every word of the text's code, lower case: whatever it names is among them. */
export function wordsOf(sql: string, dialect: Dialect): string[] {
  const words = codeOf(sql, dialect).matchAll(/[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/g)
  return [...new Set(Array.from(words, ([word]) => word.toLowerCase()))]
}
