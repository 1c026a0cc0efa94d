import { markdownTable as table, markdownText as text } from '../../../platform/markdown.ts'
import { count, utc } from '../web/words.ts'
import type { AlertCounts, FrequentAlert, Mean, Mentioned, Reliability, Sev, WeekReport } from './report.ts'
import {
  behindMean,
  chainText,
  DEFINITIONS,
  detectionText,
  foundText,
  gapTexts,
  impactText,
  isEmptyWeek,
  meanText,
  mtbfText,
  NO_VALUE,
  observedText,
  outOf,
  ownerText,
  percent,
  pooled,
  rankChange,
  SEV_LEVELS,
  span,
  spanOr,
  summary,
  weekDates,
  weekTitle,
} from './wording.ts'

/** The report of a week as GitHub-flavoured Markdown, in the order of its page: for a wiki, a chat or a terminal. */
export function weekMarkdown(report: WeekReport): string {
  const parts = [
    `# ${weekTitle(report)}${report.isPartial ? ' (not over)' : ''}`,
    `${weekDates(report)}, UTC. ${observedText(report)}`,
    ...(report.madeMs < report.fromMs ? [] : [summary(report).map(text).join(' ')]),
    ...(isEmptyWeek(report) ? quietServices(report) : sections(report)),
    '## How this is counted',
    DEFINITIONS.map(([term, meaning]) => `- **${term}**: ${text(meaning)}`).join('\n'),
    `${report.week}, made ${utc(report.madeMs)} UTC.`,
  ]
  return `${parts.join('\n\n')}\n`
}

/** How long services went without a failure is known of a week with nothing in it, too. */
function quietServices({ reliability }: WeekReport): string[] {
  return reliability.length === 0 ? [] : reliabilityByService(reliability)
}

function sections(report: WeekReport): string[] {
  return [
    ...keyFigures(report),
    ...incidents(report.sevs),
    ...alertsByService(report.alerts),
    ...mostFrequent(report.frequent),
    ...reliabilityByService(report.reliability),
    ...rulesAgainstAttacks(report),
    ...coverage(report),
    ...notHeard(report),
    ...experiments(report),
  ]
}

function keyFigures({ alerts, reliability }: WeekReport): string[] {
  const groups = [...new Set([...alerts, ...reliability].map(({ group }) => group))]
  const rows = groups.flatMap(group =>
    [false, true].flatMap(induced => {
      const ofIts = <Row extends { readonly group: string | null; readonly induced: boolean }>(
        all: readonly Row[],
      ) => all.filter(row => row.group === group && row.induced === induced)
      const [counted, services] = [ofIts(alerts), ofIts(reliability)]
      if (counted.length === 0 && services.length === 0) return []
      const sum = (pick: (row: AlertCounts) => number) => counted.reduce((total, row) => total + pick(row), 0)
      const all = pooled(services)
      const meanOf = ({ meanMs, n }: Pick<Mean, 'meanMs' | 'n'>) =>
        meanMs === null ? NO_VALUE : `${span(meanMs)} (n ${n})`
      return [
        [
          `${text(group ?? 'no group')}, ${induced ? 'induced' : 'not induced'}`,
          `${sum(row => row.events)}`,
          `${sum(row => row.noisy)}`,
          `${sum(row => row.open)}`,
          ...SEV_LEVELS.map(level => `${all.sevs[level]}`),
          services.length === 0 ? NO_VALUE : `${meanOf(all.detect)}, ${foundText(all)}`,
          meanOf(all.recover),
          services.length === 0
            ? NO_VALUE
            : `${mtbfText(all)}${all.failures > 0 ? ` (n ${all.failures})` : ''}`,
        ],
      ]
    }),
  )
  const heading = [
    '',
    'Alerts',
    'Noisy',
    'Open',
    'SEV1',
    'SEV2',
    'SEV3',
    'SEV4',
    'MTTD',
    'MTTR',
    'MTBF a service',
  ]
  return ['## Key figures', table(heading, rows)]
}

function incidents(sevs: readonly Sev[]): string[] {
  if (sevs.length === 0) return ['## Incidents', 'None.']
  const rows = sevs.map(sev => [
    `SEV${sev.level}${sev.sharedCause ? ', shared cause' : ''}`,
    text(ownerText(sev)),
    utc(sev.openedMs),
    impactText(sev),
    text(detectionText(sev.detection)),
    spanOr(sev.recoverMs),
    sev.runId === null ? NO_VALUE : text(sev.runId),
    chainText(sev) || NO_VALUE,
  ])
  const heading = [
    'Level',
    'Service',
    'Opened, UTC',
    'Impact',
    'Found',
    'Recovered after',
    'Run',
    'After the attack',
  ]
  return ['## Incidents', table(heading, rows)]
}

function alertsByService(alerts: readonly AlertCounts[]): string[] {
  const part = (induced: boolean) => alerts.filter(row => row.induced === induced)
  return [
    '## Alerts by service, not induced',
    alertTable(part(false)),
    '## Alerts by service, induced by experiments',
    alertTable(part(true)),
  ]
}

function alertTable(alerts: readonly AlertCounts[]): string {
  if (alerts.length === 0) return 'None.'
  const rows = alerts.map(row => [
    text(ownerText(row)),
    `${row.events}`,
    `${row.carriedOver}`,
    row.oldestOpenMs === null ? `${row.open}` : `${row.open}, oldest ${span(row.oldestOpenMs)}`,
    `${row.noisy}`,
    `${row.selfResolving}`,
    `${row.flaps}`,
    `${row.expired} / ${row.unknown}`,
    `${row.notified}`,
    spanOr(row.resolution.p50Ms),
    spanOr(row.resolution.p90Ms),
    spanOr(row.resolution.meanMs),
    `${row.resolution.n}${row.clockSuspect > 0 ? `, ${row.clockSuspect} left out: clock` : ''}`,
  ])
  const counts = [
    'Alerts',
    'Carried over',
    'Open',
    'Noisy',
    'Self-resolving',
    'Flaps',
    'Expired / unknown',
    'Notified',
  ]
  return table(['Service', ...counts, 'Resolved p50', 'p90', 'Mean', 'n'], rows)
}

function mostFrequent(frequent: readonly FrequentAlert[]): string[] {
  if (frequent.length === 0) return ['## Most frequent alerts', 'None.']
  const owners = [...new Set(frequent.map(ownerText))]
  return [
    '## Most frequent alerts',
    ...owners.flatMap(owner => [
      `**${text(owner)}**`,
      table(
        ['Rank', 'Before', 'Alert', 'Alerts', 'Induced', 'Flaps', 'Firing', 'Noisy'],
        frequent
          .filter(row => ownerText(row) === owner)
          .map(row => [
            `${row.rank}`,
            rankChange(row.rank, row.rankBefore).sign,
            text(row.name),
            `${row.events}`,
            `${row.induced}`,
            `${row.flaps}`,
            span(row.firingMs),
            percent(row.noisyShare),
          ]),
      ),
    ]),
  ]
}

function reliabilityByService(rows: readonly Reliability[]): string[] {
  const part = (induced: boolean) => {
    const some = rows.filter(row => row.induced === induced)
    return some.length === 0 ? 'None.' : reliabilityTable(some)
  }
  return [
    '## Reliability by service, not induced',
    part(false),
    '## Reliability by service, induced by experiments',
    part(true),
  ]
}

function reliabilityTable(rows: readonly Reliability[]): string {
  const cell = (mean: Mean) => (mean.n === 0 ? NO_VALUE : `${meanText(mean)} (${behindMean(mean)})`)
  return table(
    ['Service', ...SEV_LEVELS.map(level => `SEV${level}`), 'Carried over', 'MTTD', 'MTTR', 'Restore', 'MTBF'],
    rows.map(row => [
      text(ownerText(row)),
      ...SEV_LEVELS.map(level => `${row.sevs[level]}`),
      `${row.carriedOver}`,
      `${cell(row.detect)}; ${foundText(row)}${row.preExisting > 0 ? `, ${row.preExisting} fired before` : ''}${row.missed > 0 ? `, ${row.missed} missed` : ''}`,
      cell(row.recover),
      cell(row.restore),
      `${mtbfText(row)}${row.mtbfMs !== null && row.isFew ? ', few' : ''}`,
    ]),
  )
}

function rulesAgainstAttacks({ rules }: WeekReport): string[] {
  if (rules.length === 0) return ['## Rules against attacks', 'No rule fired in the experimental group.']
  return [
    '## Rules against attacks',
    table(
      ['Rule', 'Alerts', 'Precision', 'Recall', 'Delay p50', 'p90', 'Mean', 'n'],
      rules.map(({ rule, events, induced, attacks, found, delay }) => [
        text(rule),
        `${events}`,
        outOf(induced, events),
        outOf(found, attacks),
        spanOr(delay.p50Ms),
        spanOr(delay.p90Ms),
        spanOr(delay.meanMs),
        `${delay.n}`,
      ]),
    ),
  ]
}

function coverage({ coverage: { kinds, ...gaps } }: WeekReport): string[] {
  if (kinds.length === 0) return ['## Faults and what told of them', 'No fault was on.']
  return [
    '## Faults and what told of them',
    table(
      ['Fault', 'Attacks', 'Rules that fired', 'Panels'],
      kinds.map(({ kind, attacks, rules, panels }) => [
        text(kind),
        `${attacks}`,
        rules.map(({ rule, found }) => `${text(rule)} ${found} of ${attacks}`).join(', ') || 'none',
        text(panels.join(', ')) || 'none',
      ]),
    ),
    ...gapTexts({ kinds, ...gaps }).map(text),
  ]
}

function notHeard({ leaks, leakCount, undelivered, undeliveredCount, beyondCount }: WeekReport): string[] {
  return [
    '## Alerts of the control group during attacks',
    mentioned(leaks, leakCount),
    ...(beyondCount === 0
      ? []
      : [`Besides, ${count(beyondCount, 'alert')} of the experimental group out of the blast radius.`]),
    '## Alerts of which nobody was told',
    mentioned(undelivered, undeliveredCount),
  ]
}

function mentioned(alerts: readonly Mentioned[], all: number): string {
  if (all === 0) return 'None.'
  const rows = alerts.map(alert => [
    text(alert.name),
    text(ownerText(alert)),
    alert.zone ?? NO_VALUE,
    utc(alert.firedMs),
    alert.endedMs === null ? 'open' : span(alert.endedMs - alert.firedMs),
    alert.runId === null ? NO_VALUE : text(alert.runId),
  ])
  const more = all > alerts.length ? `\n\n${alerts.length} of ${all} shown.` : ''
  return `${table(['Alert', 'Service', 'Zone', 'Fired, UTC', 'For', 'Run'], rows)}${more}`
}

function experiments({ runs }: WeekReport): string[] {
  if (runs.length === 0) return ['## Experiments', 'None ran.']
  return [
    '## Experiments',
    table(
      ['Experiment', 'Level', 'Opened, UTC', 'Outcome', 'Run'],
      runs.map(({ name, level, openedMs, verdict, state, aborted, runId }) => [
        text(name),
        text(level) || NO_VALUE,
        utc(openedMs),
        `${text(verdict ?? state)}${aborted ? ', aborted early' : ''}`,
        text(runId),
      ]),
    ),
  ]
}
