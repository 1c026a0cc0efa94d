import { describe, expect, test } from '@jest/globals'
import { THEMES } from '../tokens.ts'
import { timeSeriesOption } from './chart.ts'
import { type Panel, parseDashboard } from './dashboard.ts'
import { type Exemplar, exemplarQuery, MOST_MARKS, newest, parseExemplars, thinned } from './exemplars.ts'

const TOKENS = THEMES.light
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

function panelOf(json: object): Panel {
  const panel = parseDashboard({ panels: [{ type: 'timeseries', ...json }] }).panels[0]
  if (panel === undefined) throw new Error('no panel was read')
  return panel
}

const exemplar = (seconds: number, value: number, more: Partial<Exemplar> = {}): Exemplar => ({
  seconds,
  value,
  traceId: seconds.toString(16).padStart(32, '0'),
  labels: { group: 'control' },
  ...more,
})

describe('exemplarQuery()', () => {
  const fill = (expr: string) => expr.replace('$group', '.*')

  test('asks once for all queries that want them, filled in', () => {
    const targets = [
      { expr: 'a{g=~"$group"}', exemplar: true },
      { expr: 'b', exemplar: true },
      { expr: 'b', exemplar: true },
      { expr: 'c' },
      { expr: 'd', exemplar: true, instant: true },
    ]
    expect(exemplarQuery(panelOf({ targets }), fill)).toBe('(a{g=~".*"}) or (b)')
  })

  test('asks nothing where no query wants them, or nothing could be marked', () => {
    expect(exemplarQuery(panelOf({ targets: [{ expr: 'a' }] }), fill)).toBeNull()
    const heat = panelOf({ type: 'heatmap', targets: [{ expr: 'a', exemplar: true }] })
    expect(exemplarQuery(heat, fill)).toBeNull()
  })
})

describe('parseExemplars()', () => {
  const one = (labels: object, value: string, timestamp: number) => ({ labels, value, timestamp })
  const answer = (...exemplars: object[]) => ({
    status: 'success',
    data: [{ seriesLabels: { group: 'experiment', le: '0.1' }, exemplars }],
  })

  test('reads them newest first, with the labels of their series', () => {
    const read = parseExemplars(
      answer(one({ trace_id: TRACE }, '0.07', 100.5), one({ trace_id: TRACE }, '0.09', 107)),
    )
    const labels = { group: 'experiment', le: '0.1' }
    expect(read).toEqual([
      { seconds: 107, value: 0.09, traceId: TRACE, labels },
      { seconds: 100.5, value: 0.07, traceId: TRACE, labels },
    ])
  })

  test('takes a request that stands in two series for one', () => {
    const { data } = answer(one({ trace_id: TRACE }, '0.07', 100))
    expect(parseExemplars({ status: 'success', data: [...data, ...data] })).toHaveLength(1)
  })

  test.each([
    { title: 'has no trace', labels: {}, value: '1', timestamp: 1 },
    { title: 'has what is no trace id', labels: { trace_id: '../../x' }, value: '1', timestamp: 1 },
    { title: 'has no finite value', labels: { trace_id: TRACE }, value: '+Inf', timestamp: 1 },
    { title: 'has no time', labels: { trace_id: TRACE }, value: '1', timestamp: Number.NaN },
  ])('leaves out what $title', ({ labels, value, timestamp }) => {
    expect(parseExemplars(answer(one(labels, value, timestamp)))).toEqual([])
  })

  test('says what Prometheus says when it refuses, and that something is no answer', () => {
    expect(() => parseExemplars({ status: 'error', error: 'parse error' })).toThrow('parse error')
    expect(() => parseExemplars({ status: 'success', data: { result: [] } })).toThrow(TypeError)
  })
})

describe('thinned()', () => {
  test('leaves few as they are', () => {
    const few = [exemplar(2, 1), exemplar(1, 2)]
    expect(thinned(few, 2)).toEqual(few)
  })

  test('keeps the largest of each stretch, over all of the time', () => {
    const seven = [5, 1, 9, 2, 2, 3, 4].map((value, index) => exemplar(index, value))
    // Stretches of 2, 3 and 2: 5 1 | 9 2 2 | 3 4
    expect(thinned(seven, 3).map(({ value }) => value)).toEqual([5, 9, 4])
  })
})

describe('newest()', () => {
  test('names five requests, each trace once', () => {
    const traceId = TRACE
    const eight = [9, 8, 7, 6, 5, 4, 3].map(seconds => exemplar(seconds, 1))
    const twice = [exemplar(11, 1, { traceId }), exemplar(10, 1, { traceId }), ...eight]
    expect(newest(twice).map(({ seconds }) => seconds)).toEqual([11, 9, 8, 7, 6])
  })
})

describe('timeSeriesOption()', () => {
  type Drawn = { type: string; data: unknown[]; yAxisIndex: number; tooltip: object }
  const marks = (
    exemplars: readonly Exemplar[],
    panel = panelOf({ targets: [{ expr: 'a', exemplar: true }] }),
  ) => {
    const option = timeSeriesOption({
      panel,
      series: [],
      annotations: [],
      exemplars,
      hrefOf: traceId => (traceId === TRACE ? `/${traceId}` : null),
      range: { fromSeconds: 0, toSeconds: 20 },
      stepSeconds: 5,
      tokens: TOKENS,
      widthPixels: 600,
    })
    return (option as { series: Drawn[] }).series.filter(({ type }) => type === 'scatter')
  }

  test('marks requests where they were measured, in the colour of their group, with where they lead', () => {
    const labels = { group: 'experiment' }
    const [drawn] = marks([exemplar(7, 0.25, { traceId: TRACE, labels }), exemplar(3, 0.1, { labels: {} })])

    expect(drawn?.data).toEqual([
      expect.objectContaining({
        name: 'experiment',
        value: [7000, 0.25],
        href: `/${TRACE}`,
        itemStyle: expect.objectContaining({ color: TOKENS.experiment }),
      }),
      expect.objectContaining({
        value: [3000, 0.1],
        href: null,
        itemStyle: expect.objectContaining({ color: TOKENS.ink2 }),
      }),
    ])
    expect(drawn).toMatchObject({ yAxisIndex: 0, tooltip: { trigger: 'item' } })
  })

  test('draws no series of marks without requests, and never too many', () => {
    expect(marks([])).toEqual([])
    const many = Array.from({ length: 5_000 }, (_, index) => exemplar(index, index))
    expect(marks(many)[0]?.data).toHaveLength(MOST_MARKS)
  })
})
