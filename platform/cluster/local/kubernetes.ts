import { createHash } from 'node:crypto'
import https from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { MachineryError } from '../../errors.ts'
import type { Progress } from '../cluster.ts'
import { docker } from './docker.ts'
import { diskName, type KubernetesManifest } from './facilities.ts'
import type { Pki } from './pki.ts'
import { CONTROL_PLANE, HOST_PORTS, type NodePlan, ZONAL_DISK } from './plan.ts'

/** Where this machine reaches the API server. */
export const API_ADDRESS = `https://127.0.0.1:${HOST_PORTS.api}`

/** Longest wait for the API server, milliseconds; it takes 3 s on an idle reference machine. */
const API_LIMIT_MS = 120_000
/** Longest wait for nodes and facilities, milliseconds. */
const NODES_LIMIT_MS = 180_000
const POLL_MS = 200

/** Marks what was applied, in the cluster itself: a new cluster has none. */
const APPLIED = { namespace: 'kube-system', name: 'divergence-facilities' } as const

type NodeStatus = {
  readonly metadata: { readonly name: string }
  readonly status: {
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly lastHeartbeatTime: string
    }[]
  }
}

type PodStatus = {
  readonly spec: { readonly nodeName?: string }
  readonly status: {
    readonly containerStatuses?: readonly {
      readonly ready: boolean
      readonly state?: { readonly running?: { readonly startedAt: string } }
    }[]
  }
}

/** Label of the pods of the name servers. */
const DNS_PODS = 'k8s-app=kube-dns'

/** The few questions the cluster's own machinery asks the API server; the lab's objects are `platform/apply.ts`'s. */
export class LocalKubernetes {
  readonly #agent: https.Agent

  private constructor(agent: https.Agent) {
    this.#agent = agent
  }

  static async connect(pki: Pki): Promise<LocalKubernetes> {
    const [ca, cert, key] = await Promise.all([
      pki.read('ca.crt'),
      pki.read('admin.crt'),
      pki.read('admin.key'),
    ])
    return new LocalKubernetes(new https.Agent({ ca, cert, key, keepAlive: true }))
  }

  close(): void {
    this.#agent.destroy()
  }

  /** Ready, and with the namespace that it makes for its own only after that. */
  async waitForApi(signal: AbortSignal): Promise<void> {
    await until(API_LIMIT_MS, signal, async () => {
      for (const path of ['/readyz', `/api/v1/namespaces/${APPLIED.namespace}`]) {
        const answer = await this.#get(path, signal)
        if (answer?.status !== 200) return `the API server at ${API_ADDRESS} (${path})`
      }
      return undefined
    })
  }

  /** Applies the manifests, unless these very ones were applied before. */
  async applyFacilities(manifests: readonly KubernetesManifest[], signal: AbortSignal): Promise<void> {
    const hash = createHash('sha256').update(JSON.stringify(manifests)).digest('hex')
    const { namespace, name } = APPLIED
    const mark = await this.#get(`/api/v1/namespaces/${namespace}/configmaps/${name}`, signal)
    if (mark?.status === 200 && (JSON.parse(mark.body) as { data: { hash: string } }).data.hash === hash)
      return
    await this.#apply(manifests, signal)
    // Last, and by itself: a mark must never stand for what was not applied.
    await this.#apply([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: APPLIED, data: { hash } }], signal)
  }

  /**
   * Waits until every node is Ready and answers names.
   *
   * @param since milliseconds; a node's word from before that time does not count
   */
  async waitForNodes(
    nodes: readonly NodePlan[],
    since: ReadonlyMap<string, number>,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<void> {
    let told = ''
    await until(NODES_LIMIT_MS, signal, async () => {
      const waiting = await this.#waitingFor(nodes, since, signal)
      if (waiting && waiting !== told) progress(`waiting for ${waiting}`)
      told = waiting ?? ''
      return waiting
    })
  }

  /** Makes disks whose claim is gone usable again: emptied, and free for the next claim. */
  async recycleDisks(nodes: readonly NodePlan[], progress: Progress, signal: AbortSignal): Promise<void> {
    const answer = await this.#get('/api/v1/persistentvolumes', signal)
    if (answer?.status !== 200) return
    type Volume = { metadata: { name: string }; status: { phase: string } }
    const { items } = JSON.parse(answer.body) as { items: readonly Volume[] }
    for (const node of nodes) {
      const volume = items.find(each => each.metadata.name === diskName(node.name))
      if (volume?.status.phase !== 'Released') continue
      progress(`emptying the disk of ${node.name}: its claim is gone`)
      await docker(['exec', node.container, 'find', ZONAL_DISK.path, '-mindepth', '1', '-delete'], { signal })
      await this.#kubectl(
        [
          'patch',
          'persistentvolume',
          diskName(node.name),
          '--type=merge',
          '--patch={"spec":{"claimRef":null}}',
        ],
        signal,
      )
    }
  }

  async #waitingFor(
    nodes: readonly NodePlan[],
    since: ReadonlyMap<string, number>,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const [nodeList, podList] = await Promise.all([
      this.#get('/api/v1/nodes', signal),
      this.#get(`/api/v1/namespaces/kube-system/pods?labelSelector=${encodeURIComponent(DNS_PODS)}`, signal),
    ])
    if (nodeList?.status !== 200 || podList?.status !== 200) return 'the API server'
    const { items } = JSON.parse(nodeList.body) as { items: readonly NodeStatus[] }
    const sinceOf = ({ name }: NodePlan) => since.get(name) ?? 0
    const missing = nodes.filter(node => !isReady(items, node.name, sinceOf(node)))
    if (missing.length > 0) return `nodes ${missing.map(node => node.name).join(', ')}`
    const { items: pods } = JSON.parse(podList.body) as { items: readonly PodStatus[] }
    const answering = nodes.filter(node => hasReadyPod(pods, node.name, sinceOf(node))).length
    return answering < nodes.length ? `name servers (${answering} of ${nodes.length} nodes)` : undefined
  }

  #apply(manifests: readonly KubernetesManifest[], signal: AbortSignal): Promise<string> {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests })
    return this.#kubectl(['apply', '--server-side', '--force-conflicts', '--filename=-'], signal, input)
  }

  /** kubectl is in the control plane's container: none is needed on the machine. */
  #kubectl(args: readonly string[], signal: AbortSignal, input?: string): Promise<string> {
    return docker(['exec', '--interactive', CONTROL_PLANE.container, 'kubectl', ...args], {
      signal,
      ...(input === undefined ? {} : { input }),
      hint: `See what the API server says: docker exec ${CONTROL_PLANE.container} tail /var/log/kube-apiserver.log`,
    })
  }

  /** @returns undefined when nobody answers */
  #get(path: string, signal: AbortSignal): Promise<{ status: number; body: string } | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string } | undefined>()
    const request = https.get(
      `${API_ADDRESS}${path}`,
      { agent: this.#agent, signal, timeout: 5_000 },
      response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.on('error', () => resolve(undefined))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        )
      },
    )
    request.on('timeout', () => request.destroy())
    request.on('error', () => (signal.aborted ? reject(signal.reason) : resolve(undefined)))
    return promise
  }
}

/** @param since milliseconds */
export function isReady(nodes: readonly NodeStatus[], name: string, since: number): boolean {
  const node = nodes.find(each => each.metadata.name === name)
  const ready = node?.status.conditions?.find(each => each.type === 'Ready')
  return ready?.status === 'True' && isFrom(ready.lastHeartbeatTime, since)
}

/** A node that was started anew has pods whose last word is from before. @param since milliseconds */
export function hasReadyPod(pods: readonly PodStatus[], nodeName: string, since: number): boolean {
  return pods.some(
    ({ spec, status }) =>
      spec.nodeName === nodeName &&
      (status.containerStatuses ?? []).some(
        ({ ready, state }) => ready && state?.running !== undefined && isFrom(state.running.startedAt, since),
      ),
  )
}

/** Kubernetes tells whole seconds. */
function isFrom(toldAt: string, since: number): boolean {
  return Date.parse(toldAt) >= Math.floor(since / 1000) * 1000
}

/** @param check what is still missing, or undefined when nothing is */
async function until(
  limitMs: number,
  signal: AbortSignal,
  check: () => Promise<string | undefined>,
): Promise<void> {
  const giveUpAt = Date.now() + limitMs
  while (true) {
    const missing = await check()
    if (missing === undefined) return
    if (Date.now() > giveUpAt) {
      throw new MachineryError(
        `Cannot bring the cluster up: after ${limitMs / 1000} s still waiting for ${missing}`,
        `Logs of a node's programs: docker exec divergence-system tail /var/log/kubelet.log; of the control plane: docker exec ${CONTROL_PLANE.container} ls /var/log`,
      )
    }
    await sleep(POLL_MS, undefined, { signal })
  }
}
