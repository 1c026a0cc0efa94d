import type { Sampler, SamplingResult } from '@opentelemetry/sdk-trace'
import { ParentBasedSampler, SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace'
import { KeyedLimiter } from './rate-limit.ts'

/** Which traces that begin here are kept. */
export type TraceBound = {
  /** Share of them, 0 to 1. */
  readonly share: number
  /** At most so many a second, > 0: a flood of requests must not become a flood of spans. */
  readonly perSecond: number
}

const DROPPED: SamplingResult = { decision: SamplingDecision.NOT_RECORD }

/**
 * Keeps a share of the traces that begin here, and never more than the bound of a second. A trace that began elsewhere is
 * kept when it was kept there.
 */
export function boundedSampler({ share, perSecond }: TraceBound, nowMs: () => number): Sampler {
  const ratio = new TraceIdRatioBasedSampler(share)
  const limiter = new KeyedLimiter({ burst: Math.max(1, perSecond), everyMs: 1000 / perSecond }, nowMs)
  const root: Sampler = {
    shouldSample(context, traceId) {
      const result = ratio.shouldSample(context, traceId)
      if (result.decision === SamplingDecision.NOT_RECORD) return result
      return limiter.take('') === undefined ? DROPPED : result
    },
    toString: () => `Bounded{${ratio},${perSecond}/s}`,
  }
  return new ParentBasedSampler({ root })
}
