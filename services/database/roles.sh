#!/bin/bash
# Runs once in the life of a database, right after initdb, as its superuser: makes the role that the migrations run as.
# $1 is a connection string that Patroni passes. The database itself, its tables, the other roles and their grants come
# from the migrations. One statement, because a migration may be waiting at the door and comes in as soon as it can.
set -euo pipefail

: "${OWNER_PASSWORD:?}"

# The password reaches psql through the environment, so it stands in no process list and in no log.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname "$1" <<'SQL'
\getenv owner_password OWNER_PASSWORD
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
CREATE ROLE owner LOGIN CREATEROLE CREATEDB PASSWORD :'owner_password';
SQL
