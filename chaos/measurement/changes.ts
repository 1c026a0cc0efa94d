import { GROUPS, type Group } from '../../platform/topology.ts'
import type { TimelineEvent } from '../journal-entry.ts'
import { type NodeView, type PodView, zoneOf } from '../lab/view.ts'

/** What a person wants to know of a node that changed. Pure; `before` is null for a node seen for the first time. */
export function nodeChange(before: NodeView | null, after: NodeView | null, atMs: number): TimelineEvent[] {
  const node = after ?? before
  if (node === null) return []
  const event = (text: string): TimelineEvent => ({
    atMs,
    source: 'cluster',
    ...place(node.group, node.zone),
    service: 'node',
    text,
  })
  if (after === null) return [event(`node ${node.name} gone`)]
  if (before === null || before.ready === after.ready) return []
  return [event(`node ${node.name} ${after.ready ? 'Ready' : 'NotReady'}`)]
}

/** What a person wants to know of a pod that changed. Pure. */
export function podChange(
  before: PodView | null,
  after: PodView | null,
  nodes: readonly NodeView[],
  atMs: number,
): TimelineEvent[] {
  const pod = after ?? before
  if (pod === null || pod.finished || pod.service === null) return []
  const zone = zoneOf(pod, nodes)
  const event = (text: string): TimelineEvent => ({
    atMs,
    source: 'cluster',
    ...place(pod.group, zone),
    service: pod.service ?? '',
    text,
  })
  if (after === null) return [event(`pod ${pod.name} gone`)]
  const events: TimelineEvent[] = []
  if (before === null) events.push(event(`pod ${pod.name} created`))
  if (before?.role !== 'primary' && after.role === 'primary')
    events.push(event(`${pod.name} is the Postgres primary`))
  if (before !== null && before.role === 'primary' && after.role !== 'primary') {
    events.push(event(`${pod.name} is no longer the Postgres primary`))
  }
  if (before?.ready !== after.ready && (before !== null || after.ready)) {
    events.push(event(`pod ${pod.name} ${after.ready ? 'ready' : 'not ready'}`))
  }
  if (before !== null && !before.terminating && after.terminating)
    events.push(event(`pod ${pod.name} terminating`))
  return events
}

function place(group: string | null, zone: NodeView['zone']): Pick<TimelineEvent, 'group' | 'zone'> {
  const known: Group | undefined = GROUPS.find(name => name === group)
  return { ...(known === undefined ? {} : { group: known }), ...(zone === null ? {} : { zone }) }
}
