import { describe, expect, test } from '@jest/globals'
import type { CellState, LiveState } from '../../contract.ts'
import { exampleLive, exampleRun } from '../example-lab.ts'
import { THEMES } from '../tokens.ts'
import { lastValue, signalLines, signalOption } from './chart.ts'
import { changes, known, STALE_MS, squares } from './freshness.ts'
import { headline, renderEvidence, renderMap, renderRun } from './render.ts'
import { SIGNAL_CHARTS } from './signals.ts'

const NOW_MS = Date.UTC(2026, 10, 21, 12)
const fresh = (state: LiveState | null) => known(state, 0, 0)
const quiet = (state: CellState = 'healthy'): LiveState => {
  const live = exampleLive(NOW_MS)
  return { ...live, attacks: [], run: null, services: live.services.map(cell => ({ ...cell, state })) }
}

describe('known()', () => {
  test('believes a state for a while only', () => {
    expect(known(quiet(), 1000, 1000 + STALE_MS).stale).toBe(false)
    expect(known(quiet(), 1000, 1001 + STALE_MS).stale).toBe(true)
    expect(known(null, 1000, 1000).stale).toBe(true)
  })
})

describe('squares()', () => {
  test('has every service of every group and zone, known or not', () => {
    const all = squares(fresh({ ...quiet(), services: [] }))

    // 3 services in 3 zones and the edge, of two groups
    expect(all).toHaveLength(2 * (3 * 3 + 1))
    expect(new Set(all.map(({ state }) => state))).toEqual(new Set(['unknown']))
  })

  test('are never healthy on old data or on none', () => {
    for (const state of [known(quiet(), 0, STALE_MS + 1), fresh(null)]) {
      expect(squares(state).map(square => square.state)).not.toContain('healthy')
      expect(renderMap('control', state).markup).not.toContain('tile healthy')
      expect(headline(state, NOW_MS).tone).toBe('unknown')
    }
  })
})

describe('headline()', () => {
  test.each([
    {
      title: 'a halt before everything',
      state: { ...exampleLive(NOW_MS), halt: 'a drill' },
      says: 'Everything is halted',
      tone: 'bad',
    },
    {
      title: 'an attack before what it breaks',
      state: exampleLive(NOW_MS),
      says: 'An attack is on',
      tone: 'attacked',
    },
    {
      title: 'what is down without an attack',
      state: quiet('down'),
      says: '20 places down, no attack is on',
      tone: 'bad',
    },
    {
      title: 'what recovers',
      state: quiet('recovering'),
      says: '20 places not whole yet',
      tone: 'recovering',
    },
    {
      title: 'what nothing is known of',
      state: { ...quiet(), services: [], problems: ['Prometheus does not answer'] },
      says: 'Nothing is known of 20 of 20 places',
      tone: 'unknown',
    },
    { title: 'that all is well, last', state: quiet(), says: 'All 20 places are healthy', tone: 'healthy' },
  ])('says $title', ({ state, says, tone }) => {
    expect(headline(fresh(state), NOW_MS)).toMatchObject({ title: says, tone })
  })
})

describe('changes()', () => {
  test('are told once, in words', () => {
    expect(changes(fresh(quiet()), fresh(exampleLive(NOW_MS)))).toEqual([
      'Run network-latency has begun.',
      'experiment gateway in zone c: recovering.',
      'experiment recommender in zone b: attacked.',
      'experiment database in zone c: down.',
    ])
    expect(changes(fresh(quiet()), fresh(quiet()))).toEqual([])
  })

  test('tell of a halt, of its end, and of data that got old', () => {
    const halted = fresh({ ...quiet(), halt: 'a drill' })

    expect(changes(fresh(quiet()), halted)).toEqual(['Everything is halted: a drill.'])
    expect(changes(halted, fresh(quiet()))).toEqual(['The halt is over.'])
    expect(changes(fresh(quiet()), known(quiet(), 0, STALE_MS + 1))).toEqual([
      'No fresh data: the map is not up to date.',
    ])
  })
})

describe('renderRun()', () => {
  test('shows phase, attack, evidence and time line of the run that is on', () => {
    const { markup } = renderRun(exampleLive(NOW_MS), exampleRun(NOW_MS), NOW_MS)

    expect(markup).toContain('<li aria-current="step">attack</li>')
    expect(markup).toContain('on for 20\u00a0s; proven: 17 packets held')
    expect(markup).toContain('e = 14 of 100')
    expect(markup).toContain('effect proven')
  })

  test('says how to begin when nothing runs', () => {
    expect(renderRun(quiet(), null, NOW_MS).markup).toContain('divergence run')
  })
})

describe('renderEvidence()', () => {
  const at = (eValue: number, aborted = false) =>
    renderEvidence({ aborted, abort: { atMs: 0, eValue, limit: 100, detail: '' } }).markup

  test.each([
    // log 10 / log 100
    { eValue: 10, share: 50 },
    { eValue: 0.2, share: 0 },
    { eValue: 100, share: 100 },
    { eValue: 1e9, share: 100 },
  ])('of e = $eValue fills $share %', ({ eValue, share }) => {
    expect(at(eValue)).toContain(`aria-valuenow="${share}"`)
  })

  test('says when the limit is met, and when the attack was called off', () => {
    expect(at(99)).toContain('From the limit on it is sure')
    expect(at(100)).toContain('It is sure; the attack is called off when it is bad as well')
    expect(at(100, true)).toContain('The attack was called off')
  })
})

describe('signalLines()', () => {
  test('takes the control off where both have a value', () => {
    const series = [
      {
        refId: '',
        name: '',
        labels: { group: 'experiment' },
        points: [
          [0, 5],
          [5, 7],
          [10, null],
        ],
      },
      {
        refId: '',
        name: '',
        labels: { group: 'control' },
        points: [
          [0, 4],
          [10, 4],
        ],
      },
    ] as const

    expect(signalLines(series).difference).toEqual([
      [0, 1],
      [5, null],
      [10, null],
    ])
  })

  test('without a group there is no line', () => {
    expect(signalLines([])).toEqual({ control: [], experiment: [], difference: [] })
  })
})

describe('lastValue()', () => {
  test('is not one that is long over', () => {
    expect(
      lastValue(
        [
          [0, 1],
          [5, null],
        ],
        30,
      ),
    ).toBe(1)
    expect(
      lastValue(
        [
          [0, 1],
          [5, null],
        ],
        31,
      ),
    ).toBeNull()
  })
})

describe('signalOption()', () => {
  test('gives a ratio an axis that does not make a trifle look tall', () => {
    const chart = SIGNAL_CHARTS[0]
    if (chart === undefined) throw new Error('there is no chart')
    const axisFor = (lowest: number) => {
      const lines = { control: [[0, 1]], experiment: [[0, lowest]], difference: [[0, lowest - 1]] } as const
      const option = signalOption({
        chart,
        lines,
        attacks: [],
        range: { fromSeconds: 0, toSeconds: 9 },
        stepSeconds: 5,
        tokens: THEMES.dark,
        widthPixels: 500,
      })
      return (option as { yAxis: { min: number; max: number }[] }).yAxis.map(({ min, max }) => [min, max])
    }

    // The difference's axis: 0.004 reaches to 0.005 on both sides, 0.4 to 0.5.
    expect(axisFor(0.996)).toEqual([
      [0.99, 1],
      [-0.005, 0.005],
    ])
    // Nothing wrong at all: a percentage point is what a person would look for.
    expect(axisFor(1)[1]).toEqual([-0.01, 0.01])
    expect(axisFor(0.6)).toEqual([
      [0.5, 1],
      [-0.5, 0.5],
    ])
  })
})
