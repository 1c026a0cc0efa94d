import { randomBytes } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api'
import { SamplingDecision } from '@opentelemetry/sdk-trace'
import { boundedSampler, type TraceBound } from './bounded-sampler.ts'

const KEPT = SamplingDecision.RECORD_AND_SAMPLED
const DROPPED = SamplingDecision.NOT_RECORD

/** A sampler, its clock, and what it decides of the next trace. */
function sampling(bound: TraceBound) {
  const clock = { nowMs: 0 }
  const sampler = boundedSampler(bound, () => clock.nowMs)
  const decide = (context = ROOT_CONTEXT) => {
    const traceId = randomBytes(16).toString('hex')
    return sampler.shouldSample(context, traceId, 'request', SpanKind.SERVER, {}, []).decision
  }
  return { clock, decide, sampler }
}

describe('boundedSampler()', () => {
  test('keeps no more traces in a second than the bound, however many begin', () => {
    const { clock, decide } = sampling({ share: 1, perSecond: 20 })
    const kept = (requests: number) =>
      Array.from({ length: requests }, () => decide()).filter(decision => decision === KEPT).length

    expect(kept(5_000)).toBe(20)
    clock.nowMs = 500
    expect(kept(5_000)).toBe(10)
  })

  test('keeps the share below the bound', () => {
    const { decide } = sampling({ share: 0.25, perSecond: 1_000_000 })
    const kept = Array.from({ length: 4_000 }, () => decide()).filter(decision => decision === KEPT).length

    expect(kept / 4_000).toBeGreaterThan(0.2)
    expect(kept / 4_000).toBeLessThan(0.3)
  })

  test('follows the decision of whoever began the trace, beyond the bound too', () => {
    const { decide } = sampling({ share: 1, perSecond: 1 })
    decide()
    expect(decide()).toBe(DROPPED)
    const from = (traceFlags: TraceFlags) =>
      trace.setSpanContext(ROOT_CONTEXT, {
        traceId: '1'.repeat(32),
        spanId: '1'.repeat(16),
        isRemote: true,
        traceFlags,
      })

    expect(decide(from(TraceFlags.SAMPLED))).toBe(KEPT)
    expect(decide(from(TraceFlags.NONE))).toBe(DROPPED)
  })

  test('says what it is', () => {
    expect(String(sampling({ share: 0.05, perSecond: 20 }).sampler)).toContain(
      'root=Bounded{TraceIdRatioBased{0.05},20/s}',
    )
  })
})
