import { describe, expect, test } from '@jest/globals'
import { intervals, legend, parseAnswer, reduce, type Series, withGaps } from './result.ts'

const matrix = (...result: readonly object[]) => ({
  status: 'success',
  data: { resultType: 'matrix', result },
})

describe('parseAnswer()', () => {
  test('reads lines, with gaps for what is not a number', () => {
    const answer = matrix({
      metric: { group: 'control' },
      values: [
        [10, '1.5'],
        [15, 'NaN'],
        [20, '+Inf'],
      ],
    })

    expect(parseAnswer(answer, 'A', 'group {{group}}')).toEqual([
      {
        refId: 'A',
        name: 'group control',
        labels: { group: 'control' },
        points: [
          [10, 1.5],
          [15, null],
          [20, Number.POSITIVE_INFINITY],
        ],
      },
    ])
  })

  test('reads single values and bare numbers', () => {
    const vector = {
      status: 'success',
      data: { resultType: 'vector', result: [{ metric: {}, value: [10, '2'] }] },
    }
    const scalar = { status: 'success', data: { resultType: 'scalar', result: [10, '3'] } }

    expect(parseAnswer(vector, 'A', '')[0]).toMatchObject({ name: 'A', points: [[10, 2]] })
    expect(parseAnswer(scalar, 'B', 'three')[0]).toMatchObject({ name: 'three', points: [[10, 3]] })
  })

  test('tells a refusal in the words of Prometheus', () => {
    const refusal = {
      status: 'error',
      errorType: 'bad_data',
      error: 'parse error: unclosed left parenthesis',
    }

    expect(() => parseAnswer(refusal, 'A', '')).toThrow('parse error: unclosed left parenthesis')
    expect(() => parseAnswer({ title: 'Bad gateway' }, 'A', '')).toThrow(TypeError)
  })
})

describe('legend()', () => {
  test.each([
    { format: '{{group}} {{ zone }}', labels: { group: 'control', zone: 'a' }, expected: 'control a' },
    { format: '{{group}} {{zone}}', labels: { group: 'control' }, expected: 'control' },
    { format: '', labels: { __name__: 'up', group: 'control' }, expected: 'up{group="control"}' },
    { format: '', labels: { __name__: 'up' }, expected: 'up' },
    { format: '__auto', labels: { __name__: 'up', group: 'control' }, expected: 'control' },
  ])('of "$format" is "$expected"', ({ format, labels, expected }) => {
    expect(legend(labels, format)).toBe(expected)
  })
})

describe('withGaps()', () => {
  test('breaks the line where points are missing', () => {
    expect(
      withGaps(
        [
          [0, 1],
          [5, 2],
          [20, 3],
        ],
        5,
      ),
    ).toEqual([
      [0, 1],
      [5, 2],
      [10, null],
      [20, 3],
    ])
  })
})

describe('reduce()', () => {
  const points = [
    [0, 4],
    [5, 1],
    [10, 7],
    [15, null],
  ] as const

  test.each([
    { calculation: 'lastNotNull', expected: 7 },
    { calculation: 'last', expected: null },
    { calculation: 'first', expected: 4 },
    { calculation: 'mean', expected: 4 },
    { calculation: 'min', expected: 1 },
    { calculation: 'max', expected: 7 },
    { calculation: 'sum', expected: 12 },
    { calculation: 'range', expected: 6 },
    { calculation: 'count', expected: 3 },
  ])('$calculation is $expected', ({ calculation, expected }) => {
    expect(reduce(points, calculation)).toBe(expected)
  })

  test('of nothing is no number', () => {
    expect(reduce([[0, null]], 'mean')).toBeNull()
  })
})

describe('intervals()', () => {
  const series = (kind: string, points: Series['points']): Series => ({
    refId: '',
    name: kind,
    labels: { kind },
    points,
  })

  test('are the stretches with a value, one for each attack', () => {
    const found = intervals(
      [
        series('latency', [
          [0, 0],
          [5, 1],
          [10, 1],
          [30, 1],
          [35, 1],
        ]),
      ],
      '{{kind}}',
      5,
    )

    expect(found).toEqual([
      { fromSeconds: 5, toSeconds: 10, title: 'latency' },
      { fromSeconds: 30, toSeconds: 35, title: 'latency' },
    ])
  })

  test('that overlap and mean the same are one', () => {
    const found = intervals(
      [
        series('cpu', [
          [5, 1],
          [10, 1],
        ]),
        series('cpu', [
          [10, 1],
          [15, 1],
        ]),
      ],
      '',
      5,
    )

    expect(found).toEqual([{ fromSeconds: 5, toSeconds: 15, title: 'cpu' }])
  })
})
