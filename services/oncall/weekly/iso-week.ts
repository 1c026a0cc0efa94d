import { UserError } from '../../../platform/errors.ts'

const DAY_MS = 86_400_000
const WEEK_MS = 7 * DAY_MS

/** A week by ISO 8601, UTC: from Monday 00:00 to the next; week 1 has the year's first Thursday. */
export type Week = {
  /** `2026-W53`. */
  readonly name: string
  /** Half-open, Unix milliseconds. */
  readonly fromMs: number
  readonly toMs: number
}

/** @param ms Unix milliseconds */
export function weekOf(ms: number): Week {
  const fromMs = mondayOf(ms)
  // The Thursday of a week lies in the year that the week belongs to.
  const year = new Date(fromMs + 3 * DAY_MS).getUTCFullYear()
  const number = Math.round((fromMs - firstMonday(year)) / WEEK_MS) + 1
  return { name: `${year}-W${String(number).padStart(2, '0')}`, fromMs, toMs: fromMs + WEEK_MS }
}

/**
 * @param name `2026-W47`
 * @throws UserError WEEK_UNKNOWN when it is no week, or the year has not so many
 */
export function parseWeek(name: string): Week {
  const [, year, number] = /^(\d{4})-W(\d{2})$/.exec(name) ?? []
  const week = year === undefined ? null : weekOf(firstMonday(Number(year)) + (Number(number) - 1) * WEEK_MS)
  if (week?.name === name) return week
  throw new UserError(
    'WEEK_UNKNOWN',
    `Cannot read the week '${name}': there is no such week`,
    `Weeks are named as in ISO 8601, such as ${weekOf(Date.UTC(2026, 10, 21)).name}; years have 52 or 53.`,
  )
}

/** The week before. */
export function weekBefore({ fromMs }: Week): Week {
  return weekOf(fromMs - 1)
}

function firstMonday(year: number): number {
  const januaryFourth = new Date(0)
  // Date.UTC takes years below 100 for years of the last century.
  januaryFourth.setUTCFullYear(year, 0, 4)
  return mondayOf(januaryFourth.getTime())
}

function mondayOf(ms: number): number {
  const day = Math.floor(ms / DAY_MS)
  // 1970-01-01 was a Thursday.
  return (day - ((((day + 3) % 7) + 7) % 7)) * DAY_MS
}
