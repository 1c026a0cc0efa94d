import type { LiveObject } from './api-server.ts'

/** How far a live object is from what it shall be. */
export type Readiness =
  | { readonly state: 'ready' }
  /** `why` says what is still missing, in a few words. */
  | { readonly state: 'waiting'; readonly why: string }
  /** It will not become ready by waiting. */
  | { readonly state: 'failed'; readonly why: string }

const READY: Readiness = { state: 'ready' }

type Condition = {
  readonly type: string
  readonly status: string
  readonly message?: string
  readonly reason?: string
}

type WorkloadStatus = {
  readonly observedGeneration?: number
  readonly replicas?: number
  readonly updatedReplicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly desiredNumberScheduled?: number
  readonly updatedNumberScheduled?: number
  readonly numberReady?: number
  readonly conditions?: readonly Condition[]
}

/** Kinds that are waited for; whatever else is applied is there at once. */
export const WAITED_KINDS = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job'] as const
export type WaitedKind = (typeof WAITED_KINDS)[number]

export function isWaited(kind: string): kind is WaitedKind {
  return (WAITED_KINDS as readonly string[]).includes(kind)
}

/** Judges a workload by its status, for its newest revision alone. */
export function readiness(object: LiveObject): Readiness {
  const status = (object.status ?? {}) as WorkloadStatus
  if (object.kind === 'Job') return jobReadiness(status)
  if ((status.observedGeneration ?? 0) < (object.metadata.generation ?? 1)) return waiting('not seen yet')
  const spec = (object.spec ?? {}) as { readonly replicas?: number }
  switch (object.kind) {
    case 'Deployment':
      return counted(spec.replicas ?? 1, status.updatedReplicas, status.availableReplicas, status.replicas)
    case 'StatefulSet':
      return counted(spec.replicas ?? 1, status.updatedReplicas, status.readyReplicas, status.replicas)
    case 'DaemonSet':
      return counted(
        status.desiredNumberScheduled ?? 0,
        status.updatedNumberScheduled,
        status.numberReady,
        status.desiredNumberScheduled,
      )
    default:
      return READY
  }
}

/**
 * @param updated pods of the newest revision
 * @param ready pods that serve, of any revision
 * @param all pods there are
 */
function counted(desired: number, updated = 0, ready = 0, all = 0): Readiness {
  if (updated < desired) return waiting(`${updated}/${desired} pods are new`)
  if (ready < desired) return waiting(`${ready}/${desired} ready`)
  if (all > desired) return waiting(`${all - desired} old pods to go`)
  return READY
}

function jobReadiness({ conditions = [] }: WorkloadStatus): Readiness {
  const holds = (type: string) => conditions.find(each => each.type === type && each.status === 'True')
  if (holds('Complete')) return READY
  const failed = holds('Failed')
  if (failed) return { state: 'failed', why: failed.message ?? failed.reason ?? 'it failed' }
  return waiting('running')
}

function waiting(why: string): Readiness {
  return { state: 'waiting', why }
}

type ContainerStatus = {
  readonly ready: boolean
  readonly restartCount?: number
  readonly started?: boolean
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string }
    readonly running?: object
    readonly terminated?: { readonly reason?: string; readonly exitCode?: number; readonly message?: string }
  }
}

export type PodView = {
  readonly phase?: string
  readonly conditions?: readonly Condition[]
  readonly containerStatuses?: readonly ContainerStatus[]
}

export function podStatus(pod: LiveObject): PodView {
  return (pod.status ?? {}) as PodView
}

export function isPodReady(pod: LiveObject): boolean {
  return (podStatus(pod).conditions ?? []).some(each => each.type === 'Ready' && each.status === 'True')
}

/** Times the containers of a pod were started again. */
export function restartCount(pod: LiveObject): number {
  return (podStatus(pod).containerStatuses ?? []).reduce((sum, each) => sum + (each.restartCount ?? 0), 0)
}

/** Why a pod does not serve yet, in a few words; undefined when it does, or has done its work. */
export function whyNotReady(pod: LiveObject): string | undefined {
  const { phase, conditions = [], containerStatuses = [] } = podStatus(pod)
  if (isPodReady(pod) || phase === 'Succeeded') return undefined
  if (pod.metadata.deletionTimestamp) return 'stopping'
  const unscheduled = conditions.find(each => each.type === 'PodScheduled' && each.status === 'False')
  if (unscheduled)
    return `not placed: ${firstSentence(unscheduled.message ?? unscheduled.reason ?? 'no reason told')}`
  for (const { state, restartCount: restarts = 0 } of containerStatuses) {
    if (state?.waiting) {
      const { reason = 'waiting', message } = state.waiting
      return message && reason !== 'ContainerCreating' ? `${reason}: ${firstSentence(message)}` : reason
    }
    if (state?.terminated) {
      const { reason = 'ended', exitCode, message } = state.terminated
      return `${reason} (exit ${exitCode})${message ? `: ${lastLine(message)}` : ''}`
    }
    if (state?.running)
      return restarts > 0 ? `running, not ready, restarted ${restarts} times` : 'running, not ready'
  }
  return phase === 'Running' ? 'not ready' : (phase ?? 'unknown').toLowerCase()
}

/** Messages of the scheduler and the runtime go on for paragraphs; what matters stands first. */
function firstSentence(text: string): string {
  const sentence = text.split(/\.\s|\n/, 1)[0] ?? ''
  return sentence.length > 160 ? `${sentence.slice(0, 157)}...` : sentence
}

function lastLine(text: string): string {
  return firstSentence(text.trimEnd().split('\n').at(-1) ?? '')
}
