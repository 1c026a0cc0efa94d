import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { durationSeconds, parseDashboard, settingsOf } from './dashboard.ts'

const example: unknown = JSON.parse(
  readFileSync(new URL('../example-dashboard.json', import.meta.url), 'utf8'),
)

describe('parseDashboard()', () => {
  const dashboard = parseDashboard(example)

  test('reads what is shown, and for how long', () => {
    expect(dashboard).toMatchObject({ uid: 'example', rangeSeconds: 900, refreshSeconds: 10 })
    expect(dashboard.panels.map(({ type }) => type)).toEqual([
      'row',
      'stat',
      'bargauge',
      'table',
      'timeseries',
      'heatmap',
      'timeseries',
      'nodeGraph',
    ])
    expect(dashboard.annotations).toEqual([
      { name: 'Attacks', expr: 'max by (kind) (attack_active)', titleFormat: '{{kind}}' },
    ])
  })

  test('leaves out the data source: there is one behind the page', () => {
    expect(
      dashboard.variables.map(({ name, values, query, allValue, chosen }) => ({
        name,
        values,
        query,
        allValue,
        chosen,
      })),
    ).toEqual([
      { name: 'group', values: ['control', 'experiment', 'system'], query: null, allValue: '.*', chosen: [] },
      { name: 'zone', values: [], query: { metric: 'up', label: 'zone' }, allValue: '.*', chosen: [] },
    ])
  })

  test('finds the metric of a variable also when its matchers have commas', () => {
    const list = [{ type: 'query', name: 'pod', query: { query: 'label_values(up{a="b",c=~"d, e"}, pod)' } }]

    expect(parseDashboard({ panels: [], templating: { list } }).variables[0]?.query).toEqual({
      metric: 'up{a="b",c=~"d, e"}',
      label: 'pod',
    })
  })

  test('reads which queries mark single requests', () => {
    const marking = dashboard.panels.flatMap(({ title, targets }) =>
      targets.filter(({ exemplar }) => exemplar).map(() => title),
    )
    expect(marking).toEqual(['Latency, p95'])
  })

  test('finds panels inside folded rows, and no hidden query', () => {
    const panels = [
      {
        type: 'row',
        panels: [{ type: 'stat', id: 7, targets: [{ expr: 'up', hide: true }, { expr: 'down' }] }],
      },
    ]

    expect(parseDashboard({ panels }).panels[1]?.targets).toMatchObject([{ refId: 'B', expr: 'down' }])
  })

  test('refuses what is no dashboard', () => {
    expect(() => parseDashboard({ error: 'not found' })).toThrow('it has no list of panels')
    expect(() => parseDashboard(null)).toThrow(TypeError)
  })
})

describe('settingsOf()', () => {
  const overrides = [
    {
      matcher: { id: 'byName', options: 'p99' },
      properties: [
        { id: 'unit', value: 's' },
        { id: 'custom.axisPlacement', value: 'right' },
      ],
    },
    {
      matcher: { id: 'byRegexp', options: '/^p9/' },
      properties: [
        { id: 'color', value: { mode: 'fixed', fixedColor: 'red' } },
        { id: 'max', value: null },
      ],
    },
    { matcher: { id: 'byFrameRefID', options: 'B' }, properties: [{ id: 'decimals', value: 1 }] },
  ]
  const panel = parseDashboard({
    panels: [{ type: 'timeseries', fieldConfig: { defaults: { unit: 'ms', max: 9 }, overrides } }],
  }).panels[0]
  if (panel === undefined) throw new Error('no panel was read')

  test('are the overrides that match, one after the other', () => {
    expect(settingsOf(panel, 'p99', 'A')).toMatchObject({
      unit: 's',
      custom: { axisPlacement: 'right' },
      fixedColor: 'red',
      max: null,
    })
    expect(settingsOf(panel, 'p95', 'B')).toMatchObject({ unit: 'ms', fixedColor: 'red', decimals: 1 })
    expect(settingsOf(panel, 'p50', 'A')).toBe(panel.field)
  })
})

describe('durationSeconds()', () => {
  test.each([
    { text: '30s', expected: 30 },
    { text: '1h30m', expected: 5400 },
    { text: '500ms', expected: 0.5 },
    { text: '', expected: null },
    { text: 'now', expected: null },
  ])('of "$text" is $expected', ({ text, expected }) => {
    expect(durationSeconds(text)).toBe(expected)
  })
})
