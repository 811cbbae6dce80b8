import { mysql } from './mysql'
import { PURE_FUNCTIONS } from './mariadb/pure-functions'
import type { DialectRules } from './vocabulary'

/** MariaDB 10.6 and later: MySQL with sequences, SET STATEMENT, ANALYZE of statements and compound statements. */
export const mariadb: DialectRules = {
  ...mysql,
  name: 'mariadb',
  vocabulary: {
    ...mysql.vocabulary,
    keywords: `${mysql.vocabulary.keywords} value next previous nextval currval statement package`,
    statements: {
      write: mysql.vocabulary.statements.write,
      session: `${mysql.vocabulary.statements.session} backup`,
    },
    calls: {
      write: `${mysql.vocabulary.calls.write} nextval setval spider_direct_sql spider_bg_direct_sql spider_copy_tables
        spider_flush_table_mon_cache`,
      session: `${mysql.vocabulary.calls.session} lastval`,
      pure: PURE_FUNCTIONS,
    },
  },
}
