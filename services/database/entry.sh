#!/bin/bash
# Starts one member of the database: completes patroni.yml with what only this pod knows and hands over to Patroni.
set -euo pipefail
umask 077

: "${PATRONI_KUBERNETES_POD_IP:?}" "${POD_NETWORKS:?}" "${DATABASE_PORT:?}" "${PATRONI_PORT:?}" "${MONITOR_USERNAME:?}"

config=/run/patroni/config
mkdir -p "$config"
cp /app/database/patroni.yml "$config/10-settings.yml"

# Patroni merges all files of the folder, in the order of their names.
{
  echo "restapi:"
  echo "  listen: 0.0.0.0:$PATRONI_PORT"
  echo "  connect_address: $PATRONI_KUBERNETES_POD_IP:$PATRONI_PORT"
  echo "postgresql:"
  echo "  listen: 0.0.0.0:$DATABASE_PORT"
  echo "  connect_address: $PATRONI_KUBERNETES_POD_IP:$DATABASE_PORT"
  echo "  pg_hba:"
  echo "    - local all postgres peer"
  echo "    - local replication $PATRONI_REPLICATION_USERNAME scram-sha-256"
  # The exporter in this pod, and nobody else under its name.
  echo "    - host postgres $MONITOR_USERNAME 127.0.0.1/32 scram-sha-256"
  echo "    - host all $MONITOR_USERNAME all reject"
  for network in $POD_NETWORKS; do
    echo "    - host replication $PATRONI_REPLICATION_USERNAME $network scram-sha-256"
    # The superuser is for this pod alone; pg_rewind and everybody else come over the network with a password.
    echo "    - host all $PATRONI_SUPERUSER_USERNAME $network reject"
    echo "    - host all all $network scram-sha-256"
  done
} >"$config/20-member.yml"

# Patroni plans its next round by the wall clock. A clock that is set back leaves it asleep until the old time comes again,
# while Postgres goes on as a primary: the others see it alive, and nobody leads. Such a member has to start anew.
# The clock since boot (/proc/uptime) is never set.
readonly set_back_seconds=2
watch_clock() {
  local offset last uptime pause
  exec {pause}<> <(:)
  while true; do
    read -r uptime _ </proc/uptime
    offset=$((EPOCHSECONDS - ${uptime%.*}))
    if ((offset <= ${last:-$offset} - set_back_seconds)); then
      echo "the clock was set back by $((last - offset)) s: starting anew" >&2
      kill -TERM 1
    fi
    last=$offset
    # Waits without a process for each second: nothing is ever written there.
    read -rt 1 -u "$pause" || true
  done
}
watch_clock &

exec patroni "$config"
