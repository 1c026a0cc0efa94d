import { z } from 'zod'
import {
  type ActionDefinition,
  ActionError,
  type ContainerTarget,
  type Finding,
  type Target,
} from './action.ts'
import { putQueue, type QueuePlace, queuePlace, readQueue, removeQueue } from './root-queue.ts'

/** No more than so much goes through the target's interface. */
export type ShapeSpec = {
  readonly action: 'shape'
  /** Each direction by itself; 8 to 10,000,000, whole. */
  readonly kbitPerSecond: number
  /** As the target sees it. */
  readonly direction: 'in' | 'out' | 'both'
}

/** How long a packet waits at most before it is dropped, as the buffer of a slow line would. */
const LONGEST_WAIT_MS = 200
/** What may pass at once: this part of a second's amount ... */
const BURST_SECONDS = 0.01
/** ... and never less than one packet of any usual size; with less, large packets would never pass. */
const BURST_MIN_BYTES = 16_384

const schema: z.ZodType<ShapeSpec> = z.strictObject({
  action: z.literal('shape'),
  kbitPerSecond: z.int().min(8).max(10_000_000),
  direction: z.enum(['in', 'out', 'both']),
})

export const shape: ActionDefinition<ShapeSpec> = {
  action: 'shape',
  schema,
  on: ['container'],
  needs: () => [['tbf']],

  begin: ({ spec, target, id, before }) =>
    placesOf(spec, target).map(place => putQueue(place, id, bucket(spec), before)),

  end: ({ spec, target, id, before }) =>
    placesOf(spec, target).flatMap(place => removeQueue(place, id, before)),

  async read({ spec, target, id }, probe) {
    const readings = await Promise.all(placesOf(spec, target).map(place => readQueue(place, id, probe)))
    return Object.assign({}, ...readings)
  },

  // The queue is new when the fault begins, so that its counters begin at 0 and the reading before tells nothing of them.
  finding(spec, _before, now): Finding {
    const ways = waysOf(spec)
    return {
      proven: ways.some(way => (now[`${way}HeldTimes`] ?? 0) > 0),
      detail: ways
        .map(
          way =>
            `${way}: ${now[`${way}Bytes`] ?? 0} bytes passed at ${spec.kbitPerSecond} kbit/s, held back ${now[`${way}HeldTimes`] ?? 0} times, ${now[`${way}DroppedPackets`] ?? 0} packets dropped`,
        )
        .join('; '),
    }
  },
}

function waysOf({ direction }: ShapeSpec): readonly ('in' | 'out')[] {
  return direction === 'both' ? ['in', 'out'] : [direction]
}

function placesOf(spec: ShapeSpec, target: Target): readonly QueuePlace[] {
  return waysOf(spec).map(way => queuePlace(requireContainer(target), way))
}

function requireContainer(target: Target): ContainerTarget {
  if (target.kind === 'container') return target
  throw new ActionError(`Cannot shape the traffic of node '${target.node}': only that of a container`)
}

function bucket({ kbitPerSecond }: ShapeSpec): readonly string[] {
  const bytesPerSecond = (kbitPerSecond * 1000) / 8
  const burstBytes = Math.max(BURST_MIN_BYTES, Math.ceil(bytesPerSecond * BURST_SECONDS))
  return ['tbf', 'rate', `${kbitPerSecond}kbit`, 'burst', `${burstBytes}b`, 'latency', `${LONGEST_WAIT_MS}ms`]
}
