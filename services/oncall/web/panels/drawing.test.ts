import { describe, expect, test } from '@jest/globals'
import { THEMES } from '../tokens.ts'
import { type ChartInput, timeSeriesOption } from './chart.ts'
import { namedColour, strokes } from './colours.ts'
import { type Panel, parseDashboard } from './dashboard.ts'
import { figuresOf } from './figures.ts'
import { heatmapOption, heatTable } from './heatmap.ts'
import type { Series } from './result.ts'
import { tableOf } from './table.ts'

const TOKENS = THEMES.light

function panelOf(json: object): Panel {
  const panel = parseDashboard({ panels: [{ type: 'timeseries', ...json }] }).panels[0]
  if (panel === undefined) throw new Error('no panel was read')
  return panel
}

const series = (name: string, labels: Series['labels'], points: Series['points'], refId = 'A'): Series => ({
  refId,
  name,
  labels,
  points,
})

const input = (panel: Panel, list: readonly Series[], more: Partial<ChartInput> = {}): ChartInput => ({
  panel,
  series: list,
  annotations: [],
  exemplars: [],
  hrefOf: () => null,
  range: { fromSeconds: 0, toSeconds: 20 },
  stepSeconds: 5,
  tokens: TOKENS,
  widthPixels: 600,
  ...more,
})

type Drawn = {
  name: string
  data: unknown[]
  yAxisIndex?: number
  stack?: string
  lineStyle?: { color: string; type: unknown }
  markArea?: { data: unknown[] }
  markLine?: { data: { yAxis?: number }[] }
}
const drawn = (option: object) => (option as { series: Drawn[] }).series

describe('timeSeriesOption()', () => {
  const lines = [
    series('control', { group: 'control' }, [
      [0, 1],
      [5, 2],
    ]),
    series('experiment', { group: 'experiment' }, [
      [0, 3],
      [15, 4],
    ]),
  ]

  test('draws each series in the colour of its group, with its gaps', () => {
    const [, control, experiment] = drawn(timeSeriesOption(input(panelOf({}), lines)))

    expect(control).toMatchObject({
      name: 'control',
      data: [
        [0, 1],
        [5000, 2],
      ],
      lineStyle: { color: TOKENS.control, type: 'solid' },
    })
    expect(experiment?.lineStyle?.color).toBe(TOKENS.experiment)
    // A point alone between gaps has a mark of its own.
    expect(experiment?.data).toEqual([
      { value: [0, 3], symbol: 'circle', symbolSize: 4 },
      [5000, null],
      { value: [15_000, 4], symbol: 'circle', symbolSize: 4 },
    ])
  })

  test('shades attacks within the time shown, and only there', () => {
    const annotations = [
      { fromSeconds: -50, toSeconds: -10, title: 'over' },
      { fromSeconds: 10, toSeconds: 40, title: 'latency' },
    ]
    const [marks] = drawn(timeSeriesOption(input(panelOf({}), lines, { annotations })))

    expect(marks?.markArea?.data).toEqual([[{ name: 'latency', xAxis: 10_000 }, { xAxis: 20_000 }]])
  })

  test('draws thresholds as lines where the panel says so', () => {
    const defaults = (mode: string) => ({
      fieldConfig: {
        defaults: {
          custom: { thresholdsStyle: { mode } },
          thresholds: {
            steps: [
              { color: 'green', value: null },
              { color: 'red', value: 0.5 },
            ],
          },
        },
      },
    })
    const at = (mode: string) =>
      drawn(timeSeriesOption(input(panelOf(defaults(mode)), lines)))[0]?.markLine?.data.map(
        ({ yAxis }) => yAxis,
      )

    expect(at('line')).toEqual([0.5])
    expect(at('off')).toEqual([])
  })

  test('stacks, and puts a series on the right axis with its own unit', () => {
    const overrides = [
      {
        matcher: { id: 'byName', options: 'experiment' },
        properties: [
          { id: 'custom.axisPlacement', value: 'right' },
          { id: 'unit', value: 's' },
        ],
      },
    ]
    const panel = panelOf({
      fieldConfig: { defaults: { unit: 'bytes', custom: { stacking: { mode: 'normal' } } }, overrides },
    })
    const option = timeSeriesOption(input(panel, lines)) as {
      yAxis: { position: string; axisLabel: { formatter: (value: number) => string } }[]
    }
    const [, control, experiment] = drawn(option)

    expect([control?.yAxisIndex, experiment?.yAxisIndex]).toEqual([0, 1])
    expect([control?.stack, experiment?.stack]).toEqual(['stack-0', 'stack-1'])
    expect(option.yAxis.map(axis => axis.axisLabel.formatter(2).replace('\u00a0', ' '))).toEqual([
      '2 B',
      '2 s',
    ])
  })
})

describe('strokes()', () => {
  const line = (name: string, group?: string) => ({
    name,
    labels: group === undefined ? {} : { group },
    field: panelOf({}).field,
  })

  test('tell several lines of one group apart by their dashes', () => {
    const found = strokes([line('a', 'control'), line('b', 'control'), line('c', 'experiment')], TOKENS)

    expect(found.map(({ colour }) => colour)).toEqual([TOKENS.control, TOKENS.control, TOKENS.experiment])
    expect(found[0]?.dash).toBe('solid')
    expect(found[1]?.dash).toEqual([6, 4])
  })

  test('keep colours apart for what belongs to no group', () => {
    const found = strokes(
      ['a', 'b', 'c'].map(name => line(name)),
      TOKENS,
    )

    expect(new Set(found.map(({ colour }) => colour)).size).toBe(3)
  })
})

describe('namedColour()', () => {
  test.each([
    { name: 'semi-dark-red', expected: TOKENS.down },
    { name: 'green', expected: TOKENS.healthy },
    { name: '#12ab34', expected: '#12ab34' },
    { name: 'url(https://example.org)', expected: null },
    { name: null, expected: null },
  ])('of $name is $expected', ({ name, expected }) => {
    expect(namedColour(name, TOKENS)).toBe(expected)
  })
})

describe('heatTable()', () => {
  test('takes the buckets below out of each bucket', () => {
    const buckets = [
      series('+Inf', { le: '+Inf' }, [[0, 10]]),
      series('0.1', { le: '0.1' }, [[0, 4]]),
      series('0.5', { le: '0.5' }, [[0, 9]]),
    ]

    expect(heatTable(buckets)).toEqual({
      rows: ['0.1', '0.5', '+Inf'],
      cells: [
        [0, 0, 4],
        [0, 1, 5],
        [0, 2, 1],
      ],
    })
  })

  test('draws nothing below nothing', () => {
    const option = heatmapOption(input(panelOf({ type: 'heatmap' }), [series('1', { le: '1' }, [[0, 0]])]))

    expect(drawn(option)[0]?.data).toEqual([])
  })
})

describe('figuresOf()', () => {
  const defaults = {
    unit: 'percentunit',
    thresholds: {
      steps: [
        { color: 'red', value: null },
        { color: 'green', value: 0.99 },
      ],
    },
  }

  test('reduces each series to a number with its colour and place', () => {
    const panel = panelOf({
      type: 'stat',
      fieldConfig: { defaults },
      options: { reduceOptions: { calcs: ['mean'] } },
    })
    const [figure] = figuresOf(
      panel,
      [
        series('control', {}, [
          [0, 1],
          [5, 0.5],
        ]),
      ],
      TOKENS,
      0,
    )

    expect(figure).toMatchObject({ name: 'control', value: 0.75, share: 0.75, colour: TOKENS.down })
    expect(figure?.text).toBe('75\u00a0%')
  })

  test('gives no place and no colour to what has no value', () => {
    const [figure] = figuresOf(
      panelOf({ fieldConfig: { defaults } }),
      [series('x', {}, [[0, null]])],
      TOKENS,
      0,
    )

    expect(figure).toMatchObject({ text: '–', share: null, colour: null })
  })
})

describe('tableOf()', () => {
  const rows = [
    series('', { group: 'control', pod: 'b' }, [[10, 2]]),
    series('', { group: 'control', pod: 'a' }, [[10, 1]]),
  ]
  const target = { targets: [{ refId: 'A', expr: 'x' }] }

  test('has a row for each series: labels, then the value', () => {
    const table = tableOf(panelOf({ type: 'table', ...target }), rows, TOKENS, 0)

    expect(table.columns.map(({ name }) => name)).toEqual(['Time', 'group', 'pod', 'Value'])
    expect(table.rows.map(cells => cells.map(({ text }) => text))).toEqual([
      ['1970-01-01 00:00:10', 'control', 'b', '2'],
      ['1970-01-01 00:00:10', 'control', 'a', '1'],
    ])
  })

  test('does the transformations it knows, and names those it does not', () => {
    const transformations = [
      { id: 'sortBy', options: { sort: [{ field: 'pod' }] } },
      {
        id: 'organize',
        options: {
          excludeByName: { Time: true },
          renameByName: { pod: 'Pod' },
          indexByName: { pod: 0, group: 1 },
        },
      },
      { id: 'calculateField', options: {} },
    ]
    const table = tableOf(panelOf({ type: 'table', ...target, transformations }), rows, TOKENS, 0)

    expect(table.columns.map(({ name }) => name)).toEqual(['Pod', 'group', 'Value'])
    expect(table.rows.map(cells => cells[0]?.text)).toEqual(['a', 'b'])
    expect(table.unknown).toEqual(['calculateField'])
  })

  test('puts the values of several queries side by side', () => {
    const two = [series('', { pod: 'a' }, [[10, 1]], 'A'), series('', { pod: 'a' }, [[10, 9]], 'B')]
    const targets = [
      { refId: 'A', expr: 'x' },
      { refId: 'B', expr: 'y' },
    ]
    const table = tableOf(panelOf({ type: 'table', targets }), two, TOKENS, 0)

    expect(table.columns.map(({ name }) => name)).toEqual(['Time', 'pod', 'Value #A', 'Value #B'])
    expect(table.rows).toHaveLength(1)
  })
})
