import { describe, expect, test } from '@jest/globals'
import { isMet, watchAbortRule } from './abort-rule.ts'
import { quickClock } from './lab/recording.ts'
import type { Sample } from './measurement/sample.ts'

const rule = { failedShare: 0.5, windowSeconds: 10, fewestRequests: 4 }
const NOW_MS = 100_000

const sample = (
  endMs: number,
  outcome: Sample['outcome'],
  group: Sample['group'] = 'experiment',
): Sample => ({
  group,
  route: 'song',
  kind: 'read',
  startMs: endMs - 100,
  durationMs: 100,
  status: outcome === 'ok' ? 200 : 0,
  outcome,
})
const many = (failed: number, ok: number, endMs = NOW_MS - 5_000) => [
  ...Array.from({ length: failed }, () => sample(endMs, 'error')),
  ...Array.from({ length: ok }, () => sample(endMs, 'ok')),
]

describe('isMet()', () => {
  test.each<[string, Sample[], boolean]>([
    ['half of the requests failed', many(2, 2), true],
    ['less than half failed', many(2, 3), false],
    ['too few requests', many(3, 0), false],
    ['failures that are too old', many(10, 0, NOW_MS - 10_001), false],
    ['time-outs', Array.from({ length: 4 }, () => sample(NOW_MS, 'timeout')), true],
    [
      'failures of the control group',
      Array.from({ length: 9 }, () => sample(NOW_MS, 'error', 'control')),
      false,
    ],
    ['no samples', [], false],
  ])('%s', (_title, samples, expected) => {
    expect(isMet(rule, samples, NOW_MS) !== null).toBe(expected)
  })

  test('counts a request when its answer came, not when it was sent', () => {
    const slow = { ...sample(NOW_MS, 'timeout'), startMs: NOW_MS - 19_000, durationMs: 19_000 }
    expect(isMet(rule, [slow, slow, slow, slow], NOW_MS)).toContain('4 of 4 requests')
  })
})

/** An attack that is watched, and the samples it has so far. */
function watched() {
  const clock = quickClock(100)
  const samples: Sample[] = []
  const over = new AbortController()
  const met = watchAbortRule(
    rule,
    () => samples,
    clock,
    () => NOW_MS,
    over.signal,
  )
  return { clock, samples, over, met }
}

describe('watchAbortRule()', () => {
  test('is aborted, with the measurement, as soon as the rule is met', async () => {
    const { clock, samples, over, met } = watched()
    await clock.sleep(3_000, over.signal)
    expect(met.aborted).toBe(false)
    samples.push(...many(4, 0))
    await clock.sleep(3_000, over.signal)
    expect(met.reason?.message).toContain('4 of 4 requests of the experiment group failed within 10 s')
    over.abort()
  })

  test('looks no longer when the attack is over', async () => {
    const { clock, samples, over, met } = watched()
    over.abort()
    samples.push(...many(4, 0))
    await clock.sleep(3_000, new AbortController().signal)
    expect(met.aborted).toBe(false)
  })
})
