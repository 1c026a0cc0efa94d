import { describe, expect, test } from '@jest/globals'
import { emptyReport, exampleReport, smallReport } from '../../weekly/example-report.ts'
import type { WeekReport } from '../../weekly/report.ts'
import { renderPage } from '../layout.ts'
import { weekPage } from './week.ts'

const HOSTILE = `"'><img src=x onerror=alert(1)><script>alert(2)</script>\${7*7}`

const render = (report: WeekReport) =>
  renderPage(weekPage(report), { theme: null, href: asset => `/assets/0/${asset}` }).replaceAll('\u00a0', ' ')

/** What a person reads: without tags, and with one space for many. */
const words = (report: WeekReport) =>
  render(report)
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&gt;', '>')
    .replaceAll('&lt;', '<')
    .replaceAll(/\s+/g, ' ')

/** The same thing with every text in it replaced by a hostile one. */
function hostile<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(one => hostile(one)) as Value
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      // What a detection is, is told by its outcome: no other word can stand there.
      Object.entries(value).map(([name, one]) => [name, name === 'outcome' ? one : hostile(one)]),
    ) as Value
  }
  return (typeof value === 'string' ? HOSTILE : value) as Value
}

const REPORTS: Readonly<Record<string, () => WeekReport>> = {
  example: exampleReport,
  empty: emptyReport,
  small: smallReport,
  hostile: () => ({ ...hostile(exampleReport()), week: '2026-W47' }),
  'not begun': () => ({ ...emptyReport(), madeMs: 0, isPartial: true }),
}

describe('weekPage()', () => {
  test.each(Object.entries(REPORTS))('of the %s week is whole and has nothing inline', (_, report) => {
    const text = render(report())

    expect(text.match(/<h1/g)).toHaveLength(1)
    expect(text).toMatch(/<title>Week \d+ of 2026 · divergence<\/title>/)
    expect(text).toContain('<a href="/weeks" aria-current="page">Week</a>')
    expect(text).not.toMatch(/<[^>]*\sstyle=/)
    expect(text).not.toMatch(/<[a-z][^<>]*\son[a-z]+="/)
    expect(text).not.toMatch(/<script[^>]*>[^<]/)
    expect(text).not.toMatch(/NaN|undefined|\[object|Invalid/)
    const ids = [...text.matchAll(/\sid="([^"]*)"/g)].map(match => match[1])
    expect(new Set(ids).size).toBe(ids.length)
    const labels = [...text.matchAll(/aria-labelledby="([^"]*)"/g)].map(match => match[1])
    expect(labels.filter(label => !ids.includes(label))).toEqual([])
  })

  test('shows hostile text as text', () => {
    const text = render({ ...hostile(exampleReport()), week: '2026-W47' })

    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;')
    expect(text).not.toContain('<img')
    expect(text).not.toMatch(/<script(?! type="module" src="\/assets\/)/)
    expect(text).not.toMatch(/="[^"<>]*"'>/)
  })

  test.each([
    'Week 47 of 2026 not over',
    'Monday 16 November to Sunday 22 November 2026, UTC. 98 % of the time so far was observed',
    '12 alerts fired by themselves, 5 of them noise, 2 of them still open; 30 were induced by experiments',
    'MTTD 39 s, n 7; 7 of 8 found',
    'MTTR 1 min 50 s, n 7',
    'SEV1 database experiment gateway-availability 2026-11-19 14:13:24',
    'from the attack: impact +2 s, pending +14 s, firing +24 s, notified +29 s',
    'shared: the control group was as bad',
    'missed: no alert while it lasted',
    'database control 1 1 1 oldest 6 d 5 h 0 0 0 0 0 1 – – – 0',
    'gateway experiment 17 0 0 0 9 5 0 0 12 61 s 3 min 4 s 83 s 17',
    '▲ 2 up from rank 3 GatewayAvailabilityBudgetBurn 9 7 3 13 min 32 s 25 %',
    '42 s ; 6 of 7 found, 1 missed n 6; p50 38 s, p90 61 s; 95 %: 33 s to 51 s',
    '> 4 d 22 h, no failure',
    '7 of 9 (78 %) 8 of 9 (89 %) 41 s 62 s 45 s 8',
    'No rule fired at: clock-skew.',
    'No panel is known to show: zone-outage.',
    '1 alert: a leak of the attack, or a false alarm',
    'Besides, 2 alerts of the experimental group',
    '61 alerts: silenced, inhibited or lost on the way',
    '2 of 61 shown.',
    'aborted early',
  ])('tells: %s', part => {
    expect(words(exampleReport())).toContain(part)
  })

  test('adds nothing up over what was induced and what was not', () => {
    const text = words(exampleReport())

    expect(text).not.toMatch(/\b(42|36) alerts/)
    expect(text).not.toMatch(/Alerts (42|36)\b/)
    expect(render(exampleReport())).not.toContain('<tfoot')
  })

  test('keeps what was induced in tables of its own', () => {
    const text = words(smallReport())

    // All of this week was induced: nothing of alerts, and nothing of reliability, stands in the other tables.
    expect(text.match(/Not induced None\. Induced by experiments Service/g)).toHaveLength(2)
    expect(words(exampleReport()).match(/oldest 26 min/g)).toHaveLength(1)
    expect(words(exampleReport()).match(/95 %: 33 s to 51 s/g)).toHaveLength(1)
  })

  test('leads to the week before, and to the one after when there is one', () => {
    expect(render(exampleReport())).toContain('href="/weeks/2026-W46" rel="prev"')
    expect(render(exampleReport())).not.toContain('rel="next"')
    expect(render(emptyReport())).toContain('href="/weeks/2026-W47" rel="next"')
  })

  test('says of an empty week how much of it was seen', () => {
    const text = words(emptyReport())

    expect(text).toContain('No alert in this week; 2 % of it was observed.')
    expect(text).not.toContain('Key figures')
  })

  test('tells how long services went without a failure, also where nothing was', () => {
    const quiet = exampleReport().reliability.filter(({ mtbfMs }) => mtbfMs === null)
    const text = words({ ...emptyReport(), reliability: quiet })

    expect(text).toContain('Nothing was recorded in this week')
    expect(text.match(/> 4 d 22 h, no failure/g)).toHaveLength(2)
  })

  test('says of a week with one entry what there was none of', () => {
    const text = words(smallReport())

    expect(text).toContain('Not induced None.')
    expect(text).toContain('1 incident')
    expect(text).toContain('So few say little.')
  })

  test('does not tell of a week that has not begun as if it were quiet', () => {
    const text = words({ ...emptyReport(), madeMs: 0, isPartial: true })

    expect(text).toContain('This week has not begun')
    expect(text).not.toContain('No alert')
  })

  test('draws every incident within its week', () => {
    const bars = [...render(exampleReport()).matchAll(/<rect x="([\d.]+)" y="1" width="([\d.]+)"/g)]
    const ends = bars.map(([, x, width]) => Number(x) + Number(width))

    expect(bars).toHaveLength(exampleReport().sevs.length + exampleReport().runs.length)
    const { sevs, toMs } = smallReport()
    const last = render({
      ...smallReport(),
      sevs: sevs.map(sev => ({ ...sev, openedMs: toMs - 1, endedMs: null })),
    })
    expect(last).toContain('<rect x="167.00" y="1" width="1.00"')
    expect(Math.max(...ends)).toBeLessThanOrEqual(168)
    // The control group's SEV4: Tuesday 02:40 for 26.5 hours.
    expect(bars.map(([, x, width]) => [x, width])).toContainEqual(['26.67', '26.50'])
  })

  test('links runs by their address', () => {
    expect(render(exampleReport())).toContain('href="/runs/20261120T093000Z-zone-outage"')
  })
})
