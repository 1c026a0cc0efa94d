import { describe, expect, test } from '@jest/globals'
import type { Exploration } from '../judgement/exploratory.ts'
import { deltaText, exploratoryText } from './exploratory.ts'

const beside = (adjusted: number): Exploration => ({
  name: 'latency_p99',
  delta: 0.5,
  beyond: { pValue: adjusted / 2, adjusted, isMarked: adjusted <= 0.05 },
})

describe('exploratoryText()', () => {
  test('says of what does not decide whether it stands out', () => {
    expect(exploratoryText([beside(0.004)])).toContain(
      'p99 latency (adjusted p 0.004) surely beyond the margin',
    )
    expect(exploratoryText([beside(0.0002)])).toContain('p below 0.001')
    expect(exploratoryText([beside(0.2)])).toContain('none is surely beyond its margin')
  })

  test('says nothing of corrections where every signal decides', () => {
    expect(exploratoryText([{ name: 'latency_p50', delta: 0, beyond: null }])).not.toContain('Benjamini')
  })
})

describe('deltaText()', () => {
  test.each([
    [0.421, '+0.42'],
    [-1, '−1.00'],
    [0.001, '0'],
    [null, '-'],
  ])('%p is %s', (delta, text) => {
    expect(deltaText({ delta })).toBe(text)
  })
})
