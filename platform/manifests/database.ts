import type { V1Container } from '@kubernetes/client-node'
import { type Group, PORTS, serviceHost } from '../topology.ts'
import { type RenderInput, specOf } from './input.ts'
import { type KubernetesObject, type Metadata, metadata, ownLabels, selectorLabels } from './object.ts'
import {
  basePod,
  CONTAINER_DEFAULTS,
  env,
  envFromField,
  envFromSecret,
  httpProbes,
  imageReference,
  inGroup,
  onePerZone,
  QUICK_DNS,
  resourceRequirements,
  scratch,
} from './pod.ts'
import { DATABASE_ROLES, DATABASE_SECRET, PATRONI_API_KEY } from './secrets.ts'

const SERVICE = 'database'

/** Headless service that names every member, ready or not: members find each other and clients find the primary by it. */
export const DATABASE_MEMBERS = 'database-members'

/** User and group `postgres` of the image: initdb wants its user in the password file. */
export const POSTGRES_USER_ID = 10001

/** Label by which Patroni knows its pods and Endpoints from others. */
const SCOPE_LABEL = 'cluster-name'

/** Keeps Kubernetes from copying Endpoints into slices, which each node follows. */
const SKIP_MIRROR_LABEL = 'endpointslice.kubernetes.io/skip-mirror'

/** Room for songs, log and one base backup, GiB. */
const DISK_GIB = 4

/** Time for a checkpoint and a clean handover before the kill, seconds. */
const STOP_SECONDS = 20

/** Time for initdb or a base backup on a busy machine, seconds. */
const START_SECONDS = 300

/** Hosts of all members, in order: what a multi-host connection string lists. */
export function databaseHosts(group: Group, replicas: number): readonly string[] {
  return Array.from({ length: replicas }, (_, i) => `${SERVICE}-${i}.${serviceHost(group, DATABASE_MEMBERS)}`)
}

/** Three members, one a zone, that elect their primary through the Kubernetes API. */
export function database(group: Group, input: RenderInput): readonly KubernetesObject[] {
  const head = (name: string, service = SERVICE): Metadata => metadata(group, group, service, name)
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: head(DATABASE_MEMBERS),
      spec: {
        clusterIP: 'None',
        publishNotReadyAddresses: true,
        selector: selectorLabels(group, SERVICE),
        ports: [
          { name: 'postgresql', port: PORTS.database, protocol: 'TCP' },
          { name: 'patroni', port: PORTS.patroni, protocol: 'TCP' },
        ],
      },
    },
    // No selector: Patroni itself points these at the primary and keeps its state in their annotations. Without a
    // Service of the same name the controller manager would delete the Endpoints as left over when it restarts.
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: head(SERVICE),
      spec: { ports: [{ name: 'postgresql', port: PORTS.database, protocol: 'TCP' }] },
    },
    // Patroni renews its lease there each second. Mirrored into slices, each renewal had every node's kube-proxy write its
    // rules anew, all at the same instant; clients ask the members themselves.
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { ...head(SERVICE), labels: { ...head(SERVICE).labels, [SKIP_MIRROR_LABEL]: 'true' } },
    },
    ...['config', 'sync', 'failover'].map(part => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: head(`${SERVICE}-${part}`),
      spec: { clusterIP: 'None' },
    })),
    statefulSet(group, input),
  ]
}

function statefulSet(group: Group, input: RenderInput): KubernetesObject {
  const { image, replicas, resources } = specOf(input.topology, SERVICE)
  const labels = { ...ownLabels(group, SERVICE), [SCOPE_LABEL]: SERVICE }
  const run = scratch('run', '/run/patroni', 16, 'Memory')
  const temporary = scratch('tmp', '/tmp', 64)
  // Postgres shares memory between its processes here; it counts as the container's memory.
  const shared = scratch('shared-memory', '/dev/shm', 128, 'Memory')
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadata(group, group, SERVICE),
    spec: {
      serviceName: DATABASE_MEMBERS,
      replicas,
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: selectorLabels(group, SERVICE) },
      template: {
        metadata: { labels },
        spec: {
          ...basePod(POSTGRES_USER_ID),
          ...inGroup(group),
          ...onePerZone(group, SERVICE),
          ...QUICK_DNS,
          serviceAccountName: SERVICE,
          automountServiceAccountToken: true,
          terminationGracePeriodSeconds: STOP_SECONDS,
          containers: [
            {
              name: SERVICE,
              image: imageReference(input.images, image),
              command: ['/app/database/entry.sh'],
              ...CONTAINER_DEFAULTS,
              resources: resourceRequirements(resources),
              env: environment(group, input),
              ports: [
                { name: 'postgresql', containerPort: PORTS.database },
                { name: 'patroni', containerPort: PORTS.patroni },
              ],
              ...httpProbes({
                port: PORTS.patroni,
                readyPath: '/readiness',
                alivePath: '/liveness',
                startSeconds: START_SECONDS,
              }),
              volumeMounts: [{ name: 'data', mountPath: '/data' }, run.mount, temporary.mount, shared.mount],
            },
            exporter(input),
          ],
          volumes: [run.volume, temporary.volume, shared.volume],
        },
      },
      volumeClaimTemplates: [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: { name: 'data', labels: ownLabels(group, SERVICE) },
          spec: {
            accessModes: ['ReadWriteOnce'],
            storageClassName: input.facts.storageClassName,
            resources: { requests: { storage: `${DISK_GIB}Gi` } },
          },
        },
      ],
    },
  }
}

/**
 * Postgres' own statistics, read by a role that sees them and no row of anybody's. It has no probes: a member that serves
 * must not be taken out because nobody can look into it.
 */
function exporter(input: RenderInput): V1Container {
  return {
    name: 'postgres-exporter',
    image: imageReference(input.images, 'observability'),
    command: [
      'prometheus-postgres-exporter',
      `--web.listen-address=:${PORTS.postgresExporter}`,
      '--log.level=error',
    ],
    ...CONTAINER_DEFAULTS,
    resources: resourceRequirements(input.topology.postgresExporter),
    env: [
      env('DATA_SOURCE_URI', `127.0.0.1:${PORTS.database}/postgres?sslmode=disable&connect_timeout=2`),
      env('DATA_SOURCE_USER', DATABASE_ROLES.monitor),
      envFromSecret('DATA_SOURCE_PASS', DATABASE_SECRET, DATABASE_ROLES.monitor),
    ],
    ports: [{ name: 'pg-metrics', containerPort: PORTS.postgresExporter }],
  }
}

/** What services/database/entry.sh and Patroni read; everything that is the same everywhere stands in patroni.yml. */
function environment(group: Group, input: RenderInput) {
  const password = (name: string, key: string) => envFromSecret(name, DATABASE_SECRET, key)
  return [
    envFromField('PATRONI_NAME', 'metadata.name'),
    envFromField('PATRONI_KUBERNETES_NAMESPACE', 'metadata.namespace'),
    envFromField('PATRONI_KUBERNETES_POD_IP', 'status.podIP'),
    env('PATRONI_SCOPE', SERVICE),
    env('PATRONI_KUBERNETES_SCOPE_LABEL', SCOPE_LABEL),
    env('PATRONI_KUBERNETES_LABELS', JSON.stringify(ownLabels(group, SERVICE))),
    env('DATABASE_PORT', PORTS.database),
    env('PATRONI_PORT', PORTS.patroni),
    env('POD_NETWORKS', (input.facts.podNetworks ?? PRIVATE_NETWORKS).join(' ')),
    env('PATRONI_SUPERUSER_USERNAME', DATABASE_ROLES.superuser),
    password('PATRONI_SUPERUSER_PASSWORD', DATABASE_ROLES.superuser),
    env('PATRONI_REPLICATION_USERNAME', DATABASE_ROLES.replication),
    password('PATRONI_REPLICATION_PASSWORD', DATABASE_ROLES.replication),
    env('PATRONI_REWIND_USERNAME', DATABASE_ROLES.rewind),
    password('PATRONI_REWIND_PASSWORD', DATABASE_ROLES.rewind),
    env('PATRONI_RESTAPI_USERNAME', 'patroni'),
    password('PATRONI_RESTAPI_PASSWORD', PATRONI_API_KEY),
    password('OWNER_PASSWORD', DATABASE_ROLES.owner),
    env('MONITOR_USERNAME', DATABASE_ROLES.monitor),
    password('MONITOR_PASSWORD', DATABASE_ROLES.monitor),
  ]
}

/** Where pods can come from on a cluster that does not say: the private address ranges. */
const PRIVATE_NETWORKS = ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16']

/** Label keys Patroni writes on the pods itself. */
export const PATRONI_ROLE_LABEL = 'role'
/** Value of `PATRONI_ROLE_LABEL` on the primary, in Patroni 3.0. */
export const PATRONI_PRIMARY = 'master'
