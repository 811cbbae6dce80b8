import { SESSION_FUNCTIONS, WRITING_FUNCTIONS } from './mysql/functions'
import { GRAMMAR } from './mysql/grammar'
import { KEYWORDS } from './mysql/keywords'
import { PURE_FUNCTIONS } from './mysql/pure-functions'
import { PER_SERVER_SCHEMAS, PER_SERVER_TABLES, PER_SESSION_TABLES, SYSTEM_SCHEMAS } from './mysql/tables'
import { PER_SERVER_VARIABLES, PER_SESSION_VARIABLES } from './mysql/variables'
import type { DialectRules } from './vocabulary'

/** MySQL 5.7 to 9, from its manual: "Language Structure", "SQL Statements", "Server SQL Modes". */
export const mysql: DialectRules = {
  name: 'mysql',
  family: 'mysql',
  foldsNames: false,
  lexical: {
    nestedComments: false,
    executableComments: true,
    hashComments: true,
    dashesNeedSpace: true,
    carriageReturnEndsLine: false,
    dollarQuotes: false,
    prefixedQuotes: false,
    backticks: true,
    variables: true,
    digitsStartWords: true,
    // The default, then `ANSI_QUOTES`, then `NO_BACKSLASH_ESCAPES`.
    readings: [
      { backslashInSingleQuotes: true, backslashInDoubleQuotes: true },
      { backslashInSingleQuotes: true, backslashInDoubleQuotes: false },
      { backslashInSingleQuotes: false, backslashInDoubleQuotes: false },
    ],
  },
  vocabulary: {
    keywords: KEYWORDS,
    statements: {
      write: `
        insert update delete replace truncate create alter drop rename load import call do grant revoke
        analyze optimize check checksum repair flush kill shutdown restart install uninstall purge change
        stop start reset cache binlog clone signal resignal begin commit rollback savepoint release`,
      session: 'set use lock unlock prepare execute deallocate handler xa get declare',
    },
    calls: { write: WRITING_FUNCTIONS, session: SESSION_FUNCTIONS, pure: PURE_FUNCTIONS },
    grammar: GRAMMAR,
    tables: { write: PER_SERVER_TABLES, session: PER_SESSION_TABLES },
    schemas: { write: PER_SERVER_SCHEMAS, session: '', system: SYSTEM_SCHEMAS },
    variables: { write: PER_SERVER_VARIABLES, session: PER_SESSION_VARIABLES },
    secrets: 'password identified passwd source_password master_password',
  },
}
