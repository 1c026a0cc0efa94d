import { describe, expect, test } from '@jest/globals'
import { parseDashboard } from './dashboard.ts'
import { display, format, thresholdColor } from './units.ts'

/** Settings of a field as a dashboard writes them. */
function field(defaults: object) {
  const { panels } = parseDashboard({ panels: [{ type: 'stat', fieldConfig: { defaults } }] })
  const settings = panels[0]?.field
  if (settings === undefined) throw new Error('no panel was read')
  return settings
}

describe('format()', () => {
  test.each([
    { value: 0.99713, unit: 'percentunit', decimals: null, expected: '99.71 %' },
    { value: 0.99713, unit: 'percentunit', decimals: 3, expected: '99.713 %' },
    { value: 42, unit: 'percent', decimals: null, expected: '42 %' },
    { value: -0.0123, unit: 'pp', decimals: null, expected: '−1.23 pp' },
    { value: 0.0123, unit: 's', decimals: null, expected: '12.3 ms' },
    { value: 12_300, unit: 'ms', decimals: null, expected: '12.3 s' },
    { value: 5400, unit: 's', decimals: null, expected: '1.5 h' },
    { value: 60, unit: 's', decimals: null, expected: '1 min' },
    { value: 0, unit: 's', decimals: null, expected: '0 s' },
    { value: 1536, unit: 'bytes', decimals: null, expected: '1.5 KiB' },
    { value: 1_500_000, unit: 'Bps', decimals: null, expected: '1.5 MB/s' },
    { value: 1_234_567, unit: 'short', decimals: null, expected: '1.23 M' },
    { value: 1000, unit: 'short', decimals: null, expected: '1 K' },
    { value: 61.88, unit: 'reqps', decimals: null, expected: '61.88 req/s' },
    { value: 1234.5, unit: 'none', decimals: 1, expected: '1,234.5' },
    { value: 0.00042, unit: '', decimals: null, expected: '0.00042' },
    { value: 1, unit: 'bool_yes_no', decimals: null, expected: 'Yes' },
    { value: 3, unit: 'suffix: cores', decimals: null, expected: '3 cores' },
    { value: 7, unit: 'a unit that nobody knows', decimals: null, expected: '7' },
    { value: Number.POSITIVE_INFINITY, unit: 's', decimals: null, expected: '∞' },
    { value: null, unit: 's', decimals: null, expected: '–' },
    { value: Number.NaN, unit: 's', decimals: null, expected: '–' },
  ])('writes $value $unit as $expected', ({ value, unit, decimals, expected }) => {
    expect(format(value, unit, decimals).replaceAll('\u00a0', ' ')).toBe(expected)
  })

  test('tells times from now', () => {
    expect(format(1_000_000, 'dateTimeFromNow', null, 1_090_000).replaceAll('\u00a0', ' ')).toBe('2 min ago')
    expect(format(0, 'dateTimeAsIso', null)).toBe('1970-01-01 00:00:00')
  })
})

describe('display()', () => {
  const mappings = [
    { type: 'value', options: { 0: { text: 'down', color: 'red' }, 1: { text: 'up', color: 'green' } } },
    { type: 'range', options: { from: 10, to: 20, result: { text: 'some' } } },
    { type: 'special', options: { match: 'null', result: { text: 'nobody said' } } },
  ]

  test.each([
    { value: 0, text: 'down', color: 'red' },
    { value: 1, text: 'up', color: 'green' },
    { value: 15, text: 'some', color: null },
    { value: 20, text: 'some', color: null },
    { value: 21, text: '21', color: null },
    { value: null, text: 'nobody said', color: null },
  ])('puts the word for $value', ({ value, text, color }) => {
    expect(display(value, field({ mappings }))).toEqual({ text, color })
  })

  test('says what stands for no value', () => {
    expect(display(null, field({ noValue: 'none yet' })).text).toBe('none yet')
  })
})

describe('thresholdColor()', () => {
  const thresholds = {
    mode: 'absolute',
    steps: [
      { color: 'red', value: null },
      { color: 'yellow', value: 0.9 },
      { color: 'green', value: 0.99 },
    ],
  }

  test.each([
    { value: 0.5, expected: 'red' },
    { value: 0.9, expected: 'yellow' },
    { value: 0.98, expected: 'yellow' },
    { value: 1, expected: 'green' },
    { value: null, expected: null },
  ])('of $value is $expected', ({ value, expected }) => {
    expect(thresholdColor(value, field({ thresholds }))).toBe(expected)
  })

  test('compares a share of the span when steps are percentages', () => {
    const settings = field({
      min: 10,
      max: 20,
      thresholds: {
        ...thresholds,
        mode: 'percentage',
        steps: [
          { color: 'green', value: null },
          { color: 'red', value: 50 },
        ],
      },
    })

    expect(thresholdColor(14.9, settings)).toBe('green')
    expect(thresholdColor(15, settings)).toBe('red')
  })
})
