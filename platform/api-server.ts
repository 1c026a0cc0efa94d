import http from 'node:http'
import https from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import type { ClusterAccess } from './cluster/cluster.ts'
import { MachineryError } from './errors.ts'
import { kubeConfigOf } from './kube-config.ts'
import type { KubernetesObject } from './manifests/object.ts'

/** Name under which the API server keeps which fields are ours. */
const FIELD_MANAGER = 'divergence'

/** Requests at once; each is a few milliseconds of the API server's time. */
const CONNECTIONS = 8

/** A request that got no answer is sent again so often, so far apart. */
const TRIES = 5
const RETRY_DELAY_MS = 300
const REQUEST_TIMEOUT_MS = 15_000

/** Kinds we make or read: where the API server keeps them. */
const KINDS = {
  Namespace: { api: 'api/v1', plural: 'namespaces', namespaced: false },
  Node: { api: 'api/v1', plural: 'nodes', namespaced: false },
  PersistentVolume: { api: 'api/v1', plural: 'persistentvolumes', namespaced: false },
  ClusterRole: { api: 'apis/rbac.authorization.k8s.io/v1', plural: 'clusterroles', namespaced: false },
  ClusterRoleBinding: {
    api: 'apis/rbac.authorization.k8s.io/v1',
    plural: 'clusterrolebindings',
    namespaced: false,
  },
  PriorityClass: { api: 'apis/scheduling.k8s.io/v1', plural: 'priorityclasses', namespaced: false },
  ValidatingAdmissionPolicy: {
    api: 'apis/admissionregistration.k8s.io/v1',
    plural: 'validatingadmissionpolicies',
    namespaced: false,
  },
  ValidatingAdmissionPolicyBinding: {
    api: 'apis/admissionregistration.k8s.io/v1',
    plural: 'validatingadmissionpolicybindings',
    namespaced: false,
  },
  ConfigMap: { api: 'api/v1', plural: 'configmaps', namespaced: true },
  PersistentVolumeClaim: { api: 'api/v1', plural: 'persistentvolumeclaims', namespaced: true },
  Endpoints: { api: 'api/v1', plural: 'endpoints', namespaced: true },
  Pod: { api: 'api/v1', plural: 'pods', namespaced: true },
  Secret: { api: 'api/v1', plural: 'secrets', namespaced: true },
  Service: { api: 'api/v1', plural: 'services', namespaced: true },
  ServiceAccount: { api: 'api/v1', plural: 'serviceaccounts', namespaced: true },
  DaemonSet: { api: 'apis/apps/v1', plural: 'daemonsets', namespaced: true },
  Deployment: { api: 'apis/apps/v1', plural: 'deployments', namespaced: true },
  StatefulSet: { api: 'apis/apps/v1', plural: 'statefulsets', namespaced: true },
  Job: { api: 'apis/batch/v1', plural: 'jobs', namespaced: true },
  NetworkPolicy: { api: 'apis/networking.k8s.io/v1', plural: 'networkpolicies', namespaced: true },
  PodDisruptionBudget: { api: 'apis/policy/v1', plural: 'poddisruptionbudgets', namespaced: true },
  Role: { api: 'apis/rbac.authorization.k8s.io/v1', plural: 'roles', namespaced: true },
  RoleBinding: { api: 'apis/rbac.authorization.k8s.io/v1', plural: 'rolebindings', namespaced: true },
} as const
export type Kind = keyof typeof KINDS

/** Which object is meant. */
export type Reference = {
  readonly kind: string
  readonly name: string
  readonly namespace?: string | undefined
}

/** An object as the API server tells it; `status` and `spec` are read with care, by those who know the kind. */
export type LiveObject = {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly resourceVersion?: string
    readonly generation?: number
    readonly creationTimestamp?: string
    readonly deletionTimestamp?: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

export type ListScope = {
  readonly namespace?: string
  /** Labels an object must carry, all of them. */
  readonly labels?: Readonly<Record<string, string>>
}

/** The few things we ask of a Kubernetes API server. Every failure is a `MachineryError`. */
export interface ApiServer {
  /** Server-side apply: the object's fields become as given, fields of others stay. */
  apply(object: KubernetesObject): Promise<LiveObject>
  /** @returns undefined when an object of that name was already there; it is left as it is */
  create(object: KubernetesObject): Promise<LiveObject | undefined>
  read(reference: Reference): Promise<LiveObject | undefined>
  list(kind: Kind, scope?: ListScope): Promise<readonly LiveObject[]>
  /**
   * Removes it with all that it made.
   *
   * @param options.graceSeconds how long a pod may take to stop; 0 kills it. Without it, as long as the pod itself says
   * @returns false when it was not there
   */
  remove(reference: Reference, options?: { readonly graceSeconds?: number }): Promise<boolean>
  /** What a pod tells at /metrics on a port of its own. */
  podMetrics(namespace: string, pod: string, port: number): Promise<string>
  /** Last lines of a pod's first container; empty when it has none yet. */
  logTail(namespace: string, pod: string, lines: number): Promise<string>
}

type Answer = { readonly status: number; readonly body: string }

type Call = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly contentType?: string
}

/** Speaks to the API server that a kubeconfig names. Connections are kept, so hundreds of requests take a second. */
export class KubeconfigApiServer implements ApiServer {
  readonly #config: KubeConfig
  readonly #signal: AbortSignal | undefined
  #options: https.RequestOptions | undefined

  constructor(access: ClusterAccess, signal?: AbortSignal) {
    this.#config = kubeConfigOf(access)
    this.#signal = signal
  }

  async apply(object: KubernetesObject): Promise<LiveObject> {
    const path = `${objectPath(referenceOf(object))}?fieldManager=${FIELD_MANAGER}&force=true`
    // YAML's media type; JSON is YAML.
    const call: Call = { method: 'PATCH', path, body: object, contentType: 'application/apply-patch+yaml' }
    return this.#object(call, `apply ${describeReference(referenceOf(object))}`)
  }

  async create(object: KubernetesObject): Promise<LiveObject | undefined> {
    const { kind, namespace } = referenceOf(object)
    const path = `${collectionPath(kind, namespace)}?fieldManager=${FIELD_MANAGER}`
    const answer = await this.#send({ method: 'POST', path, body: object })
    if (answer.status === 409) return undefined
    return parseObject(answer, `create ${describeReference(referenceOf(object))}`)
  }

  async read(reference: Reference): Promise<LiveObject | undefined> {
    const answer = await this.#send({ method: 'GET', path: objectPath(reference) })
    if (answer.status === 404) return undefined
    return parseObject(answer, `read ${describeReference(reference)}`)
  }

  async list(kind: Kind, { namespace, labels = {} }: ListScope = {}): Promise<readonly LiveObject[]> {
    const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
    const query = selector.length > 0 ? `?labelSelector=${encodeURIComponent(selector.join(','))}` : ''
    const path = `${collectionPath(kind, namespace)}${query}`
    const list = await this.#object({ method: 'GET', path }, `list ${KINDS[kind].plural}`)
    // Items of a list do not carry their kind.
    return (list.items as LiveObject[]).map(item => ({ ...item, kind }))
  }

  async remove(
    reference: Reference,
    { graceSeconds }: { readonly graceSeconds?: number } = {},
  ): Promise<boolean> {
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
    }
    const answer = await this.#send({ method: 'DELETE', path: objectPath(reference), body })
    if (answer.status === 404) return false
    parseObject(answer, `remove ${describeReference(reference)}`)
    return true
  }

  async podMetrics(namespace: string, pod: string, port: number): Promise<string> {
    const path = `${objectPath({ kind: 'Pod', name: `${pod}:${port}`, namespace })}/proxy/metrics`
    const answer = await this.#send({ method: 'GET', path })
    if (answer.status === 200) return answer.body
    throw failureOf(answer, `read the metrics of pod ${namespace}/${pod}`)
  }

  async logTail(namespace: string, pod: string, lines: number): Promise<string> {
    const path = `${objectPath({ kind: 'Pod', name: pod, namespace })}/log?tailLines=${lines}`
    const answer = await this.#send({ method: 'GET', path })
    return answer.status === 200 ? answer.body.trimEnd() : ''
  }

  async #object(call: Call, what: string): Promise<LiveObject> {
    return parseObject(await this.#send(call), what)
  }

  /** Every call may be sent twice: applied, read or deleted twice is as good as once, and a second create says 409. */
  async #send(call: Call): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      this.#signal?.throwIfAborted()
      try {
        const answer = await this.#request(call)
        const busy = answer.status === 429 || answer.status === 503 || answer.status === 504
        if (!busy || attempt === TRIES) return answer
      } catch (cause) {
        this.#signal?.throwIfAborted()
        if (attempt === TRIES) {
          throw new MachineryError(
            `Cannot reach the API server at ${this.#server()}: ${cause instanceof Error ? cause.message : String(cause)}, asked ${TRIES} times`,
            'See whether the cluster is up: ./divergence doctor',
            { cause },
          )
        }
      }
      await new Promise(resolve => setTimeout(resolve, RETRY_DELAY_MS * attempt))
    }
  }

  async #request({ method, path, body, contentType = 'application/json' }: Call): Promise<Answer> {
    const options = await this.#requestOptions()
    const payload = Buffer.from(body === undefined ? '' : JSON.stringify(body))
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const server = this.#server()
    const { request: open } = server.startsWith('http:') ? http : https
    const request = open(
      `${server}/${path}`,
      {
        ...options,
        method,
        timeout: REQUEST_TIMEOUT_MS,
        // The length is given because Node sends none with the body of a DELETE.
        headers: {
          ...options.headers,
          accept: 'application/json',
          'content-type': contentType,
          'content-length': payload.length,
        },
        ...(this.#signal ? { signal: this.#signal } : {}),
      },
      response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        )
      },
    )
    request.on('timeout', () => request.destroy(new Error(`no answer within ${REQUEST_TIMEOUT_MS} ms`)))
    request.on('error', reject)
    request.end(payload)
    return promise
  }

  /** Credentials may run out while we work, so they are asked for each time; the connections are ours and stay. */
  async #requestOptions(): Promise<https.RequestOptions> {
    const options: https.RequestOptions = {}
    await this.#config.applyToHTTPSOptions(options)
    const kept = this.#options?.agent
    const { agent } = options
    const plain = agent instanceof https.Agent && agent.constructor === https.Agent
    if (kept) options.agent = kept
    else if (plain) {
      options.agent = new https.Agent({ ...agent.options, keepAlive: true, maxSockets: CONNECTIONS })
    }
    this.#options = options
    return options
  }

  #server(): string {
    const server = this.#config.getCurrentCluster()?.server
    if (server) return server.replace(/\/$/, '')
    throw new MachineryError(
      `Cannot reach an API server: context '${this.#config.getCurrentContext()}' names no cluster`,
      'Name a context of the kubeconfig that has a cluster.',
    )
  }
}

export function referenceOf(object: KubernetesObject | LiveObject): Reference {
  return { kind: object.kind, name: object.metadata.name, namespace: object.metadata.namespace }
}

/** `Deployment control/gateway`, as messages name an object. */
export function describeReference({ kind, name, namespace }: Reference): string {
  return namespace ? `${kind} ${namespace}/${name}` : `${kind} ${name}`
}

export function isNamespaced(kind: string): boolean {
  return kindOf(kind).namespaced
}

function objectPath({ kind, name, namespace }: Reference): string {
  return `${collectionPath(kind, namespace)}/${name}`
}

function collectionPath(kind: string, namespace: string | undefined): string {
  const { api, plural, namespaced } = kindOf(kind)
  return namespaced && namespace ? `${api}/namespaces/${namespace}/${plural}` : `${api}/${plural}`
}

function kindOf(kind: string) {
  if (Object.hasOwn(KINDS, kind)) return KINDS[kind as Kind]
  throw new RangeError(`Cannot speak of kind '${kind}': known are ${Object.keys(KINDS).join(', ')}`)
}

function parseObject({ status, body }: Answer, what: string): LiveObject {
  if (status >= 200 && status < 300) return JSON.parse(body) as LiveObject
  throw failureOf({ status, body }, what)
}

function failureOf({ status, body }: Answer, what: string): MachineryError {
  let reason = body.slice(0, 500)
  try {
    reason = (JSON.parse(body) as { message?: string }).message ?? reason
  } catch {
    // A proxy before the API server answers in its own words: they are the reason.
  }
  return new MachineryError(
    `Cannot ${what}: the API server said ${status}, ${reason}`,
    status === 401 || status === 403
      ? 'Use a context whose user may manage namespaces, workloads and roles.'
      : 'See what the message names: kubectl describe shows more.',
  )
}
