import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { type AlertCase, counts, hold, silent, then } from './cases/case.ts'
import { promtoolTest } from './promtool-tests.ts'
import type { AlertRule, RuleGroup } from './rule.ts'

const RULE: AlertRule = {
  name: 'TooMuch',
  expr: 'group:things:max > 2',
  guard: { forSeconds: 10 },
  severity: 'page',
  tier: 'cause',
  labels: { service: 'edge' },
  carries: ['group'],
  summary: '',
  description: '',
}
const CASE: AlertCase = {
  alert: 'TooMuch',
  fires: {
    told: { 'thing{group="control"}': '3x9' },
    notYetSeconds: 0,
    atSeconds: 10,
    labels: { group: 'control' },
    resolvedSeconds: 120,
  },
  quiet: [{ why: 'two', told: { thing: '2x9' }, atSeconds: 30 }],
}
const GROUPS: readonly RuleGroup[] = [
  {
    name: 'first',
    recordings: [
      { record: 'group:things:max', expr: 'max by (group) (node:things:sum)' },
      { record: 'node:things:sum', expr: 'sum by (group, node) (thing)' },
      { record: 'group:others:max', expr: 'max by (group) (other)' },
    ],
    alerts: [RULE],
  },
]

describe('promtoolTest()', () => {
  const made = promtoolTest(RULE, GROUPS, [CASE])

  test('brings along what the alert is made of, also by way of others, and nothing else', () => {
    expect(made.rules.recordings.map(({ record }) => record)).toEqual(['group:things:max', 'node:things:sum'])
    expect(made.rules.alerts).toEqual([RULE])
  })

  test('looks for the guard, the firing, the end, and each thing that must not set it off', () => {
    const { tests } = parse(made.test)

    expect(tests).toHaveLength(2)
    expect(tests[0].input_series).toEqual([{ series: 'thing{group="control"}', values: '3x9' }])
    expect(tests[0].promql_expr_test).toEqual([
      { expr: expect.stringContaining('# TooMuch does not fire yet'), eval_time: '0s', exp_samples: [] },
      {
        expr: 'ALERTS{alertname="TooMuch",alertstate="firing"} # TooMuch fires',
        eval_time: '10s',
        exp_samples: [
          {
            labels:
              'ALERTS{group="control",service="edge",severity="page",tier="cause",alertname="TooMuch",alertstate="firing"}',
            value: 1,
          },
        ],
      },
      { expr: expect.stringContaining('# TooMuch resolves'), eval_time: '2m', exp_samples: [] },
    ])
    expect(tests[1].promql_expr_test).toEqual([
      { expr: expect.stringContaining('# TooMuch is quiet: two'), eval_time: '30s', exp_samples: [] },
    ])
  })
})

describe('series of the cases', () => {
  test('hold() tells one sample a step', () => {
    // promtool's 7x3 is four samples.
    expect(hold(7, 20)).toBe('7x3')
    expect(hold(7, 120, 60)).toBe('7x1')
  })

  test('counts() grows by so much a second and never falls', () => {
    expect(
      counts([
        [10, 2],
        [15, 0],
        [5, 1],
      ]),
    ).toBe('0+10x1 20+0x2 20+5x0')
  })

  test('silent() and then() put gaps between', () => {
    expect(then(hold(1, 5), silent(10), '4')).toBe('1x0 _ _ 4')
  })

  test('refuse a time that is no multiple of the step', () => {
    expect(() => hold(1, 12)).toThrow('a multiple of 5s')
  })
})
