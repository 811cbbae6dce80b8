import type { Dialect } from '../../src/dialects/dialect'

/** Statements that are run on no server, since what they do reaches beyond the statement that is judged. */
interface Rule {
  readonly dialects: readonly Dialect[]
  readonly pattern: RegExp
  readonly reason: string
}

const RULES: readonly Rule[] = [
  {
    dialects: ['postgres'],
    pattern:
      /\bpg_(terminate|cancel)_backend\b|\bpg_promote\b|\bpg_wal_replay_\w+\b|\bpg_rotate_logfile\w*\b/i,
    reason: 'ends or stops a server process',
  },
  {
    dialects: ['postgres'],
    pattern: /\balter\s+system\b|\bpg_reload_conf\b|\bsynchronous_(commit|standby_names)\b/i,
    reason: 'changes the settings of the server',
  },
  {
    dialects: ['postgres'],
    pattern: /\bcopy\b.*\bto\s+'|\bto\s+program\b|\bfrom\s+program\b|\blo_(import|export)\b/is,
    reason: 'reads or writes files of the machine',
  },
  {
    dialects: ['postgres'],
    pattern: /^select .*(?:::\s*sqljson_mystr\b|\bsatisfies_hash_partition\(.*variadic null)/i,
    reason: 'crashes a server older than the suite',
  },
  { dialects: ['postgres'], pattern: /\bpg_backup_(start|stop)\b/i, reason: 'starts a backup' },
  {
    dialects: ['mysql', 'mariadb'],
    pattern:
      /^\s*(shutdown|restart|kill|clone|install|uninstall|import|purge|reset|change|stop|start\s+(replica|slave|group))\b/i,
    reason: 'ends or reconfigures a server, its plugins or its replication',
  },
  {
    dialects: ['mysql', 'mariadb'],
    pattern:
      /\bset\s[^;]*\b(global|persist\w*|password|sql_log_bin|gtid_\w+|binlog_format|pseudo_\w+|server_id|insert_id)\b/i,
    reason: 'changes the settings of the server or its binary log',
  },
  {
    dialects: ['mysql', 'mariadb'],
    pattern:
      /^\s*(create|alter|drop|rename)\s+(or\s+replace\s+)?(user|role)\b|\bset\s+(default\s+role|password)\b/i,
    reason: 'changes the account that it runs as',
  },
  {
    dialects: ['mysql', 'mariadb'],
    pattern: /\b(outfile|dumpfile|load_file|infile)\b/i,
    reason: 'reads or writes files of the machine',
  },
]

/** Why a statement is not run, or `null` when it may be. */
export function neverRun(dialect: Dialect, sql: string): string | null {
  return RULES.find((rule) => rule.dialects.includes(dialect) && rule.pattern.test(sql))?.reason ?? null
}
