import {
  type ApiServer,
  describeReference,
  type Kind,
  type ListScope,
  type LiveObject,
  type Reference,
  referenceOf,
} from './api-server.ts'
import type { KubernetesObject } from './manifests/object.ts'

/** Keeps objects in memory and records what was asked of it. Counts generations and versions as the real one does. */
export class FakeApiServer implements ApiServer {
  readonly objects = new Map<string, LiveObject>()
  /** `apply Deployment control/gateway`, in the order of the calls. */
  readonly calls: string[] = []
  readonly logs = new Map<string, string>()
  /** What a pod tells at /metrics, by namespace and name. */
  metrics: (pod: string) => string = () => ''
  /** What becomes of an applied object, such as a Job that is done at once. */
  onApply: (object: LiveObject) => LiveObject = object => object
  #version = 0

  put(object: LiveObject): void {
    this.objects.set(describeReference(referenceOf(object)), object)
  }

  async apply(object: KubernetesObject): Promise<LiveObject> {
    const name = describeReference(referenceOf(object))
    this.calls.push(`apply ${name}`)
    const before = this.objects.get(name)
    const same = before && JSON.stringify(contentOf(before)) === JSON.stringify(contentOf(object))
    if (before && same) return before
    const generation = (before?.metadata.generation ?? 0) + 1
    const versioned = { ...object.metadata, uid: name, resourceVersion: String(++this.#version), generation }
    const live = this.onApply({ ...object, metadata: versioned })
    this.objects.set(name, live)
    return live
  }

  async create(object: KubernetesObject): Promise<LiveObject | undefined> {
    const name = describeReference(referenceOf(object))
    if (this.objects.has(name)) return undefined
    return this.apply(object)
  }

  async read(reference: Reference): Promise<LiveObject | undefined> {
    return this.objects.get(describeReference(reference))
  }

  async list(kind: Kind, { namespace, labels = {} }: ListScope = {}): Promise<readonly LiveObject[]> {
    return [...this.objects.values()].filter(
      object =>
        object.kind === kind &&
        (namespace === undefined || object.metadata.namespace === namespace) &&
        Object.entries(labels).every(([key, value]) => object.metadata.labels?.[key] === value),
    )
  }

  async remove(reference: Reference): Promise<boolean> {
    this.calls.push(`remove ${describeReference(reference)}`)
    return this.objects.delete(describeReference(reference))
  }

  async podMetrics(namespace: string, pod: string): Promise<string> {
    return this.metrics(`${namespace}/${pod}`)
  }

  async logTail(namespace: string, pod: string): Promise<string> {
    return this.logs.get(`${namespace}/${pod}`) ?? ''
  }
}

/** What an author writes of an object. */
function contentOf({ metadata, status: _, ...rest }: LiveObject | KubernetesObject): object {
  const { name, namespace, labels } = metadata
  return { name, namespace, labels, ...rest }
}
