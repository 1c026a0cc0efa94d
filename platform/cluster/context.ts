import { CoreV1Api, KubeConfig, StorageV1Api, type V1Node, VersionApi } from '@kubernetes/client-node'
import { UserError } from '../errors.ts'
import { GROUPS, type Group, LABELS, ZONES, type Zone } from '../topology.ts'
import type { Check, Cluster, ClusterAccess, ClusterFacts, ImageReferences, Progress } from './cluster.ts'

const CHECK_TIMEOUT_MS = 20_000

/** Annotation by which Kubernetes marks the storage class used when none is asked for. */
const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class'

/**
 * Says which worker nodes the two groups still lack; empty when the cluster fits.
 * A group needs a Ready node, labelled with the group, in as many zones as the topology has.
 */
export function missingNodes(nodes: readonly V1Node[]): string[] {
  return GROUPS.flatMap(group => {
    const ready = nodes.filter(
      node =>
        node.metadata?.labels?.[LABELS.group] === group &&
        node.status?.conditions?.some(condition => condition.type === 'Ready' && condition.status === 'True'),
    )
    const zones = new Set(ready.flatMap(node => node.metadata?.labels?.[LABELS.zone] ?? []))
    return zones.size >= ZONES.length
      ? []
      : [`group '${group}' has Ready nodes in ${zones.size} of ${ZONES.length} zones`]
  })
}

/** What `doctor` asks of a context: can it be reached, and can both groups be placed? */
export async function contextChecks(cluster: Cluster): Promise<readonly Check[]> {
  const check = 'kube context fits both groups'
  try {
    let found = ''
    await cluster.up(message => {
      found = message
    }, AbortSignal.timeout(CHECK_TIMEOUT_MS))
    return [{ check, ok: true, detail: found, hint: '' }]
  } catch (error) {
    const hint = error instanceof UserError ? error.hint : 'Check that kubectl reaches the context.'
    return [{ check, ok: false, detail: error instanceof Error ? error.message : String(error), hint }]
  }
}

/** A Kubernetes that somebody else runs, named by a context of a kubeconfig. Its nodes are never made, changed or switched off. */
export class ContextCluster implements Cluster {
  readonly powerSwitch = false
  readonly #access: ClusterAccess
  readonly #registry: string | undefined
  readonly #publicImages: boolean
  #facts: ClusterFacts | undefined

  /**
   * @param registry `host/path` that both this machine can push to and the nodes can pull from; only needed to deploy
   * @param publicImages whether the nodes may pull from public registries as well
   * @throws UserError when the kubeconfig has no such context
   */
  constructor(access: ClusterAccess, registry?: string, publicImages = false) {
    this.#access = access
    this.#registry = registry
    this.#publicImages = publicImages
    const names = this.#config()
      .getContexts()
      .map(context => context.name)
    if (!names.includes(access.context)) {
      throw new UserError(
        'CONTEXT_UNKNOWN',
        `Cannot use context '${access.context}': '${access.kubeconfigPath}' has ${names.join(', ') || 'no contexts'}`,
        'Pass --context with one of these names, or set KUBECONFIG to the file that has it.',
      )
    }
  }

  /** @throws Error before `up` has asked the cluster */
  get facts(): ClusterFacts {
    if (!this.#facts)
      throw new Error(`Cannot tell the facts of context '${this.#access.context}': it was not asked yet`)
    return this.#facts
  }

  async up(progress: Progress): Promise<ClusterAccess> {
    const config = this.#config()
    progress(`asking context ${this.#access.context}`)
    const { gitVersion } = await config.makeApiClient(VersionApi).getCode()
    const { items: nodes } = await config.makeApiClient(CoreV1Api).listNode()
    const missing = missingNodes(nodes)
    if (missing.length > 0) {
      throw new UserError(
        'NODES_MISSING',
        `Cannot place the groups in context '${this.#access.context}': ${missing.join('; ')}`,
        `Label and taint worker nodes of three zones for each group: kubectl label node NAME ${LABELS.group}=experiment && kubectl taint node NAME ${LABELS.group}=experiment:NoSchedule`,
      )
    }
    const { items: classes } = await config.makeApiClient(StorageV1Api).listStorageClass()
    const standard = classes.find(one => one.metadata?.annotations?.[DEFAULT_CLASS] === 'true')?.metadata
      ?.name
    if (!standard) {
      throw new UserError(
        'STORAGE_CLASS_MISSING',
        `Cannot store the databases in context '${this.#access.context}': no default storage class among ${classes.length}`,
        `Mark one: kubectl annotate storageclass NAME ${DEFAULT_CLASS}=true`,
      )
    }
    this.#facts = {
      kind: 'context',
      storageClassName: standard,
      nodes: nodes.flatMap(node => node.metadata?.name ?? []),
      publicImages: this.#publicImages,
    }
    progress(`Kubernetes ${gitVersion}, ${nodes.length} nodes`)
    return this.#access
  }

  /** @throws UserError when none was named */
  async registry(): Promise<string> {
    if (this.#registry) return this.#registry
    throw new UserError(
      'NO_REGISTRY',
      `Cannot bring images to context '${this.#access.context}': no registry was named`,
      'Pass --registry HOST/PATH: a registry that you may push to and the nodes may pull from.',
    )
  }

  /** The nodes pull from the registry that the images were pushed to: nothing is left to do. */
  async publish(pushed: ImageReferences): Promise<ImageReferences> {
    return pushed
  }

  /** Nothing of the cluster itself is ours; the lab's objects are removed by `removeAll` of `platform/apply.ts`. */
  async down(): Promise<void> {}

  async powerOff(group: Extract<Group, 'experiment'>, zone: Zone): Promise<void> {
    throw new UserError(
      'NO_POWER_SWITCH',
      `Cannot take the power from zone '${zone}' of group '${group}': context '${this.#access.context}' gives no switch for its nodes`,
      'Use a fault at pod level, or the local cluster.',
    )
  }

  async powerOn(): Promise<void> {}

  async poweredOff(): Promise<readonly string[]> {
    return []
  }

  #config(): KubeConfig {
    const config = new KubeConfig()
    config.loadFromFile(this.#access.kubeconfigPath)
    config.setCurrentContext(this.#access.context)
    return config
  }
}
