import { describe, expect, test } from '@jest/globals'
import { seriesOf } from './ask.ts'

describe('seriesOf()', () => {
  test('reads numbers, and leaves out what is none', () => {
    const told = {
      data: {
        result: [
          {
            metric: { group: 'control' },
            values: [
              [1, '0.5'],
              [2, 'NaN'],
              [3, '+Inf'],
            ] as const,
          },
        ],
      },
    }
    expect(seriesOf(told, 'x')).toEqual([{ labels: { group: 'control' }, points: [[1, 0.5]] }])
  })

  test('says why Prometheus refuses', () => {
    expect(() => seriesOf({ error: 'parse error' }, 'sum(')).toThrow("refuses 'sum(': parse error")
  })
})
