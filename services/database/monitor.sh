#!/bin/bash
# Patroni calls it when this member has started or changed its role: $1 is what happened, $2 the role. A primary makes the
# role that reads statistics, so that one that was set up before there was such a role gets it, too. It can be lost with a
# failover and is made again with the next: nothing waits for a standby.
set -euo pipefail

if [[ ${2:-} != master && ${2:-} != primary ]]; then exit 0; fi
: "${MONITOR_USERNAME:?}" "${MONITOR_PASSWORD:?}" "${DATABASE_PORT:?}"

ask() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --host /run/patroni --port "$DATABASE_PORT" --dbname postgres "$@"; }

# Patroni tells of the new role before Postgres has taken it on.
for ((tries = 60; tries > 0; tries--)); do
  if [[ $(ask --no-align --tuples-only --command 'SELECT pg_is_in_recovery()') == f ]]; then break; fi
  sleep 0.5
done
# The password reaches psql through the environment, so it stands in no process list and in no log.
ask <<'SQL'
\getenv name MONITOR_USERNAME
\getenv password MONITOR_PASSWORD
SET synchronous_commit = local;
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SELECT format('CREATE ROLE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" LOGIN CONNECTION LIMIT 3 PASSWORD :'password';
GRANT pg_monitor TO :"name";
SQL
