import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  type AlertFact,
  type AlertRow,
  type AlertRules,
  type FoldedAlert,
  foldRows,
  instanceOf,
  patienceMs,
  upsertRow,
} from './alert-fold.ts'

const RULES: AlertRules = { evaluationMs: 5_000, resendMs: 60_000, refireMs: 300_000 }
const PATIENCE = 240_000
const T = 1_795_000_000_000

/** Prometheus says at `atMs` that it fires since `startsMs`. */
const firing = (startsMs: number, atMs = startsMs): AlertFact => ({
  startsMs: T + startsMs,
  endsMs: T + atMs + PATIENCE,
  kind: 'firing',
  sourceMs: T + atMs,
  receivedMs: T + atMs,
})

const resolved = (startsMs: number, endsMs: number): AlertFact => ({
  startsMs: T + startsMs,
  endsMs: T + endsMs,
  kind: 'resolved',
  sourceMs: T + endsMs,
  receivedMs: T + endsMs,
})

function rowsOf(facts: readonly AlertFact[]): readonly AlertRow[] {
  const rows = new Map<number, AlertRow>()
  for (const fact of facts) rows.set(fact.startsMs, upsertRow(rows.get(fact.startsMs), fact))
  return [...rows.values()]
}

const fold = (facts: readonly AlertFact[], nowMs: number): readonly FoldedAlert[] =>
  foldRows(rowsOf(facts), [], [], RULES, T + nowMs)

describe('instanceOf()', () => {
  test('does not depend on the order of labels or on which replica sent them', () => {
    const one = instanceOf({ alertname: 'A', group: 'control', replica: '0' })
    expect(one).toMatch(/^[0-9a-f]{32}$/)
    expect(instanceOf({ group: 'control', alertname: 'A', prometheus_replica: '1' })).toBe(one)
  })

  test('tells label sets apart that only look alike when joined', () => {
    expect(instanceOf({ a: 'b,c=d' })).not.toBe(instanceOf({ a: 'b', c: 'd' }))
  })
})

describe('patienceMs()', () => {
  test('is four times the longer period', () => {
    expect(patienceMs(RULES)).toBe(PATIENCE)
    expect(patienceMs({ ...RULES, evaluationMs: 90_000 })).toBe(360_000)
  })
})

describe('foldRows()', () => {
  test('says that an alert fires until it is told otherwise', () => {
    const [event, ...others] = fold([firing(0), firing(0, 60_000)], 61_000)
    expect(others).toEqual([])
    expect(event).toMatchObject({
      state: 'firing',
      firedMs: T,
      endedMs: null,
      firingMs: 60_000,
      flapCount: 0,
    })
  })

  test('ends an event at the instant Prometheus gives, however often it says so', () => {
    const events = fold([firing(0), resolved(0, 42_000), resolved(0, 42_000)], 900_000)
    expect(events).toEqual([
      expect.objectContaining({ state: 'resolved', endedMs: T + 42_000, firingMs: 42_000, flapCount: 0 }),
    ])
  })

  test('keeps a resolve when a late repeat of the firing comes after it', () => {
    const events = fold([resolved(0, 42_000), firing(0, 40_000)], 50_000)
    expect(events).toEqual([expect.objectContaining({ state: 'resolved', endedMs: T + 42_000 })])
  })

  test('merges rows within two evaluations: nothing fired again', () => {
    const facts = [firing(0), resolved(0, 20_000), firing(30_000), resolved(30_000, 50_000)]
    expect(fold(facts, 60_000)).toEqual([
      expect.objectContaining({ state: 'resolved', endedMs: T + 50_000, flapCount: 0, firingMs: 50_000 }),
    ])
  })

  test('knows a group of rules with a longer interval by how long its alerts are valid', () => {
    // Evaluated every 120 s: valid for 480 s, and away for one evaluation is not away.
    const slow = (startsMs: number): AlertFact => ({ ...firing(startsMs), endsMs: T + startsMs + 480_000 })
    const facts = [slow(0), resolved(0, 120_000), slow(360_000), resolved(360_000, 480_000)]
    expect(fold(facts, 500_000)).toEqual([expect.objectContaining({ flapCount: 0, firingMs: 480_000 })])
    const later = [slow(0), resolved(0, 120_000), slow(361_000), resolved(361_000, 480_000)]
    expect(fold(later, 500_000)).toEqual([expect.objectContaining({ flapCount: 1, firingMs: 239_000 })])
    // The silence in which a gap counts is as long.
    const gaps = [{ fromMs: T + 400_000, toMs: T + 420_000 }]
    expect(foldRows(rowsOf([slow(0)]), [], gaps, RULES, T + 900_000)[0]?.state).toBe('unknown')
  })

  test('counts a re-fire within five minutes as a flap of the same event, without the time between', () => {
    const facts = [firing(0), resolved(0, 20_000), firing(30_001), resolved(30_001, 50_001)]
    expect(fold(facts, 60_000)).toEqual([
      expect.objectContaining({ state: 'resolved', endedMs: T + 50_001, flapCount: 1, firingMs: 40_000 }),
    ])
  })

  test.each([
    { title: 'at five minutes it is the same event', gapMs: 300_000, events: 1 },
    { title: 'after five minutes it is a new one', gapMs: 300_001, events: 2 },
  ])('re-fire: $title', ({ gapMs, events }) => {
    const again = 20_000 + gapMs
    const facts = [firing(0), resolved(0, 20_000), firing(again), resolved(again, again + 1_000)]
    expect(fold(facts, again + 2_000)).toHaveLength(events)
  })

  test('takes an alert that fires again for firing, with its flap', () => {
    const facts = [firing(0), resolved(0, 20_000), firing(60_000)]
    expect(fold(facts, 61_000)).toEqual([
      expect.objectContaining({ state: 'firing', endedMs: null, flapCount: 1, firingMs: 20_000 }),
    ])
  })

  test('goes on with the same event when Prometheus restarts and the start is another', () => {
    const facts = [firing(0), firing(0, 60_000), firing(90_000), resolved(90_000, 120_000)]
    expect(fold(facts, 130_000)).toEqual([
      expect.objectContaining({ state: 'resolved', firedMs: T, endedMs: T + 120_000, flapCount: 0 }),
    ])
  })

  test('does not let an old row that ran out take back the resolve of the one after it', () => {
    // The first was never resolved and is valid until 300 s; the second resolved at 120 s.
    const facts = [firing(0, 60_000), firing(90_000), resolved(90_000, 120_000)]
    expect(fold(facts, 130_000)).toEqual([expect.objectContaining({ state: 'resolved' })])
  })

  test('expires an alert of which nobody speaks any more; what it fired is what was seen', () => {
    const facts = [firing(0), firing(0, 60_000)]
    expect(fold(facts, 60_000 + PATIENCE)).toEqual([expect.objectContaining({ state: 'firing' })])
    expect(fold(facts, 60_001 + PATIENCE)).toEqual([
      expect.objectContaining({ state: 'expired', endedMs: T + 60_000 + PATIENCE, firingMs: 60_000 }),
    ])
  })

  test.each([
    { title: 'a gap in the silence makes it unknown', fromMs: 100_000, toMs: 110_000, state: 'unknown' },
    { title: 'a gap before the last word does not', fromMs: 10_000, toMs: 60_000, state: 'expired' },
    { title: 'a gap after the silence does not', fromMs: 300_000, toMs: 310_000, state: 'expired' },
  ])('expired: $title', ({ fromMs, toMs, state }) => {
    const gaps = [{ fromMs: T + fromMs, toMs: T + toMs }]
    const [event] = foldRows(rowsOf([firing(0, 60_000)]), [], gaps, RULES, T + 900_000)
    expect(event?.state).toBe(state)
  })

  test('does not count as a flap what fires again after it had only run out', () => {
    const again = PATIENCE + 200_000
    expect(fold([firing(0), firing(again)], again)).toEqual([
      expect.objectContaining({ state: 'firing', flapCount: 0 }),
    ])
  })

  test('clamps a negative duration to 0 and says that a clock is suspect', () => {
    expect(fold([firing(0), resolved(0, -7_000)], 10_000)).toEqual([
      expect.objectContaining({ state: 'resolved', endedMs: T, firingMs: 0, clockSuspect: true }),
    ])
  })

  test('keeps the first notification of each event, and of no other', () => {
    const facts = [firing(0), resolved(0, 20_000), firing(400_000), resolved(400_000, 410_000)]
    const told = [
      { startsMs: T, receivedMs: T + 31_000 },
      { startsMs: T, receivedMs: T + 30_000 },
    ]
    const events = foldRows(rowsOf(facts), told, [], RULES, T + 500_000)
    expect(events.map(({ notifiedMs }) => notifiedMs)).toEqual([T + 30_000, null])
    const ofTheSecond = [{ startsMs: T + 400_000, receivedMs: T + 405_000 }]
    const again = foldRows(rowsOf(facts), ofTheSecond, [], RULES, T + 500_000)
    expect(again.map(({ notifiedMs }) => notifiedMs)).toEqual([null, T + 405_000])
  })

  const interval = fc
    .record({
      startsMs: fc.integer({ min: 0, max: 3_000_000 }),
      lengthMs: fc.integer({ min: 0, max: 500_000 }),
      isResolved: fc.boolean(),
      repeats: fc.integer({ min: 1, max: 3 }),
    })
    .map(({ startsMs, lengthMs, isResolved, repeats }) => [
      ...Array.from({ length: repeats }, (_, index) =>
        firing(startsMs, startsMs + Math.floor((lengthMs * index) / repeats)),
      ),
      ...(isResolved ? [resolved(startsMs, startsMs + lengthMs)] : []),
    ])
  const history = fc.uniqueArray(interval, {
    selector: facts => facts[0]?.startsMs ?? 0,
    minLength: 1,
    maxLength: 8,
  })
  const NOW = 10_000_000

  test('gives the same events in whatever order and however often the facts come', () => {
    const shuffled = history.chain(facts => {
      const flat = facts.flat()
      return fc.tuple(
        fc.constant(flat),
        fc.shuffledSubarray([...flat, ...flat], { minLength: flat.length * 2 }),
      )
    })
    fc.assert(
      fc.property(shuffled, ([facts, again]) => {
        expect(fold(again, NOW)).toEqual(fold(facts, NOW))
      }),
      { seed: 7 },
    )
  })

  test('gives events that do not overlap, further apart than the re-fire time, and never a negative duration', () => {
    fc.assert(
      fc.property(history, facts => {
        const events = fold(facts.flat(), NOW)
        for (const [index, { firedMs, endedMs, firingMs }] of events.entries()) {
          expect(firingMs).toBeGreaterThanOrEqual(0)
          expect(firingMs).toBeLessThanOrEqual((endedMs ?? T + NOW) - firedMs)
          const next = events[index + 1]
          if (next !== undefined) {
            expect(next.firedMs - (endedMs ?? Number.POSITIVE_INFINITY)).toBeGreaterThan(RULES.refireMs)
          }
        }
        const starts = events.map(({ firedMs }) => firedMs)
        expect(Math.min(...starts)).toBe(Math.min(...facts.flat().map(({ startsMs }) => startsMs)))
      }),
      { seed: 7 },
    )
  })

  test('gives the same last events from the rows after an event that is over: older ones need not be read', () => {
    fc.assert(
      fc.property(history, facts => {
        const rows = rowsOf(facts.flat())
        const events = foldRows(rows, [], [], RULES, T + NOW)
        for (const [index, { endedMs }] of events.entries()) {
          const rest = rows.filter(({ startsMs }) => startsMs > (endedMs ?? 0))
          expect(foldRows(rest, [], [], RULES, T + NOW)).toEqual(events.slice(index + 1))
        }
      }),
      { seed: 7 },
    )
  })
})
