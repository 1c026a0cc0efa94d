import type { Clock } from '../lab/roles.ts'

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  async sleep(durationMs, signal) {
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal.reason)
      }
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }, durationMs)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  },
}

/**
 * Offset of another clock, from questions and their answers: the one with the shortest round trip says most.
 *
 * @param readings `askedMs`, `answeredMs` on our clock, `theirMs` on the other's, Unix milliseconds; not empty
 * @returns their clock minus ours, milliseconds, +- half of `roundTripMs`
 */
export function offsetOf(
  readings: readonly { readonly askedMs: number; readonly answeredMs: number; readonly theirMs: number }[],
): { offsetMs: number; roundTripMs: number } {
  const [best] = [...readings].sort(
    (one, other) => one.answeredMs - one.askedMs - (other.answeredMs - other.askedMs),
  )
  if (best === undefined) throw new RangeError('Cannot tell the offset of a clock from 0 readings')
  return {
    offsetMs: best.theirMs - (best.askedMs + best.answeredMs) / 2,
    roundTripMs: best.answeredMs - best.askedMs,
  }
}
