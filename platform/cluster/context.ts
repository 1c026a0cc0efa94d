import {
  type ConfigurationOptions,
  CoreV1Api,
  createConfiguration,
  type Middleware,
  StorageV1Api,
  type V1Node,
  VersionApi,
} from '@kubernetes/client-node'
import { MachineryError, UserError } from '../errors.ts'
import { kubeConfigOf, reasonOf } from '../kube-config.ts'
import { GROUPS, type Group, LABELS, labZoneOf, ZONES, type Zone } from '../topology.ts'
import type { Check, Cluster, ClusterAccess, ClusterFacts, ImageReferences, Progress } from './cluster.ts'

/** Longest wait for an answer of an API server or a registry, milliseconds. */
const ANSWER_LIMIT_MS = 20_000

/** Annotation by which Kubernetes marks the storage class used when none is asked for. */
const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class'

/**
 * Says which worker nodes the two groups still lack; empty when the cluster fits.
 * A group needs a Ready node, labelled with the group, in each zone of the lab.
 */
export function missingNodes(nodes: readonly V1Node[]): string[] {
  return GROUPS.flatMap(group => {
    const ready = nodes.filter(
      node =>
        node.metadata?.labels?.[LABELS.group] === group &&
        node.status?.conditions?.some(condition => condition.type === 'Ready' && condition.status === 'True'),
    )
    const missing = ZONES.filter(zone => !ready.some(node => labZoneOf(node.metadata?.labels) === zone))
    return missing.length === 0 ? [] : [`group '${group}' has no Ready node in zone ${missing.join(', ')}`]
  })
}

/**
 * What `doctor` asks of a context: can it be reached, can both groups be placed, and does the registry answer?
 *
 * @param registry `HOST/PATH` that images are to be pushed to, where it was named
 */
export async function contextChecks(
  cluster: Pick<Cluster, 'up'>,
  registry: string | undefined,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  return Promise.all([placeCheck(cluster, signal), registryCheck(registry, signal)])
}

async function placeCheck(cluster: Pick<Cluster, 'up'>, signal: AbortSignal): Promise<Check> {
  const check = 'kube context fits both groups'
  try {
    let found = ''
    await cluster.up(message => {
      found = message
    }, signal)
    return { check, ok: true, detail: found, hint: '' }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof UserError || error instanceof MachineryError)) throw error
    return { check, ok: false, detail: error.message, hint: error.hint }
  }
}

/** A registry that wants to know who asks is one: `docker push` knows. */
async function registryCheck(registry: string | undefined, signal: AbortSignal): Promise<Check> {
  const check = 'registry'
  if (registry === undefined) {
    return { check, ok: true, detail: 'none named: up needs one, --registry HOST/PATH', hint: '' }
  }
  const [host = ''] = registry.split('/')
  // Docker speaks plain HTTP with registries on this machine by itself, with others when it was told to.
  for (const scheme of ['https', 'http']) {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_LIMIT_MS / 2)])
    const answer = await fetch(`${scheme}://${host}/v2/`, { signal: limited }).catch(() => undefined)
    signal.throwIfAborted()
    await answer?.body?.cancel()
    if (answer && (answer.ok || answer.status === 401)) {
      const who = answer.ok ? 'answers' : 'answers, and asks for a login'
      return { check, ok: true, detail: `${host} ${who} (${scheme})`, hint: '' }
    }
  }
  return {
    check,
    ok: false,
    detail: `${host} does not answer as a registry does`,
    hint: `See whether it runs and this machine reaches it: curl https://${host}/v2/`,
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
   * @throws UserError when there is no such kubeconfig, or it has no such context
   */
  constructor(access: ClusterAccess, registry?: string, publicImages = false) {
    this.#access = access
    this.#registry = registry
    this.#publicImages = publicImages
    kubeConfigOf(access)
  }

  /** @throws Error before `up` has asked the cluster */
  get facts(): ClusterFacts {
    if (!this.#facts)
      throw new Error(`Cannot tell the facts of context '${this.#access.context}': it was not asked yet`)
    return this.#facts
  }

  /**
   * @throws UserError when the groups have no place there
   * @throws MachineryError when the API server does not answer
   */
  async up(progress: Progress, signal: AbortSignal): Promise<ClusterAccess> {
    const config = kubeConfigOf(this.#access)
    progress(`asking context ${this.#access.context}`)
    const { gitVersion } = await this.#ask(signal, options =>
      config.makeApiClient(VersionApi).getCode({}, options),
    )
    const { items: nodes } = await this.#ask(signal, options =>
      config.makeApiClient(CoreV1Api).listNode({}, options),
    )
    const missing = missingNodes(nodes)
    if (missing.length > 0) {
      throw new UserError(
        'NODES_MISSING',
        `Cannot place the groups in context '${this.#access.context}': ${missing.join('; ')}`,
        `Label and taint a worker node of each zone for each group: kubectl label node NAME ${LABELS.group}=experiment ${LABELS.labZone}=a && kubectl taint node NAME ${LABELS.group}=experiment:NoSchedule`,
      )
    }
    const { items: classes } = await this.#ask(signal, options =>
      config.makeApiClient(StorageV1Api).listStorageClass({}, options),
    )
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

  /** One question to the API server, which has to answer in time. */
  async #ask<T>(signal: AbortSignal, question: (options: ConfigurationOptions) => Promise<T>): Promise<T> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_LIMIT_MS)])
    const abortable: Middleware = {
      pre: async request => {
        request.setSignal(limited)
        return request
      },
      post: async answer => answer,
    }
    try {
      const { middleware } = createConfiguration({ promiseMiddleware: [abortable] })
      return await question({ middleware, middlewareMergeStrategy: 'append' })
    } catch (cause) {
      signal.throwIfAborted()
      const { context } = this.#access
      throw new MachineryError(
        `Cannot use context '${context}': ${limited.aborted ? `no answer within ${ANSWER_LIMIT_MS / 1000} s` : reasonOf(cause)}`,
        `See what kubectl says: kubectl --context '${context}' get nodes`,
        { cause },
      )
    }
  }
}
