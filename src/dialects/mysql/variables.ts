/** System variables that hold a position of one server, which is asked of the primary. */
export const PER_SERVER_VARIABLES = `
  gtid_executed gtid_purged gtid_binlog_pos gtid_binlog_state gtid_current_pos`

/** System variables about the last statement, the transaction or the random numbers of one connection. */
export const PER_SESSION_VARIABLES = `
  last_insert_id identity last_gtid insert_id warning_count error_count in_transaction gtid_next gtid_seq_no
  rand_seed1 rand_seed2 pseudo_thread_id pseudo_slave_mode pseudo_replica_mode skip_replication`
