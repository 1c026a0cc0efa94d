import type { Clock } from './lab/roles.ts'

/** Sleeps until an instant of `clock`; returns at once when it has passed. */
export async function sleepUntil(clock: Clock, atMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const remainingMs = atMs - clock.nowMs()
  if (remainingMs > 0) await clock.sleep(remainingMs, signal)
}

/** As `sleepUntil`, and returns early when `over` is aborted. @throws the reason of `signal` */
export async function untilOr(
  clock: Clock,
  atMs: number,
  signal: AbortSignal,
  over: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  if (over.aborted) return
  try {
    await sleepUntil(clock, atMs, AbortSignal.any([signal, over]))
  } catch (error) {
    signal.throwIfAborted()
    if (!over.aborted) throw error
  }
}

/** The result of `work`, or the reason of `limit` when that comes first. */
export async function within<T>(work: Promise<T>, limit: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(limit.reason)
  limit.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    limit.removeEventListener('abort', onAbort)
  }
}
