import type { EndedBy } from './protocol.ts'

/** Times in milliseconds of a clock that only goes forward, whatever is done to the time of day. */
export type Lease = {
  readonly begunMs: number
  /** Last sign of life of the runner. */
  readonly renewedMs: number
  readonly durationSeconds: number
  readonly leaseSeconds: number
}

/** Why a fault has to end now; null: it may go on. Pure. */
export function whyOver(lease: Lease, nowMs: number): Extract<EndedBy, 'duration' | 'lease'> | null {
  if (nowMs - lease.begunMs >= lease.durationSeconds * 1000) return 'duration'
  return nowMs - lease.renewedMs >= lease.leaseSeconds * 1000 ? 'lease' : null
}
