/**
 * Functions whose call must reach the primary: they read files, act on one server, or change what it is. Most come
 * with components and plugins of MySQL.
 */
export const WRITING_FUNCTIONS = `
  load_file asynchronous_connection_failover_add_source asynchronous_connection_failover_delete_source
  asynchronous_connection_failover_add_managed asynchronous_connection_failover_delete_managed
  asynchronous_connection_failover_reset group_replication_set_as_primary
  group_replication_switch_to_single_primary_mode group_replication_switch_to_multi_primary_mode
  group_replication_get_communication_protocol group_replication_set_communication_protocol
  group_replication_get_write_concurrency group_replication_set_write_concurrency
  group_replication_enable_member_action group_replication_disable_member_action
  group_replication_reset_member_actions keyring_key_fetch keyring_key_generate keyring_key_store
  keyring_key_remove keyring_key_type_fetch keyring_key_length_fetch audit_log_filter_set_filter
  audit_log_filter_remove_filter audit_log_filter_set_user audit_log_filter_remove_user
  audit_log_filter_flush audit_log_read audit_log_rotate mysql_firewall_flush_status ps_thread_id
  ps_current_thread_id flush_rewrite_rules load_rewrite_rules version_tokens_set version_tokens_edit
  version_tokens_delete version_tokens_show sys_exec sys_eval sys_set
`

/** Functions that read or change what belongs to one connection: locks by name, and facts about its last statement. */
export const SESSION_FUNCTIONS = `
  get_lock release_lock release_all_locks is_free_lock is_used_lock last_insert_id row_count found_rows
  service_get_read_locks service_get_write_locks service_release_locks version_tokens_lock_shared
  version_tokens_lock_exclusive version_tokens_unlock
`
