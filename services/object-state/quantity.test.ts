import { describe, expect, test } from '@jest/globals'
import { quantityValue, resourceUnit } from './quantity.ts'

describe('quantityValue()', () => {
  test.each([
    ['0', 0],
    ['2', 2],
    ['100m', 0.1],
    ['300m', 0.3],
    ['1500000n', 0.0015],
    ['250u', 0.00025],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['12e3', 12_000],
    ['1E3', 1000],
    ['2E', 2e18],
    ['128k', 128_000],
    ['512Mi', 536_870_912],
    ['1.5Gi', 1_610_612_736],
    ['24631208Ki', 25_222_356_992],
  ])('reads %s as %d', (quantity, expected) => {
    expect(quantityValue(quantity)).toBe(expected)
  })

  test.each(['', 'abc', '1 Gi', '1GiB', '--1', '1ki'])('refuses %j', quantity => {
    expect(() => quantityValue(quantity)).toThrow(`current value is '${quantity}'`)
  })
})

describe('resourceUnit()', () => {
  test.each([
    ['cpu', 'core'],
    ['memory', 'byte'],
    ['ephemeral-storage', 'byte'],
    ['pods', 'integer'],
  ])('of %s is %s', (resource, unit) => {
    expect(resourceUnit(resource)).toBe(unit)
  })
})
