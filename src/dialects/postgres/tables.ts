/** System views that tell of one server, most of them of what its clients do, and so of the primary when asked for. */
export const PER_SERVER_TABLES = `
  pg_stat_activity pg_stat_all_indexes pg_stat_all_tables pg_stat_archiver pg_stat_bgwriter
  pg_stat_checkpointer pg_stat_database pg_stat_database_conflicts pg_stat_gssapi pg_stat_io
  pg_stat_progress_analyze pg_stat_progress_basebackup pg_stat_progress_cluster pg_stat_progress_copy
  pg_stat_progress_create_index pg_stat_progress_vacuum pg_stat_recovery_prefetch pg_stat_replication
  pg_stat_replication_slots pg_stat_slru pg_stat_ssl pg_stat_subscription pg_stat_subscription_stats
  pg_stat_sys_indexes pg_stat_sys_tables pg_stat_user_functions pg_stat_user_indexes pg_stat_user_tables
  pg_stat_wal pg_stat_wal_receiver pg_stat_xact_all_tables pg_stat_xact_sys_tables
  pg_stat_xact_user_functions pg_stat_xact_user_tables pg_statio_all_indexes pg_statio_all_sequences
  pg_statio_all_tables pg_statio_sys_indexes pg_statio_sys_sequences pg_statio_sys_tables
  pg_statio_user_indexes pg_statio_user_sequences pg_statio_user_tables pg_stat_statements
  pg_stat_statements_info pg_stat_monitor pg_stat_kcache pg_buffercache pg_buffercache_numa pg_locks
  pg_prepared_xacts pg_replication_origin_status pg_replication_slots pg_file_settings pg_hba_file_rules
  pg_ident_file_mappings pg_shmem_allocations pg_shmem_allocations_numa pg_dsm_registry_allocations pg_aios
`

/** System views, and the schema, that belong to one connection. */
export const PER_SESSION_TABLES = 'pg_cursors pg_prepared_statements pg_backend_memory_contexts'
export const PER_SESSION_SCHEMAS = 'pg_temp'
