import type { Dialect } from '../dialects/dialect'
import { mariadb } from '../dialects/mariadb'
import { mysql } from '../dialects/mysql'
import { postgres } from '../dialects/postgres'
import type { DialectRules } from '../dialects/vocabulary'
import { classesOf } from './characters'
import type { ReaderRules } from './reader'
import { WordTable } from './word-table'

const RULES: Readonly<Record<Dialect, ReaderRules>> = {
  postgres: prepare(postgres),
  mysql: prepare(mysql),
  mariadb: prepare(mariadb),
}

/** `undefined` for a dialect that there is not, of which callers without types may speak. */
export function rulesOf(dialect: Dialect): ReaderRules | undefined {
  return Object.hasOwn(RULES, dialect) ? RULES[dialect] : undefined
}

function prepare(dialect: DialectRules): ReaderRules {
  return {
    dialect,
    lexical: dialect.lexical,
    words: new WordTable(dialect.vocabulary),
    classes: classesOf(dialect.lexical),
  }
}
