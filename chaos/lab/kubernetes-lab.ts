import {
  ApiException,
  AppsV1Api,
  BatchV1Api,
  CoreV1Api,
  type Informer,
  type KubeConfig,
  type KubernetesObject,
  makeInformer,
  PolicyV1Api,
  type V1Node,
  type V1Pod,
} from '@kubernetes/client-node'
import { RUN_LABEL } from '../../load/job.ts'
import { GROUPS, LABELS, SHARED_NAMESPACE } from '../../platform/topology.ts'
import type { TimelineEvent } from '../journal-entry.ts'
import { nodeChange, podChange } from '../measurement/changes.ts'
import type { Clock, LabReader, LabWatcher, PodKiller } from './roles.ts'
import type { NodeView, PodView } from './view.ts'
import { nodeView, podView, serviceView, workloadView } from './views-from-kubernetes.ts'

/** A watch that broke is begun again after this time. */
const WATCH_AGAIN_AFTER_MS = 1_000

/** Only what this project made is looked at. */
const OURS = `${LABELS.partOf}=${LABELS.product}`

/** The lab as the API server tells it. */
export class KubernetesLab implements LabReader, LabWatcher, PodKiller {
  readonly #config: KubeConfig
  readonly #core: CoreV1Api
  readonly #apps: AppsV1Api
  readonly #batch: BatchV1Api
  readonly #policy: PolicyV1Api
  readonly #clock: Clock

  constructor(config: KubeConfig, clock: Clock) {
    this.#config = config
    this.#core = config.makeApiClient(CoreV1Api)
    this.#apps = config.makeApiClient(AppsV1Api)
    this.#batch = config.makeApiClient(BatchV1Api)
    this.#policy = config.makeApiClient(PolicyV1Api)
    this.#clock = clock
  }

  async view() {
    const [nodes, pods, services, deployments, statefulSets, budgets, jobs] = await Promise.all([
      this.#core.listNode({ labelSelector: LABELS.group }),
      Promise.all(GROUPS.map(namespace => this.#core.listNamespacedPod({ namespace, labelSelector: OURS }))),
      Promise.all(
        GROUPS.map(namespace => this.#core.listNamespacedService({ namespace, labelSelector: OURS })),
      ),
      Promise.all(
        GROUPS.map(namespace => this.#apps.listNamespacedDeployment({ namespace, labelSelector: OURS })),
      ),
      Promise.all(
        GROUPS.map(namespace => this.#apps.listNamespacedStatefulSet({ namespace, labelSelector: OURS })),
      ),
      Promise.all(GROUPS.map(namespace => this.#policy.listNamespacedPodDisruptionBudget({ namespace }))),
      this.#batch.listNamespacedJob({ namespace: SHARED_NAMESPACE, labelSelector: RUN_LABEL }),
    ])
    return {
      nodes: nodes.items.map(nodeView),
      pods: pods.flatMap(list => list.items.map(podView)),
      services: services.flatMap(list => list.items.map(serviceView)),
      workloads: [
        ...deployments.flatMap(list => list.items.map(item => workloadView('deployments', item))),
        ...statefulSets.flatMap(list => list.items.map(item => workloadView('statefulsets', item))),
      ],
      disruptionBudgets: budgets.flatMap(list =>
        list.items.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`),
      ),
      loadJobs: jobs.items.map(job => job.metadata?.name ?? ''),
    }
  }

  async node(name: string): Promise<NodeView | null> {
    const node = await orNull(this.#core.readNode({ name }))
    return node === null ? null : nodeView(node)
  }

  async pod(namespace: string, name: string): Promise<PodView | null> {
    const pod = await orNull(this.#core.readNamespacedPod({ namespace, name }))
    return pod === null ? null : podView(pod)
  }

  async deletePod({
    namespace,
    name,
    uid,
    graceSeconds,
  }: Parameters<PodKiller['deletePod']>[0]): Promise<void> {
    await this.#core.deleteNamespacedPod({
      namespace,
      name,
      body: { gracePeriodSeconds: graceSeconds, preconditions: { uid } },
    })
  }

  async watch(onEvent: (event: TimelineEvent) => void, signal: AbortSignal): Promise<void> {
    const nodes = new Map<string, NodeView>()
    const pods = new Map<string, PodView>()
    const now = () => this.#clock.nowMs()
    // What is there when the watch begins is no event.
    let isLive = false
    const tell = (events: readonly TimelineEvent[]) => {
      if (isLive) for (const event of events) onEvent(event)
    }
    const onNode = (node: V1Node, isGone: boolean) => {
      const after = nodeView(node)
      const before = nodes.get(after.uid) ?? null
      if (isGone) nodes.delete(after.uid)
      else nodes.set(after.uid, after)
      tell(nodeChange(before, isGone ? null : after, now()))
    }
    const onPod = (pod: V1Pod, isGone: boolean) => {
      const after = podView(pod)
      const before = pods.get(after.uid) ?? null
      if (isGone) pods.delete(after.uid)
      else pods.set(after.uid, after)
      tell(podChange(before, isGone ? null : after, [...nodes.values()], now()))
    }
    await this.#inform(
      '/api/v1/nodes',
      () => this.#core.listNode({ labelSelector: LABELS.group }),
      LABELS.group,
      onNode,
      signal,
    )
    for (const namespace of GROUPS) {
      const list = () => this.#core.listNamespacedPod({ namespace, labelSelector: OURS })
      await this.#inform(`/api/v1/namespaces/${namespace}/pods`, list, OURS, onPod, signal)
    }
    isLive = true
  }

  async #inform<T extends KubernetesObject>(
    path: string,
    list: Parameters<typeof makeInformer<T>>[2],
    labelSelector: string,
    onChange: (object: T, isGone: boolean) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const informer: Informer<T> = makeInformer<T>(this.#config, path, list, labelSelector)
    informer.on('add', object => onChange(object, false))
    informer.on('update', object => onChange(object, false))
    informer.on('delete', object => onChange(object, true))
    const start = () =>
      informer.start().catch(() => {
        again()
      })
    const again = () => {
      if (signal.aborted) return
      this.#clock.sleep(WATCH_AGAIN_AFTER_MS, signal).then(start, () => undefined)
    }
    informer.on('error', again)
    signal.addEventListener('abort', () => void informer.stop(), { once: true })
    await start()
  }
}

/** Not found is an answer; everything else is an error. */
async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof ApiException && error.code === 404) return null
    throw error
  }
}
