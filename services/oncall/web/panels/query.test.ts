import { describe, expect, test } from '@jest/globals'
import type { Variable } from './dashboard.ts'
import { aligned, type QueryContext, stepSeconds, substitute, variableQuery } from './query.ts'

const variable = (name: string, more: Partial<Variable> = {}): Variable => ({
  name,
  label: name,
  query: null,
  values: [],
  multi: true,
  includeAll: true,
  allValue: null,
  chosen: [],
  hidden: false,
  ...more,
})

const context = (chosen: QueryContext['chosen'], variables: readonly Variable[] = []): QueryContext => ({
  range: { fromSeconds: 1000, toSeconds: 1900 },
  stepSeconds: 5,
  variables,
  chosen,
})

describe('substitute()', () => {
  test.each([
    // max(5 + 5, 4 * 5): four scrapes
    { expr: 'rate(x[$__rate_interval])', step: 5, expected: 'rate(x[20s])' },
    // max(60 + 5, 20)
    { expr: 'rate(x[$__rate_interval])', step: 60, expected: 'rate(x[65s])' },
    { expr: `rate(x[$\{__interval}])`, step: 15, expected: 'rate(x[15s])' },
    { expr: 'increase(x[$__range])', step: 5, expected: 'increase(x[900s])' },
    { expr: 'x * $__range_s + $__interval_ms', step: 5, expected: 'x * 900 + 5000' },
    { expr: 'x @ ($__from / 1000)', step: 5, expected: 'x @ (1000000 / 1000)' },
  ])('fills in $expr', ({ expr, step, expected }) => {
    expect(substitute(expr, { ...context({}), stepSeconds: step })).toBe(expected)
  })

  test.each([
    { title: 'one value as it is', chosen: ['control'], expected: 'up{group=~"control"}' },
    {
      title: 'several as alternatives',
      chosen: ['control', 'experiment'],
      expected: 'up{group=~"(control|experiment)"}',
    },
    { title: 'none as the value for all', chosen: [], expected: 'up{group=~".*"}' },
    // The regular expression asks for \., its string in PromQL for \\.
    { title: 'dots as dots', chosen: ['a.b'], expected: 'up{group=~"a\\\\.b"}' },
    {
      title: 'quotes so that they do not end the string',
      chosen: ['a"} or up{x="'],
      expected: 'up{group=~"a\\"\\\\} or up\\\\{x=\\""}',
    },
  ])('puts $title', ({ chosen, expected }) => {
    const group = variable('group', { allValue: '.*' })

    expect(substitute('up{group=~"$group"}', context({ group: chosen }, [group]))).toBe(expected)
    expect(substitute(`up{group=~"$\{group:regex}"}`, context({ group: chosen }, [group]))).toBe(expected)
    expect(substitute('up{group=~"[[group]]"}', context({ group: chosen }, [group]))).toBe(expected)
  })

  test('lists all values of a variable without a value for all', () => {
    expect(substitute('$zone', context({ zone: [] }, [variable('zone', { values: ['a', 'b'] })]))).toBe(
      '(a|b)',
    )
    expect(substitute('$zone', context({ zone: [] }, [variable('zone')]))).toBe('.*')
  })

  test('compares a single choice as it is', () => {
    const single = variable('pod', { multi: false, includeAll: false })

    expect(substitute('up{pod="$pod"}', context({ pod: ['a.b'] }, [single]))).toBe('up{pod="a.b"}')
  })

  test('leaves what nobody knows, for Prometheus to name it', () => {
    expect(substitute('up{x="$nobody"}', context({}))).toBe('up{x="$nobody"}')
  })
})

describe('stepSeconds()', () => {
  test.each([
    { title: 'is never finer than samples come', length: 300, width: 2000, interval: '', expected: 5 },
    // 3600 s / (600 px / 2) = 12 s, next is 15 s
    { title: 'is as fine as can be seen', length: 3600, width: 600, interval: '', expected: 15 },
    { title: 'keeps to the least a query asks for', length: 300, width: 600, interval: '1m', expected: 60 },
    // 172800 / 300 = 576 s
    { title: 'grows with the time shown', length: 172_800, width: 600, interval: '', expected: 600 },
  ])('$title', ({ length, width, interval, expected }) => {
    expect(stepSeconds({ fromSeconds: 0, toSeconds: length }, width, interval)).toBe(expected)
  })
})

describe('aligned()', () => {
  test('asks for the same points again a moment later', () => {
    const early = aligned({ fromSeconds: 101, toSeconds: 1001 }, 5)

    expect(early).toEqual({ fromSeconds: 100, toSeconds: 1000 })
    expect(aligned({ fromSeconds: 104.9, toSeconds: 1004.9 }, 5)).toEqual(early)
  })
})

describe('variableQuery()', () => {
  test('asks for the values of a label that were seen in the time shown', () => {
    expect(variableQuery({ metric: 'up', label: 'zone' }, context({}))).toBe(
      'group by (zone) (last_over_time(up[900s]))',
    )
    expect(variableQuery({ metric: null, label: 'zone' }, context({}))).toBe(
      'group by (zone) (last_over_time({zone!=""}[900s]))',
    )
  })
})
