#!/bin/bash
# Runs once in the life of a database, right after initdb, as its superuser: makes the database and the role that owns it.
# $1 is a connection string that Patroni passes. Tables, the other roles and their grants come from the migrations.
set -euo pipefail

: "${DATABASE_NAME:?}" "${OWNER_PASSWORD:?}"

# The password reaches psql through the environment, so it stands in no process list and in no log.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname "$1" <<'SQL'
\getenv database_name DATABASE_NAME
\getenv owner_password OWNER_PASSWORD
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
CREATE ROLE owner LOGIN CREATEROLE PASSWORD :'owner_password';
CREATE DATABASE :"database_name" OWNER owner;
SQL
