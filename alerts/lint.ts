import type { AlertCase } from './cases/case.ts'
import { metricsOf } from './promql.ts'
import { type AlertRule, type RuleGroup, runbookOf, staticLabels } from './rule.ts'

/** What the rules are held against. */
export type LintContext = {
  /** Names that programs tell and that we record; of a histogram the name without its ending. */
  readonly signals: ReadonlySet<string>
  readonly histograms: ReadonlySet<string>
  readonly cases: readonly AlertCase[]
  /** Text of a file of the repository; undefined when there is none. */
  readonly read: (path: string) => string | undefined
}

/** A convention of ours, and what breaks it. */
export type LintRule = {
  readonly name: string
  readonly problems: (groups: readonly RuleGroup[], context: LintContext) => readonly string[]
}

/** Functions of templates that cannot fail whatever the value is. */
const TEMPLATE = /^\{\{ (?:\$labels\.([a-z_]+)|\$value \| humanize(?:1024|Percentage|Duration)?) \}\}$/

const RUNBOOK_SECTIONS = ['## Meaning', '## Impact', '## What to look at', '## What to do']

const each =
  (
    problem: (rule: AlertRule, context: LintContext) => string | readonly string[] | undefined,
  ): LintRule['problems'] =>
  (groups, context) =>
    groups.flatMap(({ alerts }) =>
      alerts.flatMap(rule => [problem(rule, context) ?? []].flat().map(text => `${rule.name}: ${text}`)),
    )

const bare = (label: string) => label.replace(/^\[(.*)\]$/, '$1')

/** Labels that an alert of `rule` can have. */
export function labelsOf(rule: AlertRule): readonly string[] {
  return [...rule.carries.map(bare), ...Object.keys(staticLabels(rule))]
}

/** Labels that an alert of `rule` has for certain. */
function certainLabels(rule: AlertRule): readonly string[] {
  return [...rule.carries.filter(label => !label.startsWith('[')), ...Object.keys(staticLabels(rule))]
}

const texts = ({ summary, description }: AlertRule) => [summary, description]

/** Our conventions for rules; what Prometheus itself checks is not among them. */
export const LINT_RULES: readonly LintRule[] = [
  {
    name: 'every name is given once, and says what is wrong in words',
    problems: groups => {
      const names = groups.flatMap(({ alerts }) => alerts.map(({ name }) => name))
      const twice = names.filter((name, index) => names.indexOf(name) !== index)
      const odd = names.filter(name => !/^[A-Z][a-zA-Z]+$/.test(name))
      return [...twice.map(name => `${name} is there twice`), ...odd.map(name => `${name} is not CamelCase`)]
    },
  },
  {
    name: 'every recorded series is called level:metric:operations',
    problems: groups =>
      groups
        .flatMap(({ recordings }) => recordings.map(({ record }) => record))
        .filter(record => !/^[a-z0-9_]+:[a-z0-9_]+:[a-z0-9_]+(:difference)?$/.test(record)),
  },
  {
    name: 'every alert says of which group and service it is',
    problems: each(rule => {
      const missing = ['group', 'service'].filter(label => !certainLabels(rule).includes(label))
      return missing.map(label => `it has no label '${label}' for certain`)
    }),
  },
  {
    name: 'every alert has a runbook with all its sections, about itself',
    problems: each((rule, { read }) => {
      const text = read(runbookOf(rule.name))
      if (text === undefined) return `${runbookOf(rule.name)} does not exist`
      const missing = RUNBOOK_SECTIONS.filter(section => !text.includes(`\n${section}\n`))
      return [
        ...missing.map(section => `its runbook has no section '${section}'`),
        ...(text.startsWith(`# ${rule.name}\n`) ? [] : ['its runbook is about another alert']),
      ]
    }),
  },
  {
    name: 'every summary is a sentence that somebody woken up understands',
    problems: each(({ summary }) => {
      const words = summary.replace(/\{\{[^}]*\}\}/g, 'X')
      return [
        ...(words.length < 20 || words.length > 170 ? [`its summary has ${words.length} characters`] : []),
        ...(/\bburn\b|\bSLO\b|\bSLI\b|quantile|p9\d|\b[a-z]+_[a-z_]+\b/.test(words)
          ? ['its summary speaks in terms of the rule, not of what happens']
          : []),
        ...(/[.!]$/.test(summary) ? ['its summary ends with a full stop'] : []),
      ]
    }),
  },
  {
    name: 'every template is one that cannot fail, of a label that is there',
    problems: each(rule =>
      texts(rule)
        .flatMap(text => text.match(/\{\{.*?\}\}/g) ?? [])
        .flatMap(template => {
          const match = template.match(TEMPLATE)
          if (match === null) return [`'${template}' is not one of the allowed templates`]
          const label = match[1]
          return label === undefined || labelsOf(rule).includes(label) ? [] : [`it has no label '${label}'`]
        }),
    ),
  },
  {
    name: 'no value stands in a label',
    problems: each(({ labels = {} }) =>
      Object.entries(labels)
        .filter(([, value]) => value.includes('{{'))
        .map(([name]) => `label '${name}' changes with every evaluation`),
    ),
  },
  {
    name: 'every alert has a guard against a single odd sample, and compares with it',
    problems: each(({ name, guard, expr }) => {
      if ('always' in guard) return name === 'Watchdog' ? undefined : 'only the Watchdog fires always'
      const problems: string[] = []
      if ('forSeconds' in guard && !(guard.forSeconds > 0)) problems.push('its time is not above 0')
      if ('minEvents' in guard) {
        const { minEvents } = guard
        const compares = (text: string) => new RegExp(`${text}(?![\\w.])`).test(expr)
        if (!compares(`>= ${minEvents}`) && !(minEvents === 1 && compares('> 0')))
          problems.push(`its expression does not ask for ${minEvents} events`)
      }
      return problems
    }),
  },
  {
    name: 'every tier but that of the burns and the lab can be explained by its place',
    problems: each(rule => {
      const needs = { zone: ['group', 'zone'], node: ['group', 'node'], cause: [], burn: [], lab: [] }[
        rule.tier
      ]
      // What silences others must itself be told at once: somebody has to hear of the place.
      const isLoss = ['zone', 'node'].includes(rule.tier)
      return [
        ...(isLoss && rule.severity !== 'page' ? [`tier ${rule.tier} is for what is lost, and pages`] : []),
        ...needs
          .filter(label => !certainLabels(rule).includes(label))
          .map(label => `tier ${rule.tier} needs '${label}'`),
      ]
    }),
  },
  {
    name: 'a burn opens an incident, a page is urgent, and only burns and the loss of the primary open incidents',
    problems: each(({ name, tier, sev, severity }) => [
      ...(tier === 'burn' && sev === undefined ? ['it has no level'] : []),
      ...(sev !== undefined && tier !== 'burn' && !name.startsWith('Database')
        ? ['causes open no incidents']
        : []),
      ...(sev !== undefined && sev <= 3 && severity !== 'page' ? [`level ${sev} must page`] : []),
    ]),
  },
  {
    name: 'every metric is one that somebody tells, or that we record',
    problems: (groups, { signals, histograms }) => {
      const recorded = new Set(groups.flatMap(({ recordings }) => recordings.map(({ record }) => record)))
      const known = (name: string) =>
        signals.has(name) || recorded.has(name) || histograms.has(name.replace(/_(bucket|count|sum)$/, ''))
      return groups.flatMap(({ name, recordings, alerts }) =>
        [...recordings, ...alerts].flatMap(({ expr }) =>
          metricsOf(expr)
            .filter(metric => !known(metric))
            .map(metric => `${name}: nobody tells ${metric}`),
        ),
      )
    },
  },
  {
    name: 'every alert is seen firing, quiet and resolving',
    problems: each((rule, { cases }) => {
      const own = cases.filter(({ alert }) => alert === rule.name)
      if (own.length === 0) return 'it has no case'
      if ('always' in rule.guard) return undefined
      return [
        ...(own.every(({ quiet }) => quiet.length === 0) ? ['no case shows it quiet'] : []),
        ...(own.some(({ fires }) => fires.resolvedSeconds === null) ? ['a case does not resolve'] : []),
        ...(own.every(({ fires }) => fires.notYetSeconds === undefined) ? ['no case shows its guard'] : []),
      ]
    }),
  },
  {
    name: 'every case brings along exactly the labels that its rule promises',
    problems: (groups, { cases }) => {
      const rules = new Map(groups.flatMap(({ alerts }) => alerts.map(rule => [rule.name, rule])))
      return cases.flatMap(({ alert, fires }) => {
        const rule = rules.get(alert)
        if (rule === undefined) return [`${alert}: there is no such alert`]
        return [fires.labels].flat().flatMap(labels => {
          const missing = rule.carries.filter(label => !label.startsWith('[') && !(label in labels))
          const more = Object.keys(labels).filter(label => !rule.carries.map(bare).includes(label))
          return [
            ...missing.map(label => `${alert}: '${label}' is missing`),
            ...more.map(label => `${alert}: '${label}' is not promised`),
          ]
        })
      })
    },
  },
]
