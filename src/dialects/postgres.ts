import { SESSION_FUNCTIONS, WRITING_FUNCTIONS } from './postgres/functions'
import { PURE_FUNCTIONS } from './postgres/pure-functions'
import { PER_SERVER_TABLES, PER_SESSION_SCHEMAS, PER_SESSION_TABLES } from './postgres/tables'
import type { DialectRules } from './vocabulary'

/** PostgreSQL, from its manual: "Lexical Structure", appendix "SQL Key Words", "Hot Standby". */
export const postgres: DialectRules = {
  name: 'postgres',
  family: 'postgres',
  foldsNames: true,
  lexical: {
    nestedComments: true,
    executableComments: false,
    hashComments: false,
    dashesNeedSpace: false,
    carriageReturnEndsLine: true,
    dollarQuotes: true,
    prefixedQuotes: true,
    backticks: false,
    variables: false,
    digitsStartWords: false,
    // `standard_conforming_strings` on, and off.
    readings: [
      { backslashInSingleQuotes: false, backslashInDoubleQuotes: false },
      { backslashInSingleQuotes: true, backslashInDoubleQuotes: false },
    ],
  },
  vocabulary: {
    keywords: `
      select with values table show explain copy analyze analyse verbose insert update delete merge truncate
      create alter drop lock set begin start commit rollback end abort savepoint release prepare execute
      prepared grant revoke from join into using for as where group having order limit offset fetch union
      intersect except window returning on only lateral recursive share no key distinct operator to
      stdout read write isolation level serializable repeatable committed uncommitted not deferrable
      transaction work chain local global temporary temp unlogged if exists concurrently or replace view
      materialized index unique trigger procedure function aggregate rule policy atomic binary references
      foreign uescape like vacuum refresh`,
    statements: {
      write: `
        insert update delete merge truncate create alter drop comment security grant revoke reassign refresh reindex
        cluster vacuum analyze analyse checkpoint load call do import begin start commit rollback end abort savepoint
        release`,
      session: `
        set reset discard declare fetch move close listen unlisten notify lock prepare execute deallocate`,
    },
    calls: { write: WRITING_FUNCTIONS, session: SESSION_FUNCTIONS, pure: PURE_FUNCTIONS },
    grammar: `
      explain copy stdout all analyse analyze and any array as asc asymmetric between bigint bit boolean both case cast char
      character check coalesce collate collation column constraint create cross current_catalog current_date
      current_role current_time current_timestamp current_user dec decimal default deferrable desc distinct
      do else end except exists extract false fetch float for foreign from grant greatest group grouping
      having ilike in initially inner inout int integer intersect interval into is isnull join json
      json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize
      json_table json_value lateral leading least like limit localtime localtimestamp merge_action national
      natural nchar none normalize not notnull null nullif numeric offset on only or order out overlaps
      overlay placing position precision primary real references returning row select session_user setof
      similar smallint some substring symmetric system_user table tablesample then time timestamp to
      trailing treat trim true union unique user using values varchar variadic when where window with
      xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot
      xmlserialize xmltable bernoulli system rollup cube sets over filter materialized columns by passing
      document content escape varying zone second set conflict within if nothing returns partition range
      hash including excluding references include inherits add nulls respect quotes wrapper path nested
      xmltext current_schema`,
    tables: { write: PER_SERVER_TABLES, session: PER_SESSION_TABLES },
    schemas: { write: '', session: PER_SESSION_SCHEMAS, system: 'pg_catalog information_schema' },
    variables: { write: '', session: '' },
    secrets: 'password passwd identified subscription dblink dblink_connect dblink_connect_u dblink_exec',
  },
}
