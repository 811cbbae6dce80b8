-- Every server has made the accounts by itself: forget it, and follow the primary from the start of its history.
reset binary logs and gtids;
change replication source to
  source_host = 'mysql-primary',
  source_user = 'admin',
  source_password = 'admin',
  source_auto_position = 1,
  get_source_public_key = 1,
  source_connect_retry = 1,
  source_retry_count = 100000;
-- Not on the command line: there it would hold for the image's own set-up too, and that writes.
set persist super_read_only = on;
