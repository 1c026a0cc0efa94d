import { createServer, type Server } from 'node:http'
import {
  AppsV1Api,
  BatchV1Api,
  CoreV1Api,
  type KubeConfig,
  type KubernetesObject,
  PolicyV1Api,
  type V1Deployment,
  type V1Job,
  type V1Node,
  type V1Pod,
  type V1PodDisruptionBudget,
  type V1StatefulSet,
} from '@kubernetes/client-node'
import { type Family, type Identity, renderFamilies } from './family.ts'
import { NODE_FAMILIES, nodeIdentity } from './nodes.ts'
import { POD_FAMILIES, podIdentity } from './pods.ts'
import type { TargetGroup } from './probes.ts'
import { TARGET_NAMES, targetGroups } from './targets.ts'
import { type Backoff, type Listing, Watched, type WatchObserver } from './watched.ts'
import {
  DEPLOYMENT_FAMILIES,
  DISRUPTION_BUDGET_FAMILIES,
  JOB_FAMILIES,
  STATEFUL_SET_FAMILIES,
  workloadIdentity,
} from './workloads.ts'

/** One kind of object: its collections, and what is told of its objects. */
type Kind = {
  readonly collections: readonly Pick<Watched<KubernetesObject>, 'start' | 'stop' | 'synced'>[]
  readonly render: () => string
}

function kind<Subject extends KubernetesObject>(
  collections: readonly Watched<Subject>[],
  families: readonly Family<Subject>[],
  identityOf: (subject: Subject) => Identity,
): Kind {
  const subjects = () => collections.flatMap(collection => collection.objects())
  return { collections, render: () => renderFamilies(families, subjects(), identityOf) }
}

export type Exporter = {
  readonly start: () => void
  readonly stop: () => Promise<void>
  /** Whether every collection was read once. */
  readonly isReady: () => boolean
  /** All metrics in the Prometheus text format. */
  readonly metrics: () => string
  /** What Prometheus scrapes of one service; see targets.ts. */
  readonly targets: (name: string) => readonly TargetGroup[]
}

/** Watches the objects of `namespaces` and all nodes by the API server of `config`. */
export function makeExporter(
  config: KubeConfig,
  namespaces: readonly string[],
  observer: WatchObserver,
  backoff: Backoff,
): Exporter {
  const core = config.makeApiClient(CoreV1Api)
  const apps = config.makeApiClient(AppsV1Api)
  const batch = config.makeApiClient(BatchV1Api)
  const policy = config.makeApiClient(PolicyV1Api)
  const watch = <Subject extends KubernetesObject>(listing: Listing<Subject>) =>
    new Watched(config, listing, observer, backoff)
  const inNamespaces = <Subject extends KubernetesObject>(
    api: string,
    resource: string,
    list: (namespace: string) => Listing<Subject>['list'],
  ) =>
    namespaces.map(namespace =>
      watch<Subject>({ path: `${api}/namespaces/${namespace}/${resource}`, list: list(namespace) }),
    )

  const nodes = watch<V1Node>({ path: '/api/v1/nodes', list: () => core.listNode() })
  const pods = inNamespaces<V1Pod>(
    '/api/v1',
    'pods',
    namespace => () => core.listNamespacedPod({ namespace }),
  )
  const kinds: readonly Kind[] = [
    kind<V1Node>([nodes], NODE_FAMILIES, nodeIdentity),
    kind<V1Pod>(pods, POD_FAMILIES, podIdentity),
    kind<V1Deployment>(
      inNamespaces(
        '/apis/apps/v1',
        'deployments',
        namespace => () => apps.listNamespacedDeployment({ namespace }),
      ),
      DEPLOYMENT_FAMILIES,
      workloadIdentity('deployment'),
    ),
    kind<V1StatefulSet>(
      inNamespaces(
        '/apis/apps/v1',
        'statefulsets',
        namespace => () => apps.listNamespacedStatefulSet({ namespace }),
      ),
      STATEFUL_SET_FAMILIES,
      workloadIdentity('statefulset'),
    ),
    kind<V1Job>(
      inNamespaces('/apis/batch/v1', 'jobs', namespace => () => batch.listNamespacedJob({ namespace })),
      JOB_FAMILIES,
      workloadIdentity('job_name'),
    ),
    kind<V1PodDisruptionBudget>(
      inNamespaces(
        '/apis/policy/v1',
        'poddisruptionbudgets',
        namespace => () => policy.listNamespacedPodDisruptionBudget({ namespace }),
      ),
      DISRUPTION_BUDGET_FAMILIES,
      workloadIdentity('poddisruptionbudget'),
    ),
  ]
  const all = kinds.flatMap(({ collections }) => collections)
  return {
    start: () => {
      for (const collection of all) collection.start()
    },
    stop: async () => {
      await Promise.all(all.map(collection => collection.stop()))
    },
    isReady: () => all.every(collection => collection.synced),
    metrics: () => kinds.map(({ render }) => render()).join(''),
    targets: name =>
      targetGroups(
        name,
        pods.flatMap(collection => collection.objects()),
        nodes.objects(),
      ),
  }
}

/** Serves /metrics, /targets/<service>, /healthz and /readyz. Until everything was read once /metrics says 503: half the truth is none. */
export function makeExporterServer(
  exporter: Exporter,
  log: (event: string, fields: Readonly<Record<string, unknown>>) => void,
): Server {
  return createServer((request, response) => {
    const answer = (status: number, body = '') => {
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(body)
    }
    if (request.url === '/healthz') return answer(200)
    if (request.url === '/readyz') return answer(exporter.isReady() ? 200 : 503)
    const name = TARGET_NAMES.find(each => request.url === `/targets/${each}`)
    if (name === undefined && request.url !== '/metrics') return answer(404)
    if (!exporter.isReady()) return answer(503, 'not everything was read yet\n')
    try {
      if (name !== undefined) {
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify(exporter.targets(name)))
        return
      }
      answer(200, exporter.metrics())
    } catch (error) {
      log('metrics failed', { error: String(error) })
      answer(500)
    }
  })
}
