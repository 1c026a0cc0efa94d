import { CHAOS_NAMESPACE } from '../../../platform/topology.ts'
import { messageOf } from '../agent-error.ts'
import type { Log } from '../log.ts'
import { HALT_NAME, LEASE_LABEL } from '../protocol.ts'
import { Follower, PACE, type Pace } from './follow.ts'
import type { EventStreams, Kubernetes } from './kubernetes.ts'
import { type ApiLeases, LEASES_PATH } from './leases.ts'

/** Leases grow old without a word from the API server. */
const AGE_EVERY_MS = 1_000
/** What cannot be known or done is told once in this time. */
const TELL_EVERY_MS = 30_000

export type WatchParts = {
  readonly kubernetes: Kubernetes & EventStreams
  readonly leases: ApiLeases
  readonly nowMs: () => number
  readonly log: Log
  readonly pace?: Pace
  readonly ageEveryMs?: number
}

/**
 * Tells `leases` of every change in the API as it happens, and has them kept when one has run out. An API server that does
 * not answer changes nothing: it is asked again. As long as nothing happens, next to nothing is asked.
 */
export async function watchApi(parts: WatchParts, until: AbortSignal): Promise<void> {
  const { kubernetes, leases, pace = PACE, ageEveryMs = AGE_EVERY_MS } = parts
  const ofLeases = new Follower(
    kubernetes,
    {
      path: LEASES_PATH,
      selector: `labelSelector=${encodeURIComponent(LEASE_LABEL)}`,
      onList: items => leases.keep(items),
      onChange: (lease, isGone) => {
        if (isGone) leases.forget(lease)
        else leases.notice(lease)
        keepWhatIsDue()
      },
      onProblem: tellSeldom('API LEASES NOT LOOKED AT', parts),
    },
    pace,
  )
  const keepWhatIsDue = () => {
    if (leases.isDue) ofLeases.refresh()
  }
  const ofHalt = new Follower(
    kubernetes,
    {
      path: `/api/v1/namespaces/${CHAOS_NAMESPACE}/configmaps`,
      selector: `fieldSelector=${encodeURIComponent(`metadata.name=${HALT_NAME}`)}`,
      onList: items => haltIs(items.length > 0),
      onChange: (_object, isGone) => haltIs(!isGone),
      onProblem: tellSeldom('HALT NOT LOOKED AT', parts),
    },
    pace,
  )
  const haltIs = (isOn: boolean) => {
    leases.setHalted(isOn)
    keepWhatIsDue()
  }
  const aging = setInterval(keepWhatIsDue, ageEveryMs)
  try {
    await Promise.all([ofHalt.follow(until), ofLeases.follow(until)])
  } finally {
    clearInterval(aging)
  }
}

function tellSeldom(event: string, { nowMs, log }: WatchParts): (error: unknown) => void {
  let toldMs = Number.NEGATIVE_INFINITY
  return error => {
    if (nowMs() - toldMs < TELL_EVERY_MS) return
    toldMs = nowMs()
    log(event, { why: messageOf(error) })
  }
}
