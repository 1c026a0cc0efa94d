import { describe, expect, test } from '@jest/globals'
import { proveLoadFactor } from './load-factor.ts'

describe('proveLoadFactor()', () => {
  test.each<[string, { control: number; experiment: number } | null, boolean]>([
    ['three times the load', { control: 100, experiment: 300 }, true],
    ['a tenth less', { control: 100, experiment: 270 }, true],
    ['more than a tenth less', { control: 100, experiment: 269 }, false],
    ['the same load', { control: 100, experiment: 100 }, false],
    ['no request of the control group', { control: 0, experiment: 300 }, false],
    ['a generator that tells nothing', null, false],
  ])('%s', (_title, inside, proven) => {
    expect(proveLoadFactor(3, inside).proven).toBe(proven)
  })
})
