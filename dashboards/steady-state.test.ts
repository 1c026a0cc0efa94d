import { describe, expect, test } from '@jest/globals'
import { type Selector, selectorsOf } from '../alerts/promql.ts'
import { SLOS } from '../alerts/slo.ts'
import { SIGNAL_CHARTS } from '../services/oncall/web/live/signals.ts'
import { panelsOf, targetsOf } from './lint.ts'
import { steadyState } from './steady-state.ts'

/** Classes of answers that an expression sets apart from all of them. */
function classesOf(expression: string): readonly string[] {
  const told = ({ matchers }: Selector) =>
    matchers.filter(({ label }) => label === 'code').map(({ operator, value }) => `code${operator}"${value}"`)
  return [...new Set(selectorsOf(expression).flatMap(told))]
}

describe('Success ratio', () => {
  test('means the same on the front page, on the live page and in the promise', () => {
    const panels = panelsOf(steadyState()).filter(({ title }) => title?.startsWith('Success ratio'))
    const shown = panels.flatMap(targetsOf).map(({ expr }) => expr)
    const live = SIGNAL_CHARTS.find(({ id }) => id === 'success')?.query ?? ''
    const promise = SLOS.find(({ id }) => id === 'edge-availability')?.bad('1m') ?? ''

    expect(shown.length).toBe(6)
    expect([...shown, live, promise].map(classesOf)).toEqual(
      [...shown, live, promise].map(() => ['code="5xx"']),
    )
  })
})
