import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseWeek, weekBefore, weekOf } from './iso-week.ts'

const at = (text: string) => Date.parse(text)

describe('weekOf()', () => {
  test.each([
    ['2026-11-21T12:00:00Z', '2026-W47'],
    ['2026-12-27T23:59:59.999Z', '2026-W52'],
    // 2026 has a week 53, which reaches into 2027.
    ['2026-12-28T00:00:00Z', '2026-W53'],
    ['2026-12-31T23:59:59.999Z', '2026-W53'],
    ['2027-01-03T23:59:59.999Z', '2026-W53'],
    ['2027-01-04T00:00:00Z', '2027-W01'],
    ['2024-12-30T00:00:00Z', '2025-W01'],
    ['2021-01-03T12:00:00Z', '2020-W53'],
    ['1970-01-01T00:00:00Z', '1970-W01'],
    ['1969-12-28T12:00:00Z', '1969-W52'],
  ])('%s is in %s', (text, name) => {
    const week = weekOf(at(text))
    expect(week.name).toBe(name)
    expect(week.fromMs).toBeLessThanOrEqual(at(text))
    expect(week.toMs).toBeGreaterThan(at(text))
  })

  test('every instant is in one week of seven days that begins on a Monday, and weeks follow one another', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }), date => {
        const week = weekOf(date.getTime())
        expect(new Date(week.fromMs).getUTCDay()).toBe(1)
        expect(Number.isInteger(week.fromMs / 86_400_000)).toBe(true)
        expect(parseWeek(week.name)).toEqual(week)
        expect(weekOf(week.toMs - 1)).toEqual(week)
        expect(weekOf(week.toMs).name > week.name).toBe(true)
        expect(weekBefore(weekOf(week.toMs))).toEqual(week)
      }),
    )
  })
})

describe('parseWeek()', () => {
  test.each(['2027-W53', '2026-W54', '2026-W00', '2026-47', 'W47', '2026-W4', '2026-W047', ''])(
    "refuses '%s'",
    name => {
      expect(() => parseWeek(name)).toThrow(`Cannot read the week '${name}'`)
    },
  )

  test('knows the year with 53 weeks', () => {
    expect(parseWeek('2026-W53')).toEqual({
      name: '2026-W53',
      fromMs: at('2026-12-28T00:00:00Z'),
      toMs: at('2027-01-04T00:00:00Z'),
    })
  })
})
