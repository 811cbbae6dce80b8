import type { Dialect } from '../dialects/dialect'
import { mariadb } from '../dialects/mariadb'
import { mysql } from '../dialects/mysql'
import { postgres } from '../dialects/postgres'
import type { DialectRules } from '../dialects/vocabulary'
import { characterClasses } from './characters'
import type { ReaderRules } from './reader'
import { WordTable } from './word-table'

const RULES: Readonly<Record<Dialect, ReaderRules>> = {
  postgres: prepare(postgres),
  mysql: prepare(mysql),
  mariadb: prepare(mariadb),
}

export function rulesOf(dialect: Dialect): ReaderRules {
  return RULES[dialect]
}

function prepare(dialect: DialectRules): ReaderRules {
  return {
    dialect,
    lexical: dialect.lexical,
    words: new WordTable(dialect.vocabulary),
    classes: characterClasses(dialect.lexical),
  }
}
