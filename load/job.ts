import type { V1Container, V1Job } from '@kubernetes/client-node'
import { LABELS, SHARED_NAMESPACE, SYSTEM_NODE } from '../platform/topology.ts'
import { type LoadPlan, planToEnvironment } from './plan.ts'
import { scenarios } from './profiles.ts'

/** Where things are in the image `load`: k6 on the PATH, `load/` and what it imports under `sourceFolder`. */
export const LOAD_IMAGE = { sourceFolder: '/app', script: '/app/load/script.ts' } as const

/** Container and file names of a load pod, for whoever follows the samples. */
export const LOAD_POD = {
  generator: 'k6',
  /** Outlives the generator, so that the last samples and the summary can still be fetched. */
  keeper: 'keeper',
  samplesPath: '/samples/samples.csv',
  summaryPath: '/samples/summary.json',
} as const

/** Label that carries the run a load job belongs to. */
export const RUN_LABEL = 'divergence/run'

/** Beyond the sending itself: image pull, virtual users, the last time-outs, fetching the samples. */
const OVERHEAD_SECONDS = 240

/** A finished job that nobody fetched or deleted goes after this time. */
const TTL_SECONDS = 600

/** A virtual user took 0.4 MiB when it was measured (504 of them 283 MiB in all); half as much again is room. */
const VIRTUAL_USER_MIB = 0.6
const LEAST_MEMORY_MIB = 2048

const SAMPLES_VOLUME = 'samples'
const NON_ROOT_USER = 65532

export type LoadJobOptions = {
  readonly plan: LoadPlan
  /** Reference of the image `load`. */
  readonly image: string
  /** Prometheus remote-write endpoint, with native histograms switched on; null for no dashboards. */
  readonly remoteWriteUrl: string | null
}

/**
 * The load of one run as a Kubernetes Job on the system node, outside every zone that can lose its power.
 * It ends by being deleted; when nobody does, by its deadline.
 */
export function loadJob({ plan, image, remoteWriteUrl }: LoadJobOptions): V1Job {
  const labels = {
    [LABELS.partOf]: LABELS.product,
    [LABELS.group]: SYSTEM_NODE,
    [LABELS.service]: 'load',
    [RUN_LABEL]: plan.runId,
  }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: loadJobName(plan.runId), namespace: SHARED_NAMESPACE, labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: Math.ceil(plan.durationSeconds) + OVERHEAD_SECONDS,
      ttlSecondsAfterFinished: TTL_SECONDS,
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          nodeSelector: { [LABELS.group]: SYSTEM_NODE },
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          // Both containers hold nothing that needs an orderly end once the job is deleted.
          terminationGracePeriodSeconds: 1,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: NON_ROOT_USER,
            runAsGroup: NON_ROOT_USER,
            fsGroup: NON_ROOT_USER,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [generator(plan, image, remoteWriteUrl), keeper(image)],
          volumes: [{ name: SAMPLES_VOLUME, emptyDir: { sizeLimit: '1Gi' } }],
        },
      },
    },
  }
}

/** Name of the load job of a run; a valid DNS label whatever the run is called. */
export function loadJobName(runId: string): string {
  const name = `load-${runId}`.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-')
  return name.slice(0, 63).replace(/-+$/, '')
}

function generator(plan: LoadPlan, image: string, remoteWriteUrl: string | null): V1Container {
  const outputs = remoteWriteUrl === null ? [] : ['--out', 'experimental-prometheus-rw']
  const environment: Record<string, string> = {
    ...planToEnvironment(plan),
    LOAD_SUMMARY_PATH: LOAD_POD.summaryPath,
    HOME: '/samples',
    K6_NO_USAGE_REPORT: 'true',
    K6_AUTO_EXTENSION_RESOLUTION: 'false',
    ...(remoteWriteUrl === null
      ? {}
      : {
          K6_PROMETHEUS_RW_SERVER_URL: remoteWriteUrl,
          K6_PROMETHEUS_RW_PUSH_INTERVAL: '5s',
          // Quantiles that k6 has computed itself can be added up over neither routes nor time.
          K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: 'true',
        }),
  }
  return {
    name: LOAD_POD.generator,
    image,
    command: [
      'k6',
      'run',
      '--quiet',
      '--log-format',
      'raw',
      '--console-output',
      LOAD_POD.samplesPath,
      ...outputs,
      LOAD_IMAGE.script,
    ],
    env: Object.entries(environment).map(([name, value]) => ({ name, value })),
    // A generator that waits for a core sends late, and its lateness would be read as the target's latency.
    resources: { requests: { cpu: '500m', memory: '256Mi' }, limits: { memory: `${memoryMiB(plan)}Mi` } },
    ...hardened(),
  }
}

/** Room for every virtual user the plan asks for: a generator that dies at the height of a surge has measured nothing. */
function memoryMiB(plan: LoadPlan): number {
  const virtualUsers = Object.values(scenarios(plan)).reduce((sum, { maxVUs }) => sum + maxVUs, 0)
  return Math.max(LEAST_MEMORY_MIB, Math.ceil(virtualUsers * VIRTUAL_USER_MIB))
}

function keeper(image: string): V1Container {
  return {
    name: LOAD_POD.keeper,
    image,
    command: ['sleep', 'infinity'],
    resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } },
    ...hardened(),
  }
}

function hardened(): Pick<V1Container, 'securityContext' | 'volumeMounts'> {
  return {
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: SAMPLES_VOLUME, mountPath: '/samples' }],
  }
}
