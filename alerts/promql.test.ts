import { describe, expect, test } from '@jest/globals'
import { metricsOf } from './promql.ts'

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
