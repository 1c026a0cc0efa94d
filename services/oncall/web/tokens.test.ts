import { describe, expect, test } from '@jest/globals'
import { contrast, declarations, PAIRS, THEMES, type ThemeName } from './tokens.ts'

describe('contrast()', () => {
  test.each([
    { one: '#000000', other: '#ffffff', expected: 21 },
    { one: '#ffffff', other: '#ffffff', expected: 1 },
    // The usual example of a grey that just passes AA on white: 4.54.
    { one: '#767676', other: '#ffffff', expected: 4.54 },
  ])('of $one on $other is $expected', ({ one, other, expected }) => {
    expect(contrast(one, other)).toBeCloseTo(expected, 2)
    expect(contrast(other, one)).toBeCloseTo(expected, 2)
  })

  test('refuses what is not a colour', () => {
    expect(() => contrast('red', '#ffffff')).toThrow("Cannot read colour 'red'")
  })
})

describe('THEMES', () => {
  test.each(Object.keys(THEMES) as ThemeName[])('%s reaches AA wherever two colours meet', theme => {
    const tokens = THEMES[theme]
    const tooWeak = PAIRS.map(([one, other, least]) => ({
      one,
      other,
      least,
      is: contrast(tokens[one], tokens[other]),
    }))
      .filter(({ is, least }) => is < least)
      .map(({ one, other, least, is }) => `${one} on ${other}: ${is.toFixed(2)} < ${least}`)

    expect(PAIRS.length).toBeGreaterThan(60)
    expect(tooWeak).toEqual([])
  })
})

describe('declarations()', () => {
  test('writes tokens as custom properties', () => {
    expect(declarations('light')).toContain('--attack-edge: #d9c49a; ')
    expect(declarations('dark')).toContain('--rule-2: #737982;')
  })
})
