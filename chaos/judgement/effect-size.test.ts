import { describe, expect, test } from '@jest/globals'
import { cliffsDelta } from './effect-size.ts'

describe('cliffsDelta()', () => {
  test.each([
    {
      title: 'is 1 when every experiment value is larger',
      control: [10, 11],
      experiment: [20, 21, 22],
      expected: 1,
    },
    { title: 'is -1 when every one is smaller', control: [20, 21], experiment: [1], expected: -1 },
    // 6 pairs: 1>1 tie, 1<2, 1<4, 3>1, 3>2, 3<4: two above, three below.
    { title: 'lets ties count for neither side', control: [1, 2, 4], experiment: [1, 3], expected: -1 / 6 },
    { title: 'leaves out what has no value', control: [1, null, 4], experiment: [null, 3], expected: 0 },
    // scipy 1.17.1: u = mannwhitneyu(x, y).statistic; 2 * u / (len(x) * len(y)) - 1
    {
      title: 'agrees with scipy',
      control: [12, 15, 11, 19, 14, 15, 13],
      experiment: [15, 22, 13, 30, 15],
      expected: 0.5142857142857142,
    },
  ])('$title', ({ control, experiment, expected }) => {
    expect(cliffsDelta(control, experiment)).toBeCloseTo(expected, 12)
  })

  test('is not known without values', () => {
    expect(cliffsDelta([], [1])).toBeNull()
    expect(cliffsDelta([1], [null])).toBeNull()
  })
})
