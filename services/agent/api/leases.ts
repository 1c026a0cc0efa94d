import { z } from 'zod'
import { CHAOS_NAMESPACE, type Group, SHARED_NAMESPACE } from '../../../platform/topology.ts'
import { messageOf } from '../agent-error.ts'
import type { Log } from '../log.ts'
import { type ApiUndo, HALT_NAME, LEASE_LABEL, LEASE_UNDO_ANNOTATION } from '../protocol.ts'
import { type Answer, type Kubernetes, reasonOf } from './kubernetes.ts'

const ATTACKED = 'experiment' satisfies Group
/** A promise that names no length. */
const DEFAULT_SECONDS = 8
/** What cannot be done is told once in this time. */
const TELL_EVERY_MS = 30_000

const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/)
const undo: z.ZodType<ApiUndo> = z.discriminatedUnion('undo', [
  z.strictObject({ undo: z.literal('uncordon'), node: name }),
  z.strictObject({
    undo: z.literal('scale'),
    resource: z.enum(['deployments', 'statefulsets']),
    name,
    replicas: z.int().min(0).max(1000),
  }),
  z.strictObject({ undo: z.literal('delete-deployment'), name }),
  z.strictObject({ undo: z.literal('delete-load'), job: name }),
])

const LEASES = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name, annotations: z.record(z.string(), z.string()).default({}) }),
      spec: z
        .object({
          renewTime: z.string().optional(),
          leaseDurationSeconds: z.number().positive().default(DEFAULT_SECONDS),
        })
        .default({ leaseDurationSeconds: DEFAULT_SECONDS }),
    }),
  ),
})
type Lease = z.infer<typeof LEASES>['items'][number]

type Seen = { readonly renewTime: string | undefined; readonly sinceMs: number }

/**
 * Watches faults that are done in the API. A promise that nobody renews is kept by whoever sees it first: every agent
 * does all of it, each by its own clock, and doing it twice does no harm.
 */
export class ApiLeases {
  readonly #kubernetes: Kubernetes
  readonly #nowMs: () => number
  readonly #log: Log
  #seen = new Map<string, Seen>()
  #isHalted = false
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(kubernetes: Kubernetes, nowMs: () => number, log: Log) {
    this.#kubernetes = kubernetes
    this.#nowMs = nowMs
    this.#log = log
  }

  /** As the API said the last time it could be asked. */
  get isHalted(): boolean {
    return this.#isHalted
  }

  /** Looks once. An API server that does not answer changes nothing: it is asked again. */
  async look(): Promise<void> {
    try {
      await this.#lookForHalt()
      await this.#lookAtLeases()
    } catch (error) {
      if (this.#nowMs() - this.#toldMs < TELL_EVERY_MS) return
      this.#toldMs = this.#nowMs()
      this.#log('API LEASES NOT LOOKED AT', { why: messageOf(error) })
    }
  }

  async #lookForHalt(): Promise<void> {
    const answer = await this.#kubernetes.get(`/api/v1/namespaces/${CHAOS_NAMESPACE}/configmaps/${HALT_NAME}`)
    if (answer.status !== 200 && answer.status !== 404) throw new Error(reasonOf(answer))
    this.#isHalted = answer.status === 200
  }

  async #lookAtLeases(): Promise<void> {
    const answer = await this.#kubernetes.get(
      `${LEASES_PATH}?labelSelector=${encodeURIComponent(LEASE_LABEL)}`,
    )
    if (answer.status !== 200) throw new Error(reasonOf(answer))
    const { items } = LEASES.parse(answer.body)
    const now = this.#nowMs()
    this.#seen = new Map(items.map(lease => [lease.metadata.name, this.#see(lease, now)]))
    const problems: string[] = []
    for (const lease of items) {
      const ageMs = now - (this.#seen.get(lease.metadata.name)?.sinceMs ?? now)
      if (!this.#isHalted && ageMs < lease.spec.leaseDurationSeconds * 1000) continue
      try {
        await this.#keep(lease)
      } catch (error) {
        problems.push(`${lease.metadata.name}: ${messageOf(error)}`)
      }
    }
    if (problems.length > 0) throw new Error(`Cannot undo ${problems.join('; ')}`)
  }

  #see({ metadata, spec: { renewTime } }: Lease, now: number): Seen {
    const before = this.#seen.get(metadata.name)
    return before !== undefined && before.renewTime === renewTime ? before : { renewTime, sinceMs: now }
  }

  async #keep(lease: Lease): Promise<void> {
    const text = lease.metadata.annotations[LEASE_UNDO_ANNOTATION] ?? ''
    const undos = z.array(undo).max(64).parse(JSON.parse(text))
    for (const each of undos) await this.#undo(each)
    requireDone(await this.#kubernetes.remove(`${LEASES_PATH}/${lease.metadata.name}`))
    this.#log('api fault undone', { lease: lease.metadata.name, undos })
  }

  async #undo(each: ApiUndo): Promise<void> {
    requireDone(await this.#send(each))
  }

  #send(each: ApiUndo): Promise<Answer> {
    const apps = `/apis/apps/v1/namespaces/${ATTACKED}`
    switch (each.undo) {
      case 'uncordon':
        return this.#kubernetes.patch(`/api/v1/nodes/${each.node}`, { spec: { unschedulable: null } })
      case 'scale':
        return this.#kubernetes.patch(`${apps}/${each.resource}/${each.name}/scale`, {
          spec: { replicas: each.replicas },
        })
      case 'delete-deployment':
        return this.#kubernetes.remove(`${apps}/deployments/${each.name}`)
      case 'delete-load':
        return this.#kubernetes.remove(`/apis/batch/v1/namespaces/${SHARED_NAMESPACE}/jobs/${each.job}`)
    }
  }
}

const LEASES_PATH = `/apis/coordination.k8s.io/v1/namespaces/${CHAOS_NAMESPACE}/leases`

/** What is not there needs no undo: somebody else was quicker. */
function requireDone(answer: Answer): void {
  if (answer.status >= 300 && answer.status !== 404) throw new Error(reasonOf(answer))
}
