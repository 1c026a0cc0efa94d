import { describe, expect, test } from '@jest/globals'
import { findChromium } from './chromium.ts'

describe('findChromium()', () => {
  test('takes the one it is given before any other', () => {
    expect(findChromium('/my/chromium', () => true)).toBe('/my/chromium')
    expect(findChromium(undefined, path => path === '/usr/bin/google-chrome')).toBe('/usr/bin/google-chrome')
  })

  test('says what to install when there is none', () => {
    expect(() => findChromium(undefined, () => false)).toThrow('apt-get install chromium')
    expect(() => findChromium('/my/chromium', () => false)).toThrow("CHROMIUM is '/my/chromium'")
  })
})
