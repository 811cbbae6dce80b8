import type { PostgresSession } from './postgres-session'

/** A call of a built-in function that a standby refuses. */
export interface RefusedCall {
  /** As `regprocedure` prints it: name and argument types. */
  readonly signature: string
  readonly sql: string
  readonly code: string
  readonly message: string
}

/** Objects for functions to work on. Run on the primary, in a database of their own. */
export const FUNCTION_OBJECTS = `
  CREATE SEQUENCE s;
  CREATE TABLE t (a int PRIMARY KEY, b int[]);
  CREATE INDEX t_brin ON t USING brin (a);
  CREATE INDEX t_gin ON t USING gin (b);
  SELECT lo_from_bytea(4242, 'x');
`

/** Values to call a function with, by type, the likeliest first. Other types get NULL, which strict functions answer. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  regclass: [`'s'::regclass`, `'t_brin'::regclass`, `'t_gin'::regclass`, `'t'::regclass`],
  oid: ['4242::oid', `'t'::regclass::oid`, '0::oid'],
  text: [`'s'::text`, `'public'::text`, `'SELECT nextval(''s'')'::text`],
  name: [`'s'::name`, `'pg_default'::name`],
  integer: ['1::int', '131072::int'],
  bigint: ['1::bigint'],
  smallint: ['1::smallint'],
  boolean: ['false', 'true'],
  bytea: [`'\\x00'::bytea`],
  pg_lsn: [`'0/1'::pg_lsn`],
  tsquery: [`'a'::tsquery`],
  regtype: [`'int4'::regtype`],
  regconfig: [`'simple'::regconfig`],
  xid8: [`'3'::xid8`],
  xid: [`'3'::xid`],
  tid: [`'(0,1)'::tid`],
  'double precision': ['0.1::float8'],
  interval: [`'0'::interval`],
  'timestamp with time zone': ['now()'],
  'text[]': [`'{}'::text[]`],
  '"any"': [
    `'schemaname', 'public', 'relname', 't', 'relpages', 1`,
    `'schemaname', 'public', 'relname', 't', 'attname', 'a', 'inherited', false, 'null_frac', 0.5::real`,
  ],
}

const MOST_CALLS = 12

/** Functions that end, stop or slow down the server they are called on, and those that only the server calls. */
const NOT_CALLED =
  /^(pg_promote|pg_terminate_backend|pg_cancel_backend|pg_reload_conf|pg_rotate_logfile|pg_wal_replay_\w+|pg_sleep\w*|pg_backup_\w+|pg_stop_making_pinned_objects|binary_upgrade_\w+|pg_log_backend_memory_contexts|pg_sync_replication_slots|RI_\w+|\w+_(in|out|recv|send))$/

/** Calls every built-in function that could have an effect, on a standby, and returns the calls that it refuses. */
export async function refusedCalls(
  standby: PostgresSession,
): Promise<{ called: number; refused: RefusedCall[] }> {
  const functions = await standby.run(`
    SELECT p.oid::regprocedure, p.proname, array_to_json(ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a(t, n) ORDER BY n))
    FROM pg_proc p
    WHERE p.oid < 16384 AND p.prokind IN ('f', 'p') AND (p.provolatile <> 'i' OR p.proname LIKE 'pg\\_%') AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
      AND NOT 'internal'::regtype = ANY (p.proargtypes)
    ORDER BY p.proname, 1`)
  if (functions.kind !== 'answered') throw new Error(functions.message)
  const refused: RefusedCall[] = []
  let called = 0
  for (const row of functions.rows) {
    const [signature, name, types] = JSON.parse(row) as [string, string, string]
    if (NOT_CALLED.test(name)) continue
    called++
    for (const args of argumentLists(JSON.parse(types) as string[])) {
      const sql = `SELECT pg_catalog.${JSON.stringify(name)}(${args})`
      const outcome = await standby.run(sql)
      if (outcome.kind !== 'refused') continue
      refused.push({ signature, sql, code: outcome.code, message: outcome.message })
      break
    }
  }
  return { called, refused }
}

function argumentLists(types: readonly string[]): string[] {
  const choices = types.map((type) => VALUES[type] ?? [`NULL::${type.replace(/^any.*|^record$/, 'int4')}`])
  let lists: string[][] = [[]]
  for (const values of choices) lists = lists.flatMap((list) => values.map((value) => [...list, value]))
  // Spread over all combinations, so that the later values of the first arguments get their turn.
  const step = Math.max(1, lists.length / MOST_CALLS)
  return Array.from({ length: Math.min(lists.length, MOST_CALLS) }, (_, i) =>
    lists[Math.floor(i * step)]!.join(', '),
  )
}
