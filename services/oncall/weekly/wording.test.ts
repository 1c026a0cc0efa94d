import { describe, expect, test } from '@jest/globals'
import { emptyReport, exampleReport, smallReport } from './example-report.ts'
import type { Detection, Reliability } from './report.ts'
import {
  behindMean,
  detectionText,
  mtbfText,
  observedText,
  outOf,
  percent,
  pooled,
  rankChange,
  span,
  summary,
  weekDates,
  weekTitle,
} from './wording.ts'

const SECOND_MS = 1_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** With plain spaces: the ones in figures are never broken at the end of a line. */
const plain = (text: string) => text.replaceAll('\u00a0', ' ')

const ofReport = (group: string, induced: boolean) =>
  exampleReport().reliability.filter(row => row.group === group && row.induced === induced)

describe('span()', () => {
  test.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [4_230, '4.2 s'],
    [89_400, '89 s'],
    [95_000, '1 min 35 s'],
    [120_000, '2 min'],
    // Rounded before it is parted: never 60 s of a minute, nor 24 h of a day.
    [3_599_600, '1 h'],
    [47.6 * HOUR_MS, '47 h 36 min'],
    [2 * DAY_MS - 1, '2 d'],
    [6 * DAY_MS + 23 * HOUR_MS, '6 d 23 h'],
    [7 * DAY_MS - 60_000, '7 d'],
  ])('of %d ms is %s', (ms, expected) => {
    expect(plain(span(ms))).toBe(expected)
  })
})

describe('percent()', () => {
  test.each([
    [0, '0 %'],
    [0.001, '< 1 %'],
    [0.5, '50 %'],
    [0.999, '> 99 %'],
    [1, '100 %'],
  ])('of %d is %s', (share, expected) => {
    expect(plain(percent(share))).toBe(expected)
  })
})

describe('outOf()', () => {
  test('says of how many, and nothing of none', () => {
    expect(plain(outOf(3, 4))).toBe('3 of 4 (75 %)')
    expect(outOf(0, 0)).toBe('–')
  })
})

describe('mtbfText()', () => {
  test('never gives a number where nothing failed', () => {
    expect(plain(mtbfText({ mtbfMs: null, uptimeMs: 6 * DAY_MS + 23 * HOUR_MS }))).toBe(
      '> 6 d 23 h, no failure',
    )
    expect(plain(mtbfText({ mtbfMs: 2 * DAY_MS, uptimeMs: 6 * DAY_MS }))).toBe('2 d')
  })
})

describe('behindMean()', () => {
  test('tells how many and how sure, and marks what is few', () => {
    const mean = { n: 4, meanMs: 1, p50Ms: 42_000, p90Ms: 60_000, lowMs: 30_000, highMs: 61_000, isFew: true }

    expect(plain(behindMean(mean))).toBe('n 4, few; p50 42 s, p90 60 s; 95 %: 30 s to 61 s')
    expect(plain(behindMean({ ...mean, n: 1, lowMs: null, highMs: null }))).toBe(
      'n 1, few; p50 42 s, p90 60 s',
    )
  })
})

describe('detectionText()', () => {
  const texts: readonly (readonly [Detection, string])[] = [
    [{ outcome: 'detected', atMs: 0, afterMs: 42_000, alert: 'A' }, 'A after 42 s'],
    [{ outcome: 'pre_existing', alert: 'A' }, 'A fired before'],
    [{ outcome: 'missed' }, 'missed: no alert while it lasted'],
    [{ outcome: 'no_impact' }, 'no impact beyond the control group is known'],
  ]
  test.each(texts)('of %j', (detection, expected) => {
    expect(plain(detectionText(detection))).toBe(expected)
  })
})

describe('pooled()', () => {
  test('lets each incident count the same, whatever its service', () => {
    const all = pooled(ofReport('experiment', true))

    // 6 of the gateway at 42 s and 1 of the database at 22 s.
    expect(all.detect).toEqual({ n: 7, meanMs: ((6 * 42 + 22) / 7) * SECOND_MS })
    expect([all.detected, all.withImpact]).toEqual([7, 8])
    expect(all.sevs).toEqual({ 1: 1, 2: 6, 3: 1, 4: 0 })
    // 7 failures of the gateway and 1 of the database in twice 4 d 22 h.
    expect(all.failures).toBe(8)
    expect(all.mtbfMs).toBeCloseTo((2 * (4 * DAY_MS + 22 * HOUR_MS)) / 8, 3)
  })

  test('has no time between failures where there was none', () => {
    const quiet = ofReport('control', false).filter(({ service }) => service === 'database')

    expect(pooled(quiet)).toMatchObject({ failures: 0, mtbfMs: null, detect: { n: 0, meanMs: null } })
    // Away all the time is not the same as never away.
    const always = ofReport('experiment', true).map(row => ({ ...row, mtbfMs: 0, uptimeMs: 0 }))
    expect(pooled(always)).toMatchObject({ failures: 8, mtbfMs: 0 })
    expect(pooled([] as Reliability[])).toMatchObject({ uptimeMs: 0, mtbfMs: null })
  })
})

describe('weekDates()', () => {
  test('says both years where a week has two', () => {
    const newYear = { fromMs: Date.UTC(2026, 11, 28), toMs: Date.UTC(2027, 0, 4) }

    expect(weekTitle({ week: '2026-W53' })).toBe('Week 53 of 2026')
    expect(weekDates(newYear)).toBe('Monday 28 December 2026 to Sunday 3 January 2027')
    expect(weekDates(exampleReport())).toBe('Monday 16 November to Sunday 22 November 2026')
  })
})

describe('observedText()', () => {
  test('tells the share of the time so far, and the gaps', () => {
    expect(plain(observedText(exampleReport()))).toBe(
      '98 % of the time so far was observed (5 d 10 h). For 2 h nobody looked.',
    )
    expect(plain(observedText(emptyReport()))).toBe(
      '2 % of it was observed (3 h 22 min). For 6 d 21 h nobody looked.',
    )
    expect(observedText({ ...exampleReport(), madeMs: 0 })).toBe('It has not begun.')
  })
})

describe('summary()', () => {
  test('keeps what was induced apart from what was not, and says what is few', () => {
    expect(summary(exampleReport()).map(plain)).toEqual([
      '12 alerts fired by themselves, 5 of them noise, 2 of them still open; 30 were induced by experiments, 1 of them still open.',
      'Incidents: 1 SEV4 in the control group; in the experimental group 1 SEV3 by itself and 1 SEV1, 6 SEV2, 1 SEV3 by experiments.',
      'Alerts found 7 of 8 induced incidents that users felt; the mean time to find out was 39 s, to recover from then on 1 min 50 s.',
      '9 experiments ran: 7 diverged, 1 resilient, 1 running.',
    ])
    expect(summary(smallReport()).join(' ')).toContain('So few say little.')
  })

  test('does not call silence good where nobody looked', () => {
    expect(summary(emptyReport()).map(plain)).toEqual([
      'No alert in this week; 2 % of it was observed.',
      'There was no incident.',
      'No experiment ran.',
    ])
  })
})

describe('summary() of a week in which nothing began', () => {
  test('tells of what went on from before', () => {
    const alerts = exampleReport().alerts.filter(({ carriedOver }) => carriedOver > 0)
    const report = { ...emptyReport(), alerts: alerts.map(row => ({ ...row, events: 0 })) }

    expect(plain(summary(report)[0] ?? '')).toBe(
      'No alert began in this week, and from before went on: 1 not induced; 2 % of it was observed.',
    )
  })
})

describe('rankChange()', () => {
  test.each([
    [1, 3, '▲ 2', 'up from rank 3'],
    [4, 1, '▼ 3', 'down from rank 1'],
    [2, 2, '=', 'the same rank as in the week before'],
    [2, null, 'new', 'not in the week before'],
  ])('of rank %d that was %s before', (rank, before, sign, words) => {
    expect(rankChange(rank, before)).toEqual({ sign, words })
  })
})
