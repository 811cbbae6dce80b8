#!/bin/bash
# The image lets everybody connect with a password, but "all" in pg_hba.conf does not include replication.
echo 'host replication admin all scram-sha-256' >> "$PGDATA/pg_hba.conf"
