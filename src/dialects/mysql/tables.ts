/** Tables of `information_schema` and `mysql` whose rows each server has of its own. */
export const PER_SERVER_TABLES = `
  processlist files global_status session_status user_statistics client_statistics index_statistics
  table_statistics user_variables key_caches query_cache_info query_response_time thread_pool_groups
  thread_pool_queues thread_pool_stats thread_pool_waits metadata_lock_info innodb_trx innodb_locks
  innodb_lock_waits innodb_metrics innodb_cmp innodb_cmp_reset innodb_cmpmem innodb_cmpmem_reset
  innodb_cmp_per_index innodb_cmp_per_index_reset innodb_buffer_page innodb_buffer_page_lru
  innodb_buffer_pool_stats innodb_cached_indexes innodb_ft_being_deleted innodb_ft_config innodb_ft_deleted
  innodb_ft_index_cache innodb_ft_index_table innodb_session_temp_tables innodb_temp_table_info
  innodb_tablestats innodb_sys_tablestats innodb_sys_semaphore_waits innodb_mutexes
  innodb_tablespaces_encryption innodb_tablespaces_scrubbing wsrep_status wsrep_membership general_log
  slow_log gtid_executed gtid_slave_pos innodb_table_stats innodb_index_stats slave_master_info
  slave_relay_log_info slave_worker_info replication_asynchronous_connection_failover
  replication_asynchronous_connection_failover_managed replication_group_configuration_version
  replication_group_member_actions
`

/** Those that belong to one connection. */
export const PER_SESSION_TABLES = 'profiling optimizer_trace'

/** Schemas that tell of one server in every table. */
export const PER_SERVER_SCHEMAS = 'performance_schema sys'

export const SYSTEM_SCHEMAS = 'information_schema mysql performance_schema sys'
