import { describe, expect, test } from '@jest/globals'
import {
  factor,
  list,
  milliseconds,
  percent,
  plural,
  points,
  seconds,
  signalEffect,
  signalMargin,
} from './wording.ts'

describe('percent()', () => {
  test.each([
    { ratio: 1, expected: '100 %' },
    { ratio: 0, expected: '0 %' },
    { ratio: 0.97345, expected: '97.34 %' },
    // One failure in a million is not a hundred per cent, one success in a million not nothing.
    { ratio: 0.999999, expected: '99.99 %' },
    { ratio: 0.000001, expected: '0.01 %' },
  ])('writes $ratio as $expected', ({ ratio, expected }) => {
    expect(percent(ratio)).toBe(expected)
  })
})

describe('points()', () => {
  test.each([
    { difference: -0.0282, expected: '−2.82 pp' },
    { difference: 0.00034, expected: '+0.034 pp' },
    { difference: 0, expected: '0 pp' },
    { difference: -0.000001, expected: '0 pp' },
  ])('writes $difference as $expected', ({ difference, expected }) => {
    expect(points(difference)).toBe(expected)
  })
})

describe('milliseconds()', () => {
  test.each([
    { value: 0.0123, expected: '0.012 ms' },
    { value: 9.876, expected: '9.88 ms' },
    { value: 41.2, expected: '41.2 ms' },
    { value: 99.97, expected: '100 ms' },
    { value: 1204.4, expected: '1,204 ms' },
  ])('writes $value with three digits: $expected', ({ value, expected }) => {
    expect(milliseconds(value)).toBe(expected)
  })
})

describe('the words of a signal', () => {
  test('write ratios in points and latencies as factors, a margin as the limit of its effect', () => {
    expect(signalEffect('success_ratio', -0.004)).toBe('−0.40 pp')
    expect(signalMargin('success_ratio', 0.01)).toBe('−1.00 pp')
    expect(signalEffect('latency_p99', 68.24)).toBe('×68.2')
    expect(signalMargin('latency_p99', 3)).toBe('×3.00')
    expect(factor(12_345)).toBe('×12,345')
  })

  test('count and join as one would say it', () => {
    expect(plural(1, 'write')).toBe('1 write')
    expect(plural(1290, 'write')).toBe('1,290 writes')
    expect(seconds(7)).toBe('7 s')
    expect(seconds(7.04)).toBe('7 s')
    expect(list([])).toBe('nothing')
    expect(list(['a', 'b', 'c'])).toBe('a, b and c')
  })
})
