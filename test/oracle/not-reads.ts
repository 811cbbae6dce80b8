import type { Dialect } from '../../src/dialects/dialect'

/**
 * What a replica answers just like the primary and must not be sent there all the same: what the field study marks
 * "accepted but wrong" or "primary", and what the issue calls a matter of the session. These statements count neither
 * for nor against the share of reads. The list is on trial too: a row that matches a true read hides a miss.
 */
interface NotARead {
  readonly dialects: readonly Dialect[]
  /** Matched against the text without comments and with empty strings. */
  readonly pattern: RegExp
  readonly why: string
}

const POSTGRES: readonly Dialect[] = ['postgres']
const MYSQLS: readonly Dialect[] = ['mysql', 'mariadb']

const NOT_READS: readonly NotARead[] = [
  {
    dialects: POSTGRES,
    pattern: /\bpg_(try_)?advisory_\w+\s*\(/i,
    why: 'advisory lock: what one server holds excludes nobody on another',
  },
  {
    dialects: POSTGRES,
    pattern: /\b(set_config|setseed)\s*\(/i,
    why: 'sets something for its session',
  },
  {
    dialects: POSTGRES,
    pattern: /\b(pg_stat_(?!file)\w+|pg_statio_\w+|pg_locks|pg_prepared_xacts)\b/i,
    why: 'statistics, locks and prepared transactions: each server has its own',
  },
  {
    dialects: POSTGRES,
    pattern: /\b(pg_cursors|pg_prepared_statements|pg_listening_channels|cursor_to_xml\w*)\b/i,
    why: 'cursors, prepared statements and channels: each session has its own',
  },
  {
    dialects: POSTGRES,
    pattern:
      /\b(pg_backend_memory_contexts|pg_log_backend_memory_contexts|pg_shmem_allocations|pg_aios|pg_notification_queue_usage)\b/i,
    why: 'what goes on inside one server process',
  },
  {
    dialects: POSTGRES,
    pattern:
      /\b(pg_read_(binary_)?file|pg_stat_file|pg_ls_\w+|pg_control_\w+|pg_(file_settings|hba_file_rules|ident_file_mappings))\b/i,
    why: 'files of one machine',
  },
  {
    dialects: POSTGRES,
    pattern:
      /\b(lo_(open|close|creat|create|from_bytea|put|unlink|lseek\w*|tell\w*|truncate\w*)|loread|lowrite)\s*\(/i,
    why: 'large objects: what they write reached no row, or they work on a descriptor of the transaction',
  },
  {
    dialects: POSTGRES,
    pattern: /\b(query_to_xml\w*|ts_stat)\s*\(/i,
    why: 'runs a statement that a string holds',
  },
  {
    dialects: MYSQLS,
    pattern: /(?<![@\w$])@(?!@)[\w$.'"`\u0080-\uffff]/,
    why: 'user variable: each session has its own',
  },
  {
    dialects: MYSQLS,
    pattern: /\bfor\s+(update|share)\b|\block\s+in\s+share\s+mode\b/i,
    why: 'locking read: the lock would be on the wrong server',
  },
  {
    dialects: MYSQLS,
    pattern: /\b(get_lock|release_lock|release_all_locks|is_free_lock|is_used_lock)\s*\(/i,
    why: 'named lock: what one server holds excludes nobody on another',
  },
  {
    dialects: MYSQLS,
    pattern:
      /\b(last_insert_id|found_rows|row_count)\s*\(|\bsql_calc_found_rows\b|@@\s*(\w+\s*\.\s*)?`?(last_insert_id|identity|warning_count|error_count|insert_id|last_gtid|rand_seed\d|pseudo_\w+)\b/i,
    why: 'about the previous statement of its session',
  },
  {
    dialects: MYSQLS,
    pattern: /\binto\b/i,
    why: 'stores its result',
  },
  {
    dialects: MYSQLS,
    pattern:
      /\bperformance_schema\b|\b(processlist|global_status|session_status|innodb_(trx|metrics|locks|buffer_\w+|cmp\w*))\b/i,
    why: 'statistics: each server has its own',
  },
  {
    dialects: MYSQLS,
    pattern: /\binformation_schema\s*\.\s*`?(optimizer_trace|profiling)\b/i,
    why: 'traces and profiles: each session has its own',
  },
  {
    dialects: ['mariadb'],
    pattern: /\b(lastval|nextval|setval)\s*\(|\b(previous|next)\s+value\s+for\b/i,
    why: 'sequence: each session has its own last value',
  },
]

export function whyNotARead(dialect: Dialect, code: string): string | null {
  return NOT_READS.find((entry) => entry.dialects.includes(dialect) && entry.pattern.test(code))?.why ?? null
}
