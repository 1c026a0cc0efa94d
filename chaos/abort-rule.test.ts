import { describe, expect, test } from '@jest/globals'
import { type AbortEvidence, AbortWatch, watchAbortRule, whenMet } from './abort-rule.ts'
import { quickClock } from './lab/recording.ts'
import type { Sample } from './measurement/sample.ts'

const rule = { alpha: 0.01, failedShare: 0.5, windowSeconds: 10 }
const NOW_MS = 100_000
const ATTACK_MS = 80_000

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
const many = (group: Sample['group'], failed: number, ok: number, endMs = NOW_MS - 5_000) => [
  ...Array.from({ length: failed }, () => sample(endMs, 'error', group)),
  ...Array.from({ length: ok }, () => sample(endMs, 'ok', group)),
]
const look = (samples: readonly Sample[], changes: Partial<typeof rule> = {}) =>
  new AbortWatch({ ...rule, ...changes }, ATTACK_MS).look(samples, NOW_MS)

describe('AbortWatch.look()', () => {
  test.each<[string, Sample[], boolean]>([
    [
      'half of the requests failed, and none of the control',
      [...many('experiment', 10, 10), ...many('control', 0, 20)],
      true,
    ],
    ['less than half failed', [...many('experiment', 10, 11), ...many('control', 0, 21)], false],
    ['as many of the control failed', [...many('experiment', 20, 0), ...many('control', 20, 0)], false],
    [
      'nearly half more than of the control failed',
      [...many('experiment', 200, 100), ...many('control', 60, 240)],
      false,
    ],
    ['nothing came of the control', many('experiment', 20, 0), false],
    ['too few to be sure', [...many('experiment', 6, 0), ...many('control', 0, 6)], false],
    [
      'time-outs',
      [...Array.from({ length: 10 }, () => sample(NOW_MS, 'timeout')), ...many('control', 0, 10)],
      true,
    ],
    ['only the control fails', [...many('experiment', 0, 20), ...many('control', 20, 0)], false],
    ['no samples', [], false],
  ])('%s', (_title, samples, expected) => {
    expect(look(samples).isMet).toBe(expected)
  })

  test('is sure long after it was bad, and then ends nothing', () => {
    const seen = look([
      ...many('experiment', 20, 0, NOW_MS - 10_001),
      ...many('control', 0, 20, NOW_MS - 10_001),
    ])
    expect(seen.eValue).toBeGreaterThan(100)
    expect(seen.isMet).toBe(false)
  })

  test('takes no failure from before the attack for evidence', () => {
    const before = [...many('experiment', 20, 0, ATTACK_MS), ...many('control', 0, 20, ATTACK_MS)]
    expect(look(before)).toMatchObject({ eValue: expect.closeTo(1, 9) })
    expect(look(before, { windowSeconds: 60 }).detail).toContain('Within 60 s 100 % of its requests failed')
  })

  test('ends it as soon as it is sure where no share is asked for', () => {
    const samples = [...many('experiment', 10, 990), ...many('control', 0, 1000)]
    expect(look(samples).isMet).toBe(false)
    expect(look(samples, { failedShare: 0 }).isMet).toBe(true)
    expect(look(samples, { failedShare: 0, alpha: 1e-6 }).isMet).toBe(false)
  })

  test('counts each request once, however often it looks', () => {
    const watch = new AbortWatch(rule, ATTACK_MS)
    const first = [...many('experiment', 3, 7), ...many('control', 0, 10)]
    const once = watch.look(first, NOW_MS)
    expect(watch.look(first, NOW_MS).eValue).toBe(once.eValue)
    const more = [...first, ...many('experiment', 3, 7), ...many('control', 0, 10)]
    expect(watch.look(more, NOW_MS).eValue).toBeCloseTo(look(more).eValue, 9)
  })

  test('counts a request when its answer came, not when it was sent', () => {
    const slow = { ...sample(NOW_MS, 'timeout'), startMs: NOW_MS - 19_000, durationMs: 19_000 }
    expect(look(Array(9).fill(slow)).detail).toContain('Within 10 s 100 % of its requests failed')
  })

  test('says what was counted', () => {
    expect(look([...many('experiment', 9, 1), ...many('control', 1, 9)]).detail).toBe(
      "9 of 10 failed requests of the attack are the experiment's, 5.0 if the groups were alike. Within 10 s 90 % of its requests failed, 10 % of the control's; less than 50 % more is allowed.",
    )
    expect(look(many('experiment', 0, 9)).detail).toContain('No request of the attack failed.')
  })
})

describe('whenMet()', () => {
  const attack = { startMs: ATTACK_MS, endMs: NOW_MS }
  const failing = [
    ...many('experiment', 10, 0, ATTACK_MS + 3_550),
    ...many('control', 0, 10, ATTACK_MS + 3_550),
  ]

  test('is the first look at which enough is known, whatever the order of the samples', () => {
    expect(whenMet(rule, failing, attack)).toBe(ATTACK_MS + 4_000)
    expect(whenMet(rule, [...failing].reverse(), attack)).toBe(ATTACK_MS + 4_000)
  })

  test('is never for what is answered after the attack, nor where nothing fails', () => {
    expect(whenMet(rule, failing, { ...attack, endMs: ATTACK_MS + 4_000 })).toBeNull()
    expect(whenMet(rule, many('experiment', 0, 50), attack)).toBeNull()
  })
})

/** An attack that is watched, and the samples it has so far. */
function watched() {
  const clock = quickClock(100)
  const samples: Sample[] = []
  const told: AbortEvidence[] = []
  const over = new AbortController()
  const attack = { samples: () => samples, clock, generatorMs: () => NOW_MS, tell: told.push.bind(told) }
  const met = watchAbortRule(rule, attack, over.signal)
  return { clock, samples, told, over, met }
}
const attacked = (count: number) => [
  ...many('experiment', count, 0, NOW_MS + 1_000),
  ...many('control', 0, count, NOW_MS + 1_000),
]

describe('watchAbortRule()', () => {
  test('is aborted, with the measurement, as soon as the rule is met', async () => {
    const { clock, samples, over, met } = watched()
    await clock.sleep(3_000, over.signal)
    expect(met.aborted).toBe(false)
    samples.push(...attacked(10))
    await clock.sleep(3_000, over.signal)
    expect(met.reason?.message).toMatch(/^evidence e = 18\d of 100\. 10 of 10 failed requests/)
    over.abort()
  })

  test('tells what it sees at first, and when that changes', async () => {
    const { clock, samples, told, over } = watched()
    await clock.sleep(3_000, over.signal)
    expect(told).toMatchObject([{ eValue: expect.closeTo(1, 9), limit: 100 }])
    samples.push(...attacked(4))
    await clock.sleep(3_000, over.signal)
    expect(told).toHaveLength(2)
    expect(told[1]?.eValue).toBeGreaterThan(1)
    over.abort()
  })

  test('looks no longer when the attack is over', async () => {
    const { clock, samples, over, met } = watched()
    over.abort()
    samples.push(...attacked(20))
    await clock.sleep(3_000, new AbortController().signal)
    expect(met.aborted).toBe(false)
  })

  test('ends an attack that it cannot watch', async () => {
    const clock = quickClock(100)
    const samples = () => {
      throw new Error('no samples')
    }
    const attack = { samples, clock, generatorMs: () => NOW_MS, tell: () => undefined }
    const met = watchAbortRule(rule, attack, new AbortController().signal)
    await clock.sleep(100, new AbortController().signal)
    expect(met.reason?.message).toBe('no samples')
  })
})
