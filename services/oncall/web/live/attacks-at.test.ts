import { describe, expect, test } from '@jest/globals'
import { exampleAttack, exampleRun } from '../example-lab.ts'
import { attacksAt, wasOn } from './attacks-at.ts'

const NOW_MS = 1_000_000_000

describe('wasOn()', () => {
  test.each([
    { title: 'before it began', atMs: 97_999, endMs: 200_000, expected: false },
    { title: 'as it began, by another clock', atMs: 98_000, endMs: 200_000, expected: true },
    { title: 'while it was on', atMs: 150_000, endMs: 200_000, expected: true },
    { title: 'in its aftermath', atMs: 230_000, endMs: 200_000, expected: true },
    { title: 'long after it', atMs: 230_001, endMs: 200_000, expected: false },
    { title: 'long after it began, as it has not ended', atMs: 9e9, endMs: null, expected: true },
  ])('$title: $expected', ({ atMs, endMs, expected }) => {
    expect(wasOn({ beginMs: 100_000, endMs }, atMs)).toBe(expected)
  })
})

describe('attacksAt()', () => {
  const reads = { runs: async () => [exampleRun(NOW_MS)], run: async () => exampleRun(NOW_MS) }

  test('finds the attack that was on', async () => {
    expect(await attacksAt(reads, NOW_MS - 14_000)).toEqual([exampleAttack(NOW_MS)])
  })

  test('finds none before the run, and none before the attack', async () => {
    expect(await attacksAt(reads, NOW_MS - 90_000)).toEqual([])
    expect(await attacksAt(reads, NOW_MS - 40_000)).toEqual([])
  })
})
