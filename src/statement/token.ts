/** The kinds of token. A small integer each, since the scanner makes one for every few characters. */
export const END = 0
/** A name or keyword without quotes. */
export const WORD = 1
/** A name in quotes; for MySQL also `"…"`, which its settings make a name or a string. */
export const QUOTED = 2
export const STRING = 3
export const NUMBER = 4
export const OPEN = 5
export const CLOSE = 6
export const COMMA = 7
export const DOT = 8
export const SEMICOLON = 9
/** A `:` with a name right after it: a named placeholder, or the end of an array slice. */
export const COLON = 10
/** `::`, after which a type stands. */
export const CAST = 11
/** A variable of the user, `@name`. */
export const VARIABLE = 12
/** A variable of the system, `@@name`. */
export const SYSTEM_VARIABLE = 13
export const OPERATOR = 14
/** Text that no reading makes sense of. Nothing after it is read. */
export const INVALID = 15
/** The number of kinds. */
export const KINDS = 16
