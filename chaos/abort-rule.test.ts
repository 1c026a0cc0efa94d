import { describe, expect, test } from '@jest/globals'
import { type AbortEvidence, AbortWatch, slowLimit, watchAbortRule, whenMet } from './abort-rule.ts'
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
  new AbortWatch({ ...rule, ...changes }, ATTACK_MS, null).look(samples, NOW_MS)

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
    const watch = new AbortWatch(rule, ATTACK_MS, null)
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

/** Answered, after so long. */
const lasting = (
  group: Sample['group'],
  count: number,
  durationMs: number,
  outcome: Sample['outcome'] = 'ok',
) =>
  Array.from({ length: count }, () => ({
    ...sample(NOW_MS - 5_000, outcome, group),
    startMs: NOW_MS - 5_000,
    durationMs,
  }))

describe('AbortWatch.look() where latency counts', () => {
  const slowRule = { ...rule, slowShare: 0.2 }
  const watch = (samples: readonly Sample[], slowMs: number | null = 100) =>
    new AbortWatch(slowRule, ATTACK_MS, slowMs).look(samples, NOW_MS)
  const slow = [
    ...lasting('experiment', 12, 101),
    ...lasting('experiment', 18, 50),
    ...lasting('control', 30, 50),
  ]

  test('ends an attack that makes the experiment slow and fails nothing', () => {
    expect(watch(slow).isMet).toBe(true)
    expect(watch(slow).detail).toContain(
      "12 of 12 slow requests of the attack are the experiment's, 6.0 if the groups were alike. 40 % of its requests took longer than 100 ms, 0 % of the control's; less than 20 % more is allowed.",
    )
  })

  test('is the mean of both e-values: by hand, 6 slow ones and no failure', () => {
    // (1 3 .. 11) / 6! = 10,395 / 720, see e-process.test.ts; without a failure the other is 1.
    const { eValue } = watch([...lasting('experiment', 6, 101), ...lasting('control', 6, 50)])
    expect(eValue).toBeCloseTo((10_395 / 720 + 1) / 2, 9)
  })

  test.each<[string, Sample[]]>([
    ['what takes as long as the limit', [...lasting('experiment', 30, 100), ...lasting('control', 30, 50)]],
    ['both groups slow', [...lasting('experiment', 30, 101), ...lasting('control', 30, 101)]],
    [
      'too few of many slow',
      [...lasting('experiment', 12, 101), ...lasting('experiment', 60, 50), ...lasting('control', 72, 50)],
    ],
    [
      'slow error pages',
      [
        ...lasting('experiment', 12, 101, 'error'),
        ...lasting('experiment', 30, 50),
        ...lasting('control', 42, 50),
      ],
    ],
  ])('does not end it for %s', (_title, samples) => {
    expect(watch(samples).isMet).toBe(false)
  })

  test('does not take the harm of one kind with the evidence of the other for enough', () => {
    // Sure that it is slower, which is not much; and half of the few requests of the window failed, which is not sure.
    const early = (durationMs: number) => ({ startMs: ATTACK_MS, durationMs })
    const samples = [
      ...lasting('experiment', 20, 101).map(one => ({ ...one, ...early(101) })),
      ...lasting('control', 20, 50).map(one => ({ ...one, ...early(50) })),
      ...many('experiment', 2, 2),
      ...many('control', 0, 4),
    ]
    expect(watch(samples).eValue).toBeGreaterThan(100)
    expect(watch(samples).isMet).toBe(false)
    // The other way round: sure that it fails, which is over; and half of the few requests of the window are slow.
    const over = [
      ...many('experiment', 20, 0, ATTACK_MS + 101),
      ...many('control', 0, 20, ATTACK_MS + 101),
      ...lasting('experiment', 2, 101),
      ...lasting('experiment', 2, 50),
      ...lasting('control', 4, 50),
    ]
    expect(watch(over).eValue).toBeGreaterThan(100)
    expect(watch(over).isMet).toBe(false)
  })

  test('still ends it for failures, quick or not', () => {
    expect(watch([...many('experiment', 14, 0), ...many('control', 0, 14)]).isMet).toBe(true)
  })

  test('is as without latency where no limit could be fixed, or none was asked for', () => {
    const samples = [...slow, ...many('experiment', 9, 1), ...many('control', 1, 9)]
    expect(watch(samples, null)).toEqual(look(samples))
    expect(new AbortWatch(rule, ATTACK_MS, 100).look(samples, NOW_MS)).toEqual(look(samples))
  })
})

describe('slowLimit()', () => {
  const baseline = { startMs: NOW_MS - 10_000, endMs: NOW_MS }
  const control = [...lasting('control', 990, 20), ...lasting('control', 10, 80)]

  test("is the control's p99 of the baseline", () => {
    expect(slowLimit([...control, ...lasting('experiment', 500, 500)], baseline)).toEqual({
      limitMs: 20,
      answers: 1000,
    })
    expect(slowLimit([...control, ...lasting('control', 1, 80)], baseline).limitMs).toBe(80)
  })

  test('is not known from too few answers, nor where the p99 is a time-out', () => {
    expect(slowLimit(control.slice(1), baseline)).toEqual({ limitMs: null, answers: 999 })
    expect(slowLimit([...control, ...lasting('control', 30, 9000, 'timeout')], baseline).limitMs).toBeNull()
    expect(slowLimit(control, { ...baseline, startMs: NOW_MS - 1_000 })).toEqual({
      limitMs: null,
      answers: 0,
    })
  })
})

describe('whenMet()', () => {
  const attack = { startMs: ATTACK_MS, endMs: NOW_MS }
  const failing = [
    ...many('experiment', 10, 0, ATTACK_MS + 3_550),
    ...many('control', 0, 10, ATTACK_MS + 3_550),
  ]

  test('is the first look at which enough is known, whatever the order of the samples', () => {
    expect(whenMet(rule, failing, attack, null)).toBe(ATTACK_MS + 4_000)
    expect(whenMet(rule, [...failing].reverse(), attack, null)).toBe(ATTACK_MS + 4_000)
  })

  test('is never for what is answered after the attack, nor where nothing fails', () => {
    expect(whenMet(rule, failing, { ...attack, endMs: ATTACK_MS + 4_000 }, null)).toBeNull()
    expect(whenMet(rule, many('experiment', 0, 50), attack, null)).toBeNull()
  })
})

/** An attack that is watched, and the samples it has so far. */
function watched() {
  const clock = quickClock(100)
  const samples: Sample[] = []
  const told: AbortEvidence[] = []
  const over = new AbortController()
  const attack = {
    samples: () => samples,
    clock,
    generatorMs: () => NOW_MS,
    slowMs: null,
    tell: told.push.bind(told),
  }
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
    const attack = { samples, clock, generatorMs: () => NOW_MS, slowMs: null, tell: () => undefined }
    const met = watchAbortRule(rule, attack, new AbortController().signal)
    await clock.sleep(100, new AbortController().signal)
    expect(met.reason?.message).toBe('no samples')
  })
})
