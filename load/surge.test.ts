import { describe, expect, test } from '@jest/globals'
import {
  arrivalsBetween,
  expectedFactor,
  firstSequence,
  MOST_SURGES,
  type Surge,
  surgeAt,
  surgeProblem,
} from './surge.ts'

const surge: Surge = { group: 'experiment', factor: 3, startSeconds: 30, durationSeconds: 20 }
const later: Surge = { ...surge, factor: 2, startSeconds: 60, durationSeconds: 10 }

describe('firstSequence()', () => {
  test('leaves room for the base and for every other surge, within the 32 bits of a request', () => {
    // 10,000 requests/s for an hour, the most an experiment can ask for.
    const mostRequests = 10_000 * 3600
    expect(firstSequence(0)).toBeGreaterThan(mostRequests)
    expect(firstSequence(1) - firstSequence(0)).toBeGreaterThan(mostRequests)
    expect(firstSequence(MOST_SURGES - 1) + mostRequests).toBeLessThan(2 ** 32)
  })
})

describe('surgeAt()', () => {
  test.each([
    [29_999, -1],
    [30_000, 0],
    [49_999, 0],
    [50_000, -1],
    [65_000, 1],
  ])('after %d ms it is surge %d', (elapsedMs, expected) => {
    expect(surgeAt([surge, later], elapsedMs)).toBe(expected)
  })
})

describe('expectedFactor()', () => {
  test.each([
    { title: 'is 1 without a surge', surges: [], from: 0, until: 10, expected: 1 },
    { title: 'is 1 beside the surge', surges: [surge], from: 0, until: 30, expected: 1 },
    { title: 'is the factor inside', surges: [surge], from: 32, until: 48, expected: 3 },
    // 10 of 40 s before, 20 s at 3, 10 s after: (10 + 60 + 10) / 40
    { title: 'is the mean over a longer time', surges: [surge], from: 20, until: 60, expected: 2 },
    // 40..50 at 3, 50..60 at 1, 60..70 at 2
    { title: 'counts every surge', surges: [surge, later], from: 40, until: 70, expected: 2 },
    { title: 'is 1 for no time at all', surges: [surge], from: 40, until: 40, expected: 1 },
  ])('$title', ({ surges, from, until, expected }) => {
    expect(expectedFactor(surges, from, until)).toBeCloseTo(expected, 12)
  })
})

describe('arrivalsBetween()', () => {
  test('counts by group what starts within the half-open window', () => {
    const samples = [
      { group: 'control', startMs: 999 },
      { group: 'control', startMs: 1000 },
      { group: 'experiment', startMs: 1000 },
      { group: 'experiment', startMs: 1999 },
      { group: 'experiment', startMs: 2000 },
    ] as const
    expect(arrivalsBetween(samples, 1000, 2000)).toEqual({ control: 1, experiment: 2 })
  })
})

describe('surgeProblem()', () => {
  test('has nothing against surges that follow each other, in any order', () => {
    expect(surgeProblem([later, surge, { ...surge, startSeconds: 50, durationSeconds: 10 }], 70)).toBeNull()
    expect(surgeProblem([], 1)).toBeNull()
  })

  test.each([
    [{ ...surge, factor: 1 }, 'the factor of a surge is 1;'],
    [{ ...surge, factor: Number.NaN }, 'the factor of a surge is NaN'],
    [{ ...surge, startSeconds: -1 }, 'starts at -1 s'],
    [{ ...surge, durationSeconds: 0 }, 'lasts 0 s'],
    [{ ...surge, durationSeconds: 71 }, 'ends at 101 s; allowed: at most 100'],
  ])('refuses %j', (wrong, expected) => {
    expect(surgeProblem([wrong], 100)).toContain(expected)
  })

  test('refuses two at a time and more than can be numbered', () => {
    expect(surgeProblem([surge, { ...later, startSeconds: 49 }], 100)).toContain('one at a time')
    const many = Array.from({ length: MOST_SURGES + 1 }, (_, index) => ({
      ...surge,
      startSeconds: index * 20,
    }))
    expect(surgeProblem(many, 3000)).toContain('41 surges')
  })
})
