import { describe, expect, test } from '@jest/globals'
import { parseDashboard } from '../services/oncall/web/panels/dashboard.ts'
import { format } from '../services/oncall/web/panels/units.ts'
import { dashboardFiles, dashboards } from './files.ts'
import { panelsOf, targetsOf } from './lint.ts'
import { UNITS } from './panels/panel.ts'
import { askedBy } from './viewed.ts'

const VIEW = { fromSeconds: 1_000, toSeconds: 1_900, stepSeconds: 15 }
const pages = dashboards().map(page => [page.title, page] as const)

describe('askedBy()', () => {
  test.each(pages)('leaves no variable in what %s asks', (_, page) => {
    const queries = askedBy(page, VIEW).map(({ query }) => query)
    expect(queries.filter(query => /\$[{\w]|\[\[/.test(query))).toEqual([])
  })

  test.each(pages)('asks all of %s, and for its attacks', (_, page) => {
    const targets = panelsOf(page).flatMap(targetsOf)
    expect(askedBy(page, VIEW)).toHaveLength(targets.length + 1)
  })

  test('asks for what is chosen, everything when nothing is, and rates over four scrapes', () => {
    const [, infrastructure] = pages[1] ?? []
    const cpu = (chosen: Record<string, string[]>) =>
      infrastructure && askedBy(infrastructure, { ...VIEW, chosen })[0]?.query
    expect(cpu({})).toContain('{group=~".*",zone=~".*",container!=""}[20s]')
    expect(cpu({ group: ['control', 'experiment'], zone: ['a'] })).toContain(
      '{group=~"(control|experiment)",zone=~"a",container!=""}[20s]',
    )
  })
})

describe('the console', () => {
  // A plain number is written like one of no known unit.
  test.each(Object.values(UNITS).filter(unit => unit !== UNITS.count))('knows the unit %s', unit => {
    expect(format(1, unit, null)).not.toBe(format(1, 'unknown', null))
  })

  test.each(Object.entries(dashboardFiles()))('reads %s as it is', (uid, text) => {
    const page = dashboards().find(one => one.uid === uid)
    const read = parseDashboard(JSON.parse(text))
    expect(read.title).toBe(page?.title)
    expect(read.panels.filter(({ type }) => type !== 'row').map(({ title }) => title)).toEqual(
      page && panelsOf(page).map(({ title }) => title),
    )
    expect(read.variables.filter(({ hidden }) => !hidden).map(({ name }) => name)).toEqual(
      expect.arrayContaining((page?.templating.list ?? []).slice(1).map(({ name }) => name)),
    )
  })
})
