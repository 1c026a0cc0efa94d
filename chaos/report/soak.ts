import type { Tally } from '../../load/breakpoint.ts'
import { WEAR_LIMITS, type Wear } from '../../load/soak.ts'
import { alignColumns } from '../../platform/columns.ts'
import { GROUPS, type Group } from '../../platform/topology.ts'
import { count, milliseconds, percent, points, ratio, seconds } from '../judgement/wording.ts'
import type { SoakReport } from '../load-alone.ts'

const HEADINGS = ['from', 'group', 'requests', 'failed', 'p50', 'p95', 'p99']

/** What a soak showed, for a terminal: whether it wore the groups, and the table over time. */
export function soakText(report: SoakReport): string {
  const { windows, wear, requestsPerSecond, durationSeconds, droppedIterations, sampleEvery } = report
  const rows = windows.flatMap(({ fromSeconds, groups }) =>
    GROUPS.map(group => [`+${fromSeconds.toFixed(0)} s`, group, ...cellsOf(groups[group])]),
  )
  const thinned = sampleEvery === 1 ? '' : `; counts are of one request in ${sampleEvery}`
  return [
    ...GROUPS.map(group => wearSentence(group, wear[group])),
    '',
    alignColumns([HEADINGS, ...rows]),
    '',
    `${requestsPerSecond} requests/s a group for ${seconds(durationSeconds)}, ${count(droppedIterations)} never sent${thinned}.`,
  ].join('\n')
}

function wearSentence(group: Group, { worn, p95Factor, failedShareRise }: Wear): string {
  if (p95Factor === null || failedShareRise === null)
    return `Whether the load wore the ${group} group is unknown: its first or last quarter has no data.`
  const what = `its last quarter against the first: p95 ${ratio(p95Factor)} times (limit ${ratio(WEAR_LIMITS.p95Factor)}), failures ${points(failedShareRise)} (limit ${points(WEAR_LIMITS.failedShareRise)})`
  return `The load ${worn ? 'WORE' : 'did not wear'} the ${group} group; ${what}.`
}

function cellsOf({ sent, failedShare, p50Ms, p95Ms, p99Ms }: Tally): string[] {
  const latency = (value: number | null) => (value === null ? '-' : milliseconds(value))
  return [
    count(sent),
    failedShare === null ? '-' : percent(failedShare),
    ...[p50Ms, p95Ms, p99Ms].map(latency),
  ]
}
