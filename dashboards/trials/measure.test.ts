import { describe, expect, test } from '@jest/globals'
import { COVERAGE } from '../coverage.ts'
import { dashboards } from '../files.ts'
import type { Series } from './changes.ts'
import { laterOf } from './expectations.ts'
import { measure, measureUnmoved, questionsOf, unitOf } from './measure.ts'

const PAGES = dashboards()
const WHOLE = { fromSeconds: 100, untilSeconds: 200 }
const STRETCHES = {
  before: { fromSeconds: 100, untilSeconds: 120 },
  during: { fromSeconds: 125, untilSeconds: 160 },
}

const rowOf = (what: string) => {
  const covered = COVERAGE.find(row => row.what === what)
  if (covered === undefined) throw new Error(`no row ${what}`)
  return covered
}

describe('questionsOf()', () => {
  test.each(COVERAGE)('$what: asks for $metric, with no variable left', covered => {
    const questions = questionsOf(covered, WHOLE, PAGES)
    expect(questions).not.toEqual([])
    for (const query of questions) {
      expect(query).toContain(covered.metric)
      expect(query).not.toMatch(/\$[{\w]|\[\[/)
    }
  })

  test('asks for the experiment as well where the page shows the query for the control', () => {
    const [control, experiment] = questionsOf(rowOf('Latency of requests'), WHOLE, PAGES)
    expect(control).toContain('group="control"')
    expect(experiment).toBe(control?.replaceAll('control', 'experiment'))
  })
})

describe('unitOf()', () => {
  test.each([
    ['Memory', 'percentunit'],
    ['Latency of requests', 's'],
  ])('%s is shown in %s', (what, unit) => {
    expect(unitOf(rowOf(what), PAGES)).toBe(unit)
  })
})

describe('measure()', () => {
  const jump = (labels: Series['labels'], to: number): Series => ({
    labels,
    points: [
      [110, 1],
      [130, to],
    ],
  })

  /** Everything moves in the experiment only, save for what belongs to no group. */
  const ask = async (query: string): Promise<readonly Series[]> => {
    if (query.startsWith('ALERTS{alertname!=')) {
      const firing = { alertname: 'CpuStarved', alertstate: 'firing', group: 'experiment' }
      return [{ labels: firing, points: [[150, 1]] }]
    }
    if (query.includes('unschedulable')) return [jump({}, 2)]
    if (query.includes('group="')) return [jump({}, query.includes('group="control"') ? 1 : 9e9)]
    return [
      jump({ group: 'experiment', phase: 'Pending', zone: 'b' }, 9e9),
      jump({ group: 'control', phase: 'Pending' }, 1),
      jump({ group: 'system' }, 9e12),
    ]
  }

  test('tells of the rows of the disturbance how both groups went, and what their alerts did', async () => {
    const { rows } = await measure('work', ['a fault'], STRETCHES, ask)
    expect(rows.find(({ what }) => what === 'CPU')).toEqual({
      what: 'CPU',
      in: 'work',
      by: 'cpu',
      unit: 'suffix: cores',
      changes: {
        experiment: { of: 'Pending b', before: 1, during: 9e9, moved: true },
        control: { of: 'Pending', before: 1, during: 1, moved: false },
      },
      alerts: { CpuStarved: 'fires' },
    })
    expect(rows.map(({ what }) => what)).not.toContain('Packet loss')
  })

  test('keeps what each owner heard of alerts', async () => {
    const { record } = await measure('work', ['a fault'], STRETCHES, ask)
    expect(record).toEqual({
      name: 'work',
      day: '1970-01-01',
      faults: ['a fault'],
      alerts: { experiment: { CpuStarved: 'fires' }, control: {}, lab: {} },
    })
  })

  test('tells of what belongs to no group as of the lab, and looks only at the labels it is to have', async () => {
    const { rows } = await measure('names', [], STRETCHES, ask)
    expect(rows.find(({ what }) => what === 'Capacity: closed nodes')).toMatchObject({
      changes: { lab: { before: 1, during: 2, moved: true } },
    })
    const withoutRoom = rows.find(({ what }) => what === 'Capacity: pods without room')
    expect(withoutRoom).toMatchObject({ changes: { experiment: { of: 'Pending b' } } })
    const none = await measure('names', [], STRETCHES, async () => [
      jump({ group: 'experiment', phase: 'Running' }, 9),
    ])
    expect(none.rows.find(({ what }) => what === 'Capacity: pods without room')).toMatchObject({
      changes: {},
    })
  })
})

describe('measure() of what shows late', () => {
  test('looks for it longer than for all else', async () => {
    const asked: [string, number][] = []
    await measure('silence', [], STRETCHES, async (query, _, untilSeconds) => {
      asked.push([query, untilSeconds])
      return []
    })
    const late = asked.filter(([query]) => query.includes('rate5m'))
    expect(late.map(([, untilSeconds]) => untilSeconds)).toEqual([160 + laterOf('silence')])
    expect(laterOf('silence')).toBeGreaterThan(0)
    expect(asked.filter(([query]) => !query.includes('rate5m')).every(([, until]) => until === 160)).toBe(
      true,
    )
  })
})

describe('measureUnmoved()', () => {
  test('tells between what all series stay, and that there is none', async () => {
    const ask = async (query: string): Promise<readonly Series[]> =>
      query.includes('cfs')
        ? []
        : [
            {
              labels: {},
              points: [
                [110, 2],
                [120, 3],
                [130, 2],
              ],
            },
            { labels: { zone: 'b' }, points: [[110, 1]] },
          ]
    const rows = await measureUnmoved(WHOLE, ask)
    expect(rows.find(({ what }) => what === 'CPU, held back')).toMatchObject({ values: null })
    expect(rows.find(({ what }) => what === 'Alerting: delivery')).toMatchObject({
      values: { lowest: 1, highest: 3 },
    })
  })
})
