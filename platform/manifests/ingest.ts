import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import { UserError } from '../errors.ts'
import type { Group } from '../topology.ts'
import { CORPUS_CLAIM } from './corpus-volume.ts'
import { databaseClient } from './database-client.ts'
import type { Corpus, RenderInput } from './input.ts'
import { job } from './job.ts'
import { configMap, contentHash, type KubernetesObject, metadata } from './object.ts'
import { objectStoreEnvironment, objectStoreSettings } from './object-store-access.ts'
import {
  basePod,
  CONTAINER_DEFAULTS,
  env,
  envFromField,
  imageReference,
  inGroup,
  QUICK_DNS,
  resourceRequirements,
  scratch,
} from './pod.ts'
import { DATABASE_ROLES } from './secrets.ts'
import { SPARK_FOLDER, sparkFiles } from './spark-config.ts'
import { telemetryEnv } from './telemetry.ts'

const SERVICE = 'ingest'

/** Where the corpora are mounted, in driver and executors alike. */
const CORPUS_FOLDER = '/corpus'

/** Spark takes a while to start, so it starts beside the database and the schema, and waits for them that long. */
const DATABASE_WAIT_SECONDS = 600

const LIMITS = { retries: 2, deadlineSeconds: 3600 }

/** What only the running pod knows: where executors call home, and whose property they are. */
const SUBMIT_ARGUMENTS = [
  '--conf spark.driver.host=$(POD_IP)',
  // Executors are told this one, so it must not be the usual 0.0.0.0.
  '--conf spark.driver.bindAddress=$(POD_IP)',
  '--conf spark.kubernetes.driver.pod.name=$(POD_NAME)',
  'pyspark-shell',
].join(' ')

/**
 * Loads a corpus into the group's database: a Spark driver that Kubernetes runs as a Job, and executors that the driver
 * asks Kubernetes for. Loading the same files again is the same Job, and so no work.
 */
export function ingest(group: Group, input: RenderInput, corpus: Corpus): readonly KubernetesObject[] {
  const image = imageReference(input.images, 'ingest')
  const surroundings = podSurroundings(group, input, corpus)
  const client = databaseClient(group, input, DATABASE_ROLES.ingest)
  const store = corpus.store ? objectStoreSettings(corpus.store) : {}
  const files = sparkFiles(group, input.topology, image, surroundings.pod, surroundings.container, store)
  // A Job's files must not change while it runs: other files are another ConfigMap.
  const configName = `ingest-spark-${contentHash(files)}`
  const driver: V1PodSpec = {
    ...surroundings.pod,
    serviceAccountName: SERVICE,
    automountServiceAccountToken: true,
    restartPolicy: 'Never',
    containers: [
      {
        ...surroundings.container,
        name: 'driver',
        image,
        command: ['python3', '-m', 'pipeline.ingest'],
        resources: resourceRequirements(input.topology.ingest.driver),
        env: [
          ...(surroundings.container.env ?? []),
          ...surroundings.events,
          ...client.env,
          envFromField('POD_IP', 'status.podIP'),
          env('DATABASE_TIMEOUT_SECONDS', DATABASE_WAIT_SECONDS),
          env('INGEST_INPUT', inputUri(corpus)),
          env('SPARK_CONF_DIR', SPARK_FOLDER),
          env('PYSPARK_SUBMIT_ARGS', SUBMIT_ARGUMENTS),
        ],
        volumeMounts: [
          ...(surroundings.container.volumeMounts ?? []),
          client.mount,
          { name: 'spark', mountPath: SPARK_FOLDER, readOnly: true },
        ],
      },
    ],
    volumes: [
      ...(surroundings.pod.volumes ?? []),
      client.volume,
      { name: 'spark', configMap: { name: configName } },
    ],
  }
  return [
    configMap(metadata(group, group, SERVICE, configName), files),
    job(group, SERVICE, driver, LIMITS, [corpus.name, corpus.contentHash]),
  ]
}

/** What driver and executors share. Only the driver writes, so executors are given no password. */
function podSurroundings(group: Group, input: RenderInput, corpus: Corpus) {
  const temporary = scratch('tmp', '/tmp', 1024)
  const telemetry = telemetryEnv(group, SERVICE, input, SERVICE)
  const mounted = corpus.uri === undefined
  if (mounted && input.facts.kind !== 'local') {
    throw new UserError(
      'CORPUS_NOT_REACHABLE',
      `Cannot load corpus '${corpus.name}': its files are on this machine, the nodes are not`,
      "Put the files into an object store and name the place: './divergence ingest s3a://BUCKET/FOLDER'.",
    )
  }
  const pod: Omit<V1PodSpec, 'containers'> = {
    ...basePod(),
    ...inGroup(group),
    ...QUICK_DNS,
    serviceAccountName: SERVICE,
    terminationGracePeriodSeconds: 5,
    volumes: [
      temporary.volume,
      ...(mounted
        ? [{ name: 'corpus', persistentVolumeClaim: { claimName: CORPUS_CLAIM, readOnly: true } }]
        : []),
    ],
  }
  const container: Omit<V1Container, 'name'> = {
    ...CONTAINER_DEFAULTS,
    env: [
      env('GROUP', group),
      ...telemetry.filter(({ name }) => !forEvents(name) && !name.startsWith('OTEL_TRACES_SAMPLER')),
      // A batch is one trace of two dozen spans: worth keeping whole, each time.
      env('OTEL_TRACES_SAMPLER', 'parentbased_always_on'),
      ...(corpus.store ? objectStoreEnvironment(corpus.store) : []),
    ],
    volumeMounts: [
      temporary.mount,
      ...(mounted ? [{ name: 'corpus', mountPath: CORPUS_FOLDER, readOnly: true }] : []),
    ],
  }
  return { pod, container, events: telemetry.filter(({ name }) => forEvents(name)) }
}

/** What fails on an executor fails the batch, and the driver tells of it. */
function forEvents(name: string): boolean {
  return name.startsWith('SENTRY_') && name !== 'SENTRY_RELEASE'
}

function inputUri(corpus: Corpus): string {
  return corpus.uri ?? `file://${CORPUS_FOLDER}/${corpus.name}`
}
