import { describe, expect, test } from '@jest/globals'
import { emptyReport, exampleReport, smallReport } from './example-report.ts'
import { weekMarkdown } from './markdown.ts'

const plain = (text: string) => text.replaceAll('\u00a0', ' ')

describe('weekMarkdown()', () => {
  const text = plain(weekMarkdown(exampleReport()))

  test('tells all of a week in the order of its page', () => {
    expect(text.match(/^## .*$/gm)).toEqual([
      '## Key figures',
      '## Incidents',
      '## Alerts by service, not induced',
      '## Alerts by service, induced by experiments',
      '## Most frequent alerts',
      '## Reliability by service, not induced',
      '## Reliability by service, induced by experiments',
      '## Rules against attacks',
      '## Faults and what told of them',
      '## Alerts of the control group during attacks',
      '## Alerts of which nobody was told',
      '## Experiments',
      '## How this is counted',
    ])
  })

  test.each([
    '# Week 47 of 2026 (not over)',
    '| experiment, not induced | 6 | 3 | 0 |',
    '| experiment, induced | 30 | 0 | 1 |',
    '| SEV1 | database, experiment | 2026-11-19 14:13:24 | 69 s | DatabaseWithoutPrimary after 22 s | 47 s |',
    '| impact +2 s, pending +14 s, firing +24 s, notified +29 s |',
    '| SEV3, shared cause | gateway, experiment |',
    '| database, control | 1 | 1 | 1, oldest 6 d 5 h |',
    '| 1 | ▲ 2 | GatewayAvailabilityBudgetBurn | 9 | 7 |',
    '42 s (n 6; p50 38 s, p90 61 s; 95 %: 33 s to 51 s); 6 of 7 found, 1 missed',
    '> 4 d 22 h, no failure',
    '| GatewayAvailabilityBudgetBurn | 9 | 7 of 9 (78 %) | 8 of 9 (89 %) |',
    'No rule fired at: clock-skew.',
    'No panel is known to show: zone-outage.',
    '2 of 61 shown.',
  ])('holds %s', part => {
    expect(text).toContain(part)
  })

  test('adds nothing up over what was induced and what was not', () => {
    // 12 of themselves and 30 induced, 11 of the experimental group of which 6 and 30.
    expect(text).not.toMatch(/\b(42|36) alerts|\| (42|36) \|/)
    expect(text).not.toMatch(/\btotal\b|\ball\b \|/i)
  })

  test('has tables whose rows have as many cells as their heading', () => {
    const tables = text.split('\n\n').filter(block => block.startsWith('|'))
    for (const table of tables) {
      const widths = table.split('\n').map(line => line.split(/(?<!\\)\|/).length)
      expect(new Set(widths).size).toBe(1)
    }
    expect(tables.length).toBeGreaterThan(10)
  })

  test('says of an empty week how much of it was seen, and shows no table', () => {
    const empty = plain(weekMarkdown(emptyReport()))

    expect(empty).toContain('No alert in this week; 2 % of it was observed.')
    expect(empty).not.toContain('|')
    const quiet = exampleReport().reliability.filter(({ mtbfMs }) => mtbfMs === null)
    expect(plain(weekMarkdown({ ...emptyReport(), reliability: quiet }))).toContain('> 4 d 22 h, no failure')
  })

  test('says none where a week has one of a kind only', () => {
    expect(plain(weekMarkdown(smallReport()))).toContain('## Alerts by service, not induced\n\nNone.')
  })

  test('lets no text be anything but text', () => {
    const name = 'a|b\n# <img src=x> [c](d) `e`'
    const report = exampleReport()
    const hostile = weekMarkdown({
      ...report,
      runs: report.runs.map(run => ({ ...run, name, runId: name, level: name })),
      sevs: report.sevs.map(sev => ({ ...sev, service: name, runId: name })),
      frequent: report.frequent.map(row => ({ ...row, name, service: name })),
    })

    expect(hostile).toContain('a\\|b # &lt;img src=x> \\[c\\](d) \\`e\\`')
    expect(hostile).not.toContain('<img')
    expect(hostile).not.toMatch(/^# &lt;img/m)
  })
})
