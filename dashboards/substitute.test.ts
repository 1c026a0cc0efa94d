import { describe, expect, test } from '@jest/globals'
import { substitute, type Viewed } from './substitute.ts'

const viewed: Viewed = {
  choices: { group: [], zone: ['a'] },
  stepSeconds: 15,
  rangeSeconds: 900,
  scrapeSeconds: 5,
}

describe('substitute()', () => {
  test.each([
    { title: 'four scrapes when points are dense', stepSeconds: 5, expected: 'rate(x[20s])' },
    { title: 'a step and a scrape when points are far apart', stepSeconds: 60, expected: 'rate(x[65s])' },
    { title: 'whole seconds', stepSeconds: 20.4, expected: 'rate(x[26s])' },
  ])('makes $__rate_interval $title', ({ stepSeconds, expected }) => {
    expect(substitute('rate(x[$__rate_interval])', { ...viewed, stepSeconds })).toBe(expected)
  })

  test('knows the step and the time shown', () => {
    expect(substitute('x[$__range:$__interval]', viewed)).toBe('x[900s:15s]')
  })

  test.each([
    { title: 'everything for none', group: [], expected: 'x{group=~".*"}' },
    { title: 'one value as it is', group: ['control'], expected: 'x{group=~"control"}' },
    { title: 'alternatives for several', group: ['a', 'b'], expected: 'x{group=~"(a|b)"}' },
    {
      title: 'a value with a dot escaped within a string',
      group: ['a.b'],
      expected: String.raw`x{group=~"a\\.b"}`,
    },
  ])('puts $title', ({ group, expected }) => {
    expect(substitute('x{group=~"$group"}', { ...viewed, choices: { group } })).toBe(expected)
  })

  test('reads a name in braces', () => {
    expect(substitute(`x{zone=~"$\{zone}"}`, viewed)).toBe('x{zone=~"a"}')
  })

  test('leaves the end of a regular expression alone', () => {
    expect(substitute('x{y=~"a$"}', viewed)).toBe('x{y=~"a$"}')
  })

  test('refuses a variable that nobody offers', () => {
    expect(() => substitute('x{node="$node"}', viewed)).toThrow("'$node': known are $__rate_interval")
  })
})
