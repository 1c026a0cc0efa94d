import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { SIGNALS } from '../instrumentation/signals.ts'
import { loadRunbooks, runbookName } from '../services/oncall/web/runbooks.ts'
import { ALERT_CASES } from './cases/all-cases.ts'
import { alertFiles } from './files.ts'
import { LINT_RULES, type LintContext } from './lint.ts'
import { type AlertRule, RUNBOOK_FOLDER, type RuleGroup, runbookOf } from './rule.ts'
import { ruleGroups } from './rule-groups.ts'

const ROOT = join(import.meta.dirname, '..')

const told = Object.values(SIGNALS.metrics)
const context: LintContext = {
  signals: new Set([...told.map(({ name }) => name), ...Object.keys(SIGNALS.observed)]),
  histograms: new Set([
    ...told.filter(({ type }) => type === 'histogram').map(({ name }) => name),
    ...Object.entries(SIGNALS.observed)
      .filter(([, { type }]) => type === 'histogram')
      .map(([name]) => name),
  ]),
  cases: ALERT_CASES,
  read: path => {
    try {
      return readFileSync(join(ROOT, path), 'utf8')
    } catch {
      return undefined
    }
  },
}
const groups = ruleGroups()

const GOOD: AlertRule = {
  name: 'SomethingWrong',
  expr: 'sum by (group, service) (increase(thing_total[1m])) >= 20',
  guard: { minEvents: 20 },
  severity: 'page',
  tier: 'cause',
  carries: ['group', 'service'],
  summary: 'Something is wrong with {{ $labels.service }} of {{ $labels.group }}',
  description: '{{ $value | humanize }} times.',
}
const GOOD_CASES = [
  {
    alert: GOOD.name,
    fires: {
      told: {},
      notYetSeconds: 5,
      atSeconds: 10,
      labels: { group: 'experiment', service: 'edge' },
      resolvedSeconds: 20,
    },
    quiet: [{ why: 'all is well', told: {}, atSeconds: 10 }],
  },
]
const RUNBOOK = `# ${GOOD.name}\n\n## Meaning\n\n## Impact\n\n## What to look at\n\n## What to do\n`
const small: LintContext = {
  signals: new Set(['thing_total']),
  histograms: new Set(),
  cases: GOOD_CASES,
  read: path => (path === runbookOf(GOOD.name) ? RUNBOOK : undefined),
}
const inGroup = (...alerts: readonly AlertRule[]): readonly RuleGroup[] => [
  { name: 'x', recordings: [], alerts },
]
const problemsOf = (rules: readonly RuleGroup[], held: LintContext) =>
  LINT_RULES.flatMap(({ problems }) => problems(rules, held))

describe('the rules of the lab', () => {
  test.each(LINT_RULES)('$name', ({ problems }) => {
    expect(problems(groups, context)).toEqual([])
  })

  test('what they record is told to everybody, and nothing that they do not', () => {
    const recorded = groups.flatMap(({ recordings }) => recordings.map(({ record }) => record))
    const announced = Object.entries(SIGNALS.observed).filter(
      ([, { source }]) => source === 'rules of alerts/',
    )

    expect(announced.map(([name]) => name).sort()).toEqual([...new Set(recorded)].sort())
  })

  test('every alert is told with an address, and the console serves its runbook there', () => {
    type Told = { alert?: string; annotations?: { runbook_url: string } }
    const told = Object.values(alertFiles().rules)
      .flatMap(text => (parse(text) as { groups: { rules: Told[] }[] }).groups)
      .flatMap(({ rules }) => rules.filter(({ alert }) => alert !== undefined))
    const served = new Set(loadRunbooks().names)

    expect(told.length).toBe(groups.flatMap(({ alerts }) => alerts).length)
    for (const { alert = '', annotations } of told) {
      expect(URL.canParse(annotations?.runbook_url ?? '')).toBe(true)
      expect(runbookName(annotations?.runbook_url)).toBe(alert)
      expect(served).toContain(alert)
    }
  })

  test('no runbook is left over from an alert that is gone', () => {
    const names = groups.flatMap(({ alerts }) => alerts.map(({ name }) => `${name}.md`))

    const others = readdirSync(join(ROOT, RUNBOOK_FOLDER)).filter(
      file => ![...names, 'README.md'].includes(file),
    )

    expect(others).toEqual([])
  })
})

describe('LINT_RULES', () => {
  test('have nothing against a rule as it should be', () => {
    expect(problemsOf(inGroup(GOOD), small)).toEqual([])
  })

  test.each<{ title: string; rule: Partial<AlertRule>; problem: string }>([
    { title: 'a name that is no name', rule: { name: 'something_wrong' }, problem: 'not CamelCase' },
    { title: 'an alert without a group', rule: { carries: ['service'] }, problem: "no label 'group'" },
    {
      title: 'an alert whose service is not certain',
      rule: { carries: ['group', '[service]'] },
      problem: "no label 'service'",
    },
    {
      title: 'an alert without a runbook',
      rule: { name: 'Unknown' },
      problem: 'docs/runbooks/Unknown.md does not exist',
    },
    {
      title: 'a summary that nobody understands',
      rule: { summary: 'SLO burn of thing above 14.4' },
      problem: 'in terms of the rule',
    },
    {
      title: 'a summary with the name of a metric',
      rule: { summary: 'Too much thing_total in the experiment' },
      problem: 'in terms of the rule',
    },
    { title: 'a summary that says nothing', rule: { summary: 'It is down' }, problem: 'characters' },
    {
      title: 'a template that may fail',
      rule: { description: '{{ printf "%d" $value }}' },
      problem: 'allowed templates',
    },
    {
      title: 'a template of a label that is not there',
      rule: { description: '{{ $labels.zone }}' },
      problem: "no label 'zone'",
    },
    {
      title: 'a value in a label',
      rule: { labels: { level: '{{ $value }}' } },
      problem: 'changes with every evaluation',
    },
    { title: 'a guard of no time', rule: { guard: { forSeconds: 0 } }, problem: 'not above 0' },
    {
      title: 'a guard that is not in the expression',
      rule: { guard: { minEvents: 50 } },
      problem: 'does not ask for 50',
    },
    {
      title: 'a guard that asks for ten times as much',
      rule: { guard: { minEvents: 2 } },
      problem: 'does not ask for 2',
    },
    {
      title: 'a guard of one event that asks for a share',
      rule: { guard: { minEvents: 1 }, expr: 'sum by (group, service) (thing_total) > 0.25' },
      problem: 'does not ask for 1',
    },
    { title: 'an alert that fires always', rule: { guard: { always: true } }, problem: 'only the Watchdog' },
    { title: 'a node alert without a node', rule: { tier: 'node' }, problem: "needs 'node'" },
    {
      title: 'a node alert that is no loss',
      rule: { tier: 'node', severity: 'info', carries: ['group', 'service', 'node'] },
      problem: 'for what is lost',
    },
    { title: 'a burn without a level', rule: { tier: 'burn' }, problem: 'no level' },
    { title: 'a cause that opens an incident', rule: { sev: 2 }, problem: 'causes open no incidents' },
    {
      title: 'an incident of level 2 that can wait',
      rule: { tier: 'burn', sev: 2, severity: 'ticket' },
      problem: 'must page',
    },
    {
      title: 'a metric that nobody tells',
      rule: { expr: 'other_total >= 20' },
      problem: 'nobody tells other_total',
    },
  ])('find $title', ({ rule, problem }) => {
    expect(problemsOf(inGroup({ ...GOOD, ...rule }), small).join('\n')).toContain(problem)
  })

  test('find two alerts of one name', () => {
    expect(problemsOf(inGroup(GOOD, GOOD), small).join()).toContain('is there twice')
  })

  test('find a recorded series that is not called by level and operation', () => {
    const recordings = [{ record: 'thing_total_sum', expr: 'thing_total' }]

    expect(problemsOf([{ name: 'x', recordings, alerts: [] }], { ...small, cases: [] })).toEqual([
      'thing_total_sum',
    ])
  })

  test.each<{ title: string; text: string; problem: string }>([
    { title: 'a runbook without a section', text: RUNBOOK.replace('## Impact', ''), problem: "'## Impact'" },
    {
      title: 'a runbook copied from another',
      text: RUNBOOK.replace('Wrong', 'Right'),
      problem: 'another alert',
    },
  ])('find $title', ({ text, problem }) => {
    expect(problemsOf(inGroup(GOOD), { ...small, read: () => text }).join()).toContain(problem)
  })

  test.each<{
    title: string
    change: (good: (typeof GOOD_CASES)[0]) => LintContext['cases']
    problem: string
  }>([
    { title: 'an alert without a case', change: () => [], problem: 'no case' },
    { title: 'an alert never seen quiet', change: good => [{ ...good, quiet: [] }], problem: 'quiet' },
    {
      title: 'an alert never seen resolving',
      change: good => [{ ...good, fires: { ...good.fires, resolvedSeconds: null } }],
      problem: 'does not resolve',
    },
    {
      title: 'an alert whose guard is not seen',
      change: ({ fires: { notYetSeconds: _, ...fires }, ...good }) => [{ ...good, fires }],
      problem: 'shows its guard',
    },
    {
      title: 'a case with another label',
      change: good => [{ ...good, fires: { ...good.fires, labels: { group: 'x', service: 'y', pod: 'z' } } }],
      problem: "'pod' is not promised",
    },
    {
      title: 'a case of no alert',
      change: good => [good, { ...good, alert: 'Gone' }],
      problem: 'no such alert',
    },
  ])('find $title', ({ change, problem }) => {
    const [good] = GOOD_CASES
    if (good === undefined) throw new Error('there is one')

    expect(problemsOf(inGroup(GOOD), { ...small, cases: change(good) }).join()).toContain(problem)
  })
})
