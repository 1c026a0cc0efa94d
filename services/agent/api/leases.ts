import { z } from 'zod'
import { CHAOS_NAMESPACE, type Group, SHARED_NAMESPACE } from '../../../platform/topology.ts'
import { messageOf } from '../agent-error.ts'
import type { Log } from '../log.ts'
import { type ApiUndo, LEASE_UNDO_ANNOTATION } from '../protocol.ts'
import { type Answer, type Kubernetes, reasonOf } from './kubernetes.ts'

export const LEASES_PATH = `/apis/coordination.k8s.io/v1/namespaces/${CHAOS_NAMESPACE}/leases`

const ATTACKED = 'experiment' satisfies Group
/** A promise that names no length. */
const DEFAULT_SECONDS = 8

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

const LEASE = z.object({
  metadata: z.object({ name, annotations: z.record(z.string(), z.string()).default({}) }),
  spec: z
    .object({
      renewTime: z.string().optional(),
      leaseDurationSeconds: z.number().positive().default(DEFAULT_SECONDS),
    })
    .default({ leaseDurationSeconds: DEFAULT_SECONDS }),
})
type Lease = z.infer<typeof LEASE>

type Seen = {
  readonly renewTime: string | undefined
  /** Since when nobody has renewed it, by our own clock. */
  readonly sinceMs: number
  readonly durationMs: number
}

/**
 * Knows which faults are done in the API, and ends them. A promise that nobody renews is kept by whoever sees it first:
 * every agent does all of it, each by its own clock, and doing it twice does no harm.
 */
export class ApiLeases {
  readonly #kubernetes: Pick<Kubernetes, 'patch' | 'remove'>
  readonly #nowMs: () => number
  readonly #log: Log
  #seen = new Map<string, Seen>()
  #isHalted = false

  constructor(kubernetes: Pick<Kubernetes, 'patch' | 'remove'>, nowMs: () => number, log: Log) {
    this.#kubernetes = kubernetes
    this.#nowMs = nowMs
    this.#log = log
  }

  /** As the API said last. */
  get isHalted(): boolean {
    return this.#isHalted
  }

  setHalted(isHalted: boolean): void {
    this.#isHalted = isHalted
  }

  /**
   * Whether by what is known a lease has run out. It may have been renewed all the same, by somebody whom we did not hear:
   * before anything is undone all leases are listed again, so that one that cannot be asked about is left alone.
   */
  get isDue(): boolean {
    const nowMs = this.#nowMs()
    return [...this.#seen.values()].some(seen => this.#hasRunOut(seen, nowMs))
  }

  /** One that is new or was changed. */
  notice(object: unknown): void {
    const lease = LEASE.parse(object)
    this.#seen.set(lease.metadata.name, this.#see(lease))
  }

  /** One that is there no more. */
  forget(object: unknown): void {
    this.#seen.delete(LEASE.parse(object).metadata.name)
  }

  /**
   * Undoes what has run out, and all when there is a halt.
   *
   * @param listed all leases there are, asked for just now
   * @throws Error when one could not be undone; the others were
   */
  async keep(listed: readonly unknown[]): Promise<void> {
    const leases = z.array(LEASE).parse(listed)
    // The list says how things are now. Each undo takes time, and makes none of the others older.
    const listedMs = this.#nowMs()
    this.#seen = new Map(leases.map(lease => [lease.metadata.name, this.#see(lease)]))
    const problems: string[] = []
    for (const lease of leases) {
      const seen = this.#seen.get(lease.metadata.name)
      if (seen === undefined || !this.#hasRunOut(seen, listedMs)) continue
      try {
        await this.#keep(lease)
        this.#seen.delete(lease.metadata.name)
      } catch (error) {
        problems.push(`${lease.metadata.name}: ${messageOf(error)}`)
      }
    }
    if (problems.length > 0) throw new Error(`Cannot undo ${problems.join('; ')}`)
  }

  #hasRunOut({ sinceMs, durationMs }: Seen, nowMs: number): boolean {
    return this.#isHalted || nowMs - sinceMs >= durationMs
  }

  #see({ metadata, spec: { renewTime, leaseDurationSeconds } }: Lease): Seen {
    const before = this.#seen.get(metadata.name)
    const isRenewed = before === undefined || before.renewTime !== renewTime
    const sinceMs = isRenewed ? this.#nowMs() : before.sinceMs
    return { renewTime, sinceMs, durationMs: leaseDurationSeconds * 1000 }
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

/** What is not there needs no undo: somebody else was quicker. */
function requireDone(answer: Answer): void {
  if (answer.status >= 300 && answer.status !== 404) throw new Error(reasonOf(answer))
}
