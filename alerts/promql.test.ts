import { describe, expect, test } from '@jest/globals'
import { labelsKept, metricsOf, selectorsOf } from './promql.ts'

const metrics = (expression: string) => selectorsOf(expression).map(({ metric }) => metric)

describe('selectorsOf()', () => {
  test.each([
    { expression: 'up', expected: ['up'] },
    { expression: 'sum by (job, group) (up) / count(up)', expected: ['up', 'up'] },
    { expression: 'sum(a) by (job) or vector(0)', expected: ['a'] },
    { expression: 'a * on (node) group_right (zone) (0 * b + 1)', expected: ['a', 'b'] },
    { expression: 'time() - max by (pod) (c_seconds{x="y",z=~"(a|b)"}) > bool 0', expected: ['c_seconds'] },
    { expression: 'level:metric:rate5m offset 5m unless d', expected: ['level:metric:rate5m', 'd'] },
    { expression: 'e{text="sum(f)"}', expected: ['e'] },
  ])('finds the metrics of $expression', ({ expression, expected }) => {
    expect(metrics(expression)).toEqual(expected)
  })

  test('tells matchers, range and the functions around', () => {
    const [selector] = selectorsOf(
      'histogram_quantile(0.99, sum by (le) (rate(a_bucket{group=~"$group",le!="x"}[$__rate_interval])))',
    )
    expect(selector).toEqual({
      metric: 'a_bucket',
      matchers: [
        { label: 'group', operator: '=~', value: '$group' },
        { label: 'le', operator: '!=', value: 'x' },
      ],
      range: '$__rate_interval',
      within: ['histogram_quantile', 'rate'],
    })
  })

  test('knows which functions are closed again', () => {
    const within = selectorsOf('rate(a[1m]) + (b)').map(selector => selector.within)
    expect(within).toEqual([['rate'], []])
  })

  test.each([
    { expression: 'sum(a', why: 'never closed' },
    { expression: 'a)', why: 'too many' },
    { expression: 'a{b="c"', why: "'}' is missing" },
    { expression: 'a ? b', why: "'? b' is none" },
  ])('refuses $expression', ({ expression, why }) => {
    expect(() => selectorsOf(expression)).toThrow(why)
  })
})

describe('labelsKept()', () => {
  test.each([
    { expression: 'sum by (group, le) (a)', expected: ['group', 'le'] },
    { expression: 'sum by (group) (a) / sum by (group, zone) (b)', expected: ['group', 'zone'] },
    { expression: 'max by (group) (a) - on (group, pod) b', expected: ['group', 'pod'] },
    { expression: 'a / on (slo) group_left () b', expected: null },
    { expression: 'rate(a[1m])', expected: null },
  ])('is $expected for $expression', ({ expression, expected }) => {
    expect(labelsKept(expression)).toEqual(expected)
  })
})

describe('metricsOf()', () => {
  test.each([
    { title: 'a metric alone', expr: 'up', metrics: ['up'] },
    {
      title: 'inside functions and aggregations',
      expr: 'sum by (group, le) (rate(a_total{b="c"}[1m]))',
      metrics: ['a_total'],
    },
    { title: 'on both sides, each once', expr: 'b / on (x) group_left (y) a > 2 and b', metrics: ['a', 'b'] },
    {
      title: 'recorded names with colons',
      expr: '1 - job:x:p50_rate30s offset 5m',
      metrics: ['job:x:p50_rate30s'],
    },
    {
      title: 'not what stands in strings, matchers, comments or lists of labels',
      expr: 'absent(up{job="edge up"}) # down\nor max without (z) (q)',
      metrics: ['q', 'up'],
    },
    { title: 'not numbers', expr: 'a > bool 1e3 + 0.5', metrics: ['a'] },
    { title: 'an aggregation whose labels stand behind', expr: 'sum(x) by (group)', metrics: ['x'] },
    { title: 'nothing in a constant', expr: 'vector(1)', metrics: [] },
  ])('finds $title', ({ expr, metrics }) => {
    expect(metricsOf(expr)).toEqual(metrics)
  })

  test('refuses an expression whose metrics it cannot know', () => {
    expect(() => metricsOf('{__name__=~"a.*"}')).toThrow('__name__')
  })
})
