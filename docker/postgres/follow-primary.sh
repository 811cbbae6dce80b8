#!/bin/bash
# The entrypoint of a replica: copies the primary's data the first time, then goes on as the image does.
set -euo pipefail

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  pg_basebackup --host=postgres-primary --username=admin --pgdata="$PGDATA" --write-recovery-conf --checkpoint=fast
  chown -R postgres:postgres "$PGDATA"
fi
exec docker-entrypoint.sh "$@"
