import { describe, expect, test } from '@jest/globals'
import type { AttackWindow } from './report.ts'
import { coverageOf, ruleScores } from './rule-scores.ts'
import { spreadOf } from './spread.ts'

const attack = (kind: string, beginMs: number): AttackWindow => ({
  runId: `run-${beginMs}`,
  fault: 0,
  kind,
  group: 'experiment',
  service: 'gateway',
  zone: null,
  beginMs,
  endMs: beginMs + 100,
  untilMs: beginMs + 160,
})
const ATTACKS = [
  attack('pod-kill', 1_000),
  attack('latency', 2_000),
  attack('pod-kill', 3_000),
  attack('loss', 4_000),
]
const FINDINGS = [
  { rule: 'Errors', attack: 0, firedMs: 1_030 },
  { rule: 'Errors', attack: 2, firedMs: 3_050 },
  { rule: 'Slow', attack: 0, firedMs: 1_010 },
  { rule: 'Slow', attack: 1, firedMs: 2_000 },
]

describe('ruleScores()', () => {
  test('holds a rule against the attacks of the kinds it has fired at, and no other', () => {
    const counts = [
      { rule: 'Slow', events: 9, induced: 3 },
      { rule: 'Disk', events: 4, induced: 0 },
      { rule: 'Errors', events: 2, induced: 2 },
    ]

    expect(ruleScores(counts, ATTACKS, FINDINGS)).toEqual([
      { rule: 'Disk', events: 4, induced: 0, attacks: 0, found: 0, delay: spreadOf([]) },
      { rule: 'Errors', events: 2, induced: 2, attacks: 2, found: 2, delay: spreadOf([30, 50]) },
      // Both kills and the latency: it missed the second kill.
      { rule: 'Slow', events: 9, induced: 3, attacks: 3, found: 2, delay: spreadOf([10, 0]) },
    ])
  })

  test('knows a rule that fired only after the week, at an attack of its last minute', () => {
    const [score] = ruleScores([], ATTACKS, [{ rule: 'Late', attack: 3, firedMs: 4_100 }])
    expect(score).toEqual({
      rule: 'Late',
      events: 0,
      induced: 0,
      attacks: 1,
      found: 1,
      delay: spreadOf([100]),
    })
  })
})

describe('coverageOf()', () => {
  test('lists what fired at each kind, and what nothing shows', () => {
    const findings = [
      ...FINDINGS,
      { rule: 'Slow', attack: 2, firedMs: 3_001 },
      { rule: 'A', attack: 1, firedMs: 2_001 },
    ]
    const panels = { 'pod-kill': ['red / errors'], loss: ['red / retries'], unused: ['red / none'] }

    expect(coverageOf(ATTACKS, findings, panels)).toEqual({
      kinds: [
        {
          kind: 'latency',
          attacks: 1,
          rules: [
            { rule: 'A', found: 1 },
            { rule: 'Slow', found: 1 },
          ],
          panels: [],
        },
        { kind: 'loss', attacks: 1, rules: [], panels: ['red / retries'] },
        {
          kind: 'pod-kill',
          attacks: 2,
          rules: [
            { rule: 'Errors', found: 2 },
            { rule: 'Slow', found: 2 },
          ],
          panels: ['red / errors'],
        },
      ],
      silentKinds: ['loss'],
      unseenKinds: ['latency'],
    })
  })

  test('has nothing to say without an attack', () => {
    expect(coverageOf([], [], {})).toEqual({ kinds: [], silentKinds: [], unseenKinds: [] })
  })
})
