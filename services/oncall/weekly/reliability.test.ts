import { describe, expect, test } from '@jest/globals'
import { parseWeek } from './iso-week.ts'
import { reliabilityOf, uncoveredMs, unionOf } from './reliability.ts'
import type { Sev } from './report.ts'

// It begins in 2026 and ends in 2027.
const WEEK = parseWeek('2026-W53')
const HOUR = 3_600_000
const at = (hours: number) => WEEK.fromMs + hours * HOUR
const OWNER = { group: 'experiment', service: 'gateway', induced: false }

/** An incident with an impact of that many hours, found out after 6 minutes. */
function sev(fromHours: number, hours: number, change: Partial<Sev> = {}): Sev {
  const fromMs = at(fromHours)
  const toMs = fromMs + hours * HOUR
  return {
    ...OWNER,
    id: `SEV2-${fromHours}`,
    level: 2,
    openedMs: fromMs + 360_000,
    endedMs: toMs,
    runId: null,
    alerts: [],
    slos: [],
    impact: { fromMs, toMs, isOver: true },
    sharedCause: false,
    detection: { outcome: 'detected', atMs: fromMs + 360_000, afterMs: 360_000, alert: 'a' },
    recoverMs: toMs - fromMs - 360_000,
    restoreMs: toMs - fromMs,
    chain: { injectedMs: null, impactMs: fromMs, pendingMs: null, firingMs: null, notifiedMs: null },
    ...change,
  }
}
const without = {
  impact: null,
  recoverMs: null,
  restoreMs: null,
  detection: { outcome: 'no_impact' },
} as const

function row(sevs: readonly Sev[], owner = OWNER, observed = [{ fromMs: at(0), toMs: at(100) }]) {
  const [first] = reliabilityOf([owner], sevs, WEEK, observed)
  if (first === undefined) throw new Error('Cannot find the row')
  return first
}

describe('reliabilityOf()', () => {
  test('takes impact and gaps off what was observed, and divides by the failures', () => {
    // Observed 90 h of 100; impacts of 2 h and 3 h that overlap by 1 h, and 1 h of which half lies in the gap.
    const observed = [
      { fromMs: at(0), toMs: at(50) },
      { fromMs: at(60), toMs: at(100) },
    ]
    const { mtbfMs, uptimeMs, isFew } = row([sev(10, 2), sev(11, 3), sev(49.5, 1)], OWNER, observed)
    expect(uptimeMs).toBe((90 - 4 - 0.5) * HOUR)
    expect(mtbfMs).toBe(uptimeMs / 3)
    expect(isFew).toBe(true)
  })

  test('has no time between failures without one: it is more than the uptime', () => {
    expect(row([])).toMatchObject({ mtbfMs: null, uptimeMs: 100 * HOUR, sevs: { 1: 0, 2: 0, 3: 0, 4: 0 } })
  })

  test('counts outcomes, levels and durations', () => {
    const counted = row([
      sev(1, 1),
      sev(5, 3, { level: 1 }),
      sev(20, 1, { detection: { outcome: 'missed' }, recoverMs: null }),
      sev(30, 1, { detection: { outcome: 'pre_existing', alert: 'a' }, recoverMs: null }),
      sev(40, 1, { ...without, level: 4 }),
    ])
    expect(counted).toMatchObject({
      sevs: { 1: 1, 2: 3, 3: 0, 4: 1 },
      ...{ detected: 2, withImpact: 4, preExisting: 1, missed: 1, isFew: false },
      detect: { n: 2, meanMs: 360_000, isFew: true },
      recover: { n: 2, meanMs: 2 * HOUR - 360_000 },
      restore: { n: 4, meanMs: 1.5 * HOUR },
    })
  })

  test('never mixes what was induced with what was not, but is down for both', () => {
    const sevs = [sev(1, 1), sev(5, 2, { induced: true })]
    expect(row(sevs)).toMatchObject({
      restore: { n: 1, meanMs: HOUR },
      uptimeMs: 97 * HOUR,
      mtbfMs: 97 * HOUR,
    })
    expect(row(sevs, { ...OWNER, induced: true })).toMatchObject({ restore: { n: 1, meanMs: 2 * HOUR } })
    expect(row(sevs, { ...OWNER, group: 'control' })).toMatchObject({ mtbfMs: null, uptimeMs: 100 * HOUR })
  })

  test('leaves a shared cause out of what it says of attacks, and counts it', () => {
    const shared = sev(1, 1, { induced: true, sharedCause: true })
    const induced = { ...OWNER, induced: true }
    expect(row([shared, sev(5, 1, { induced: true })], induced)).toMatchObject({
      sevs: { 2: 2 },
      ...{ detected: 1, withImpact: 1, mtbfMs: 98 * HOUR },
      restore: { n: 1 },
    })
    expect(row([sev(1, 1, { sharedCause: true })])).toMatchObject({ detected: 1 })
  })

  test('counts an incident in the week in which its impact began, and once', () => {
    const counts = (...sevs: Sev[]) => {
      const { sevs: levels, carriedOver } = row(sevs)
      return [levels[2], carriedOver]
    }
    expect(counts(sev(0, 1))).toEqual([1, 0])
    // Opened within the week, felt before it.
    expect(counts(sev(-0.01, 1))).toEqual([0, 1])
    // Opened before 2027-01-04, and over after it.
    expect(counts(sev(7 * 24 - 0.2, 1))).toEqual([1, 0])
    expect(counts(sev(7 * 24, 1))).toEqual([0, 0])
    expect(counts(sev(-5, 1))).toEqual([0, 0])
    expect(counts(sev(-5, 1, { endedMs: null }))).toEqual([0, 1])
    expect(counts(sev(-5, 1, { ...without, openedMs: at(1), endedMs: at(2) }))).toEqual([1, 0])
  })
})

describe('unionOf()', () => {
  test('joins what overlaps or touches', () => {
    const of = (...pairs: [number, number][]) =>
      unionOf(pairs.map(([fromMs, toMs]) => ({ fromMs, toMs }))).map(({ fromMs, toMs }) => [fromMs, toMs])
    expect(of([5, 9], [1, 3], [3, 4], [6, 7], [8, 12])).toEqual([
      [1, 4],
      [5, 12],
    ])
    expect(of()).toEqual([])
  })
})

describe('uncoveredMs()', () => {
  test('counts what no part covers', () => {
    const whole = [
      { fromMs: 0, toMs: 10 },
      { fromMs: 20, toMs: 30 },
    ]
    expect(
      uncoveredMs(whole, [
        { fromMs: 8, toMs: 21 },
        { fromMs: 9, toMs: 22 },
      ]),
    ).toBe(16)
    expect(uncoveredMs([], [{ fromMs: 0, toMs: 1 }])).toBe(0)
  })
})
