import { PORTS, SHARED_GROUP, SHARED_NAMESPACE } from '../topology.ts'
import type { RenderInput } from './input.ts'
import {
  configAnnotation,
  configMap,
  type KubernetesObject,
  metadata,
  ownLabels,
  selectorLabels,
} from './object.ts'
import {
  basePod,
  CONTAINER_DEFAULTS,
  env,
  imageReference,
  outsideTheGroups,
  resourceRequirements,
  scratch,
} from './pod.ts'
import { ONCALL_KEYS, ONCALL_SECRET } from './secrets.ts'

const SERVICE = 'oncall-database'
const CONFIG_NAME = 'oncall-database-start'

/** Database and the role that owns it, both of this name. */
export const ONCALL_DATABASE = 'oncall'

/** Alerts of a year, and some hundred thousand error events, GiB. */
const DISK_GIB = 4

/** User and group `postgres` of the image. */
const POSTGRES_USER_ID = 10001

/** What starts it; a database is made where there is none. */
const START = `#!/bin/bash
set -euo pipefail
umask 077
data=/data/postgres
# A copy that was not finished is none.
if [[ ! -s $data/PG_VERSION ]]; then
  rm -rf "$data.unfinished"
  initdb --pgdata="$data.unfinished" --username=postgres --encoding=UTF8 --locale=C.UTF-8 --data-checksums \\
    --auth-local=peer --auth-host=scram-sha-256 >/dev/null
  rm -rf "$data"
  mv "$data.unfinished" "$data"
fi
# The role and its password, in case either is new. Nobody else can connect meanwhile.
pg_ctl --pgdata="$data" --silent --wait --options="-c listen_addresses='' -c unix_socket_directories=/tmp" start
# Through the environment it stands in no process list and in no log.
password=$(</etc/oncall-database/password/database) psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \\
  --host=/tmp --username=postgres --dbname=postgres <<'SQL'
\\getenv name ONCALL_DATABASE
\\getenv password password
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SELECT format('CREATE ROLE %I LOGIN', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \\gexec
ALTER ROLE :"name" PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec
SQL
pg_ctl --pgdata="$data" --silent --wait --mode=fast stop
exec postgres -D "$data" -c hba_file=/etc/oncall-database/start/pg_hba.conf -c listen_addresses='*' \\
  -c unix_socket_directories=/run/postgres -c port=$PORT \\
  -c max_connections=30 -c shared_buffers=32MB -c password_encryption=scram-sha-256
`

/** Its owner alone, by password, from wherever the network lets it in. */
const HBA = `local all postgres peer
host ${ONCALL_DATABASE} ${ONCALL_DATABASE} all scram-sha-256
`

/** Postgres of oncall: in neither group, on a disk that outlives its pod. Facts about experiments survive them. */
export function oncallDatabase(input: RenderInput): readonly KubernetesObject[] {
  const files = { 'start.sh': START, 'pg_hba.conf': HBA }
  const run = scratch('run', '/run/postgres', 8, 'Memory')
  const temporary = scratch('tmp', '/tmp', 32)
  const shared = scratch('shared-memory', '/dev/shm', 64, 'Memory')
  const ask = { tcpSocket: { port: PORTS.oncallDatabase } }
  return [
    configMap(metadata(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, CONFIG_NAME), files),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(SHARED_GROUP, SHARED_NAMESPACE, SERVICE),
      spec: {
        clusterIP: 'None',
        selector: selectorLabels(SHARED_GROUP, SERVICE),
        ports: [{ name: 'postgresql', port: PORTS.oncallDatabase, protocol: 'TCP' }],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: metadata(SHARED_GROUP, SHARED_NAMESPACE, SERVICE),
      spec: {
        replicas: 1,
        serviceName: SERVICE,
        revisionHistoryLimit: 2,
        selector: { matchLabels: selectorLabels(SHARED_GROUP, SERVICE) },
        template: {
          metadata: { labels: ownLabels(SHARED_GROUP, SERVICE), annotations: configAnnotation(files) },
          spec: {
            ...basePod(POSTGRES_USER_ID),
            ...outsideTheGroups(),
            serviceAccountName: SERVICE,
            terminationGracePeriodSeconds: 20,
            containers: [
              {
                name: SERVICE,
                image: imageReference(input.images, 'database'),
                command: ['bash', '/etc/oncall-database/start/start.sh'],
                ...CONTAINER_DEFAULTS,
                // SIGTERM would wait for every client to leave.
                lifecycle: {
                  preStop: {
                    exec: { command: ['pg_ctl', '--pgdata=/data/postgres', '--mode=fast', 'stop'] },
                  },
                },
                resources: resourceRequirements(input.topology.shared[SERVICE]),
                env: [env('ONCALL_DATABASE', ONCALL_DATABASE), env('PORT', PORTS.oncallDatabase)],
                ports: [{ name: 'postgresql', containerPort: PORTS.oncallDatabase }],
                startupProbe: { ...ask, periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 90 },
                readinessProbe: { ...ask, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 2 },
                livenessProbe: { ...ask, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
                volumeMounts: [
                  { name: 'data', mountPath: '/data' },
                  { name: 'start', mountPath: '/etc/oncall-database/start', readOnly: true },
                  { name: 'password', mountPath: '/etc/oncall-database/password', readOnly: true },
                  run.mount,
                  temporary.mount,
                  shared.mount,
                ],
              },
            ],
            volumes: [
              { name: 'start', configMap: { name: CONFIG_NAME } },
              {
                name: 'password',
                secret: {
                  secretName: ONCALL_SECRET,
                  defaultMode: 0o440,
                  items: [{ key: ONCALL_KEYS.database, path: ONCALL_KEYS.database }],
                },
              },
              run.volume,
              temporary.volume,
              shared.volume,
            ],
          },
        },
        volumeClaimTemplates: [
          {
            apiVersion: 'v1',
            kind: 'PersistentVolumeClaim',
            metadata: { name: 'data', labels: ownLabels(SHARED_GROUP, SERVICE) },
            spec: {
              accessModes: ['ReadWriteOnce'],
              storageClassName: input.facts.storageClassName,
              resources: { requests: { storage: `${DISK_GIB}Gi` } },
            },
          },
        ],
      },
    },
  ]
}
