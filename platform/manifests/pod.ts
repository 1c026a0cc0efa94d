import type {
  V1Container,
  V1PodSpec,
  V1Probe,
  V1ResourceRequirements,
  V1Toleration,
} from '@kubernetes/client-node'
import type { ImageReferences } from '../cluster/cluster.ts'
import { MachineryError } from '../errors.ts'
import { GROUPS, type Group, type ImageName, LABELS, type Resources } from '../topology.ts'
import { selectorLabels } from './object.ts'

/** User and group of every process but Postgres; no file in an image belongs to it, so it can change none. */
export const USER_ID = 10001

/** How long a pod goes on serving after it was told to stop, so that every client has seen it leave, seconds. */
const DRAIN_SECONDS = 2

/** Reference of an image by name; a name without one is our own mistake. */
export function imageReference(images: ImageReferences, name: ImageName): string {
  const reference = images[name]
  if (reference !== undefined) return reference
  throw new MachineryError(
    `Cannot render a pod of image '${name}': it was not published, published are ${Object.keys(images).join(', ') || 'none'}`,
    'Publish every image of platform/topology.ts before rendering.',
  )
}

export function resourceRequirements(resources: Resources): V1ResourceRequirements {
  const { cpuRequest, cpuLimit, memoryRequestMiB, memoryLimitMiB } = resources
  return {
    requests: { cpu: milliCores(cpuRequest), memory: `${memoryRequestMiB}Mi` },
    limits: {
      ...(cpuLimit === undefined ? {} : { cpu: milliCores(cpuLimit) }),
      memory: `${memoryLimitMiB}Mi`,
    },
  }
}

function milliCores(cores: number): string {
  return `${Math.round(cores * 1000)}m`
}

/**
 * Container fields that are the same everywhere: what the `restricted` pod security standard asks for, a root file
 * system nobody can write, and the last lines of the log as the reason when a container fails.
 */
export const CONTAINER_DEFAULTS = {
  imagePullPolicy: 'IfNotPresent',
  terminationMessagePolicy: 'FallbackToLogsOnError',
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    privileged: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
  },
} satisfies Partial<V1Container>

/** Pod fields that are the same everywhere. */
export function basePod(userId: number = USER_ID): Omit<V1PodSpec, 'containers'> {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: userId,
      runAsGroup: userId,
      fsGroup: userId,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
  }
}

/**
 * Pods of a group live on the group's own nodes and on no others. They are never evicted from a node that is gone:
 * their data and their zone are there, and they are back seconds after it is.
 */
export function inGroup(group: Group): Pick<V1PodSpec, 'nodeSelector' | 'tolerations'> {
  return {
    nodeSelector: { [LABELS.group]: group },
    tolerations: [
      { key: LABELS.group, operator: 'Equal', value: group, effect: 'NoSchedule' },
      ...WAIT_FOR_THE_NODE,
    ],
  }
}

const WAIT_FOR_THE_NODE: V1Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
]

/**
 * Shared services, edges and load: on nodes of neither group, where no fault reaches. Said by exclusion, because
 * on a cluster that somebody else runs such nodes carry no label of ours.
 */
export function outsideTheGroups(): Pick<V1PodSpec, 'affinity'> {
  const notOfAGroup = { key: LABELS.group, operator: 'NotIn', values: [...GROUPS] }
  return {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [notOfAGroup] }],
        },
      },
    },
  }
}

/**
 * One pod a zone. `Honor` leaves a dead zone's tainted node out of the count, or no pod could be placed while it is down;
 * `revisionLabel` counts only pods of one revision, or a rolling update would have no zone to go to.
 */
export function onePerZone(
  group: Group,
  service: string,
  revisionLabel?: string,
): Pick<V1PodSpec, 'topologySpreadConstraints'> {
  return {
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: LABELS.zone,
        whenUnsatisfiable: 'DoNotSchedule',
        nodeTaintsPolicy: 'Honor',
        labelSelector: { matchLabels: selectorLabels(group, service) },
        ...(revisionLabel ? { matchLabelKeys: [revisionLabel] } : {}),
      },
    ],
  }
}

/** Label by which a Deployment tells its revisions apart. */
export const DEPLOYMENT_REVISION = 'pod-template-hash'

/** Full names are used throughout, so one lookup is one query; a lost answer is asked for again after a second. */
export const QUICK_DNS: Pick<V1PodSpec, 'dnsConfig'> = {
  dnsConfig: {
    options: [
      { name: 'ndots', value: '1' },
      { name: 'timeout', value: '1' },
      { name: 'attempts', value: '2' },
    ],
  },
}

/** Keeps serving while clients learn that this pod leaves. */
export const DRAIN_FIRST: Pick<V1Container, 'lifecycle'> = {
  lifecycle: { preStop: { sleep: { seconds: DRAIN_SECONDS } } },
}

export type HttpProbes = {
  readonly port: number
  readonly readyPath: string
  readonly alivePath: string
  /** Asked until it answers for the first time; without it, `alivePath`. */
  readonly startPath?: string
  /** How long the process may take to answer for the first time, seconds. */
  readonly startSeconds: number
}

/**
 * Ready within a second of being ready; restarted only after half a minute without an answer, because a busy machine
 * must not be mistaken for a dead process.
 */
export function httpProbes(
  probes: HttpProbes,
): Pick<V1Container, 'startupProbe' | 'readinessProbe' | 'livenessProbe'> {
  const { port, readyPath, alivePath, startPath = alivePath, startSeconds } = probes
  const get = (path: string): V1Probe => ({ httpGet: { path, port } })
  return {
    startupProbe: { ...get(startPath), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: startSeconds },
    readinessProbe: { ...get(readyPath), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 2 },
    livenessProbe: { ...get(alivePath), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
  }
}

/** Scratch space in memory or on the node's disk; the only places a container can write to. */
export function scratch(
  name: string,
  mountPath: string,
  sizeMiB: number,
  medium?: 'Memory',
): {
  volume: NonNullable<V1PodSpec['volumes']>[number]
  mount: NonNullable<V1Container['volumeMounts']>[number]
} {
  return {
    volume: { name, emptyDir: { sizeLimit: `${sizeMiB}Mi`, ...(medium ? { medium } : {}) } },
    mount: { name, mountPath },
  }
}

/** Environment variable with a fixed value. */
export function env(name: string, value: string | number): { name: string; value: string } {
  return { name, value: String(value) }
}

/** Environment variable read from a field of the pod. */
export function envFromField(
  name: string,
  fieldPath: string,
): { name: string; valueFrom: { fieldRef: { fieldPath: string } } } {
  return { name, valueFrom: { fieldRef: { fieldPath } } }
}

/** Environment variable read from a Secret; the value is never rendered. */
export function envFromSecret(
  name: string,
  secretName: string,
  key: string,
): { name: string; valueFrom: { secretKeyRef: { name: string; key: string } } } {
  return { name, valueFrom: { secretKeyRef: { name: secretName, key } } }
}
