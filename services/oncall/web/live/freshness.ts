import {
  GROUP_SERVICES,
  GROUPS,
  type Group,
  TOPOLOGY,
  ZONES,
  type Zone,
} from '../../../../platform/topology.ts'
import type { CellState, LiveState, ServiceCell } from '../../contract.ts'

/** Older than this, a state says nothing about now; milliseconds. */
export const STALE_MS = 15_000

/** `unknown`: no data, or data too old. It is never shown as healthy. */
export type ShownState = CellState | 'unknown'

const placed = (placement: 'zones' | 'outside') =>
  GROUP_SERVICES.filter(service =>
    TOPOLOGY.services.some(one => one.service === service && one.placement === placement),
  )
/** Services of a group that stand in its zones, in the order in which a request meets them. */
export const ZONED = placed('zones')
/** Services of a group outside the zones. */
export const OUTSIDE = placed('outside')

/** What a page knows: the last state, and whether it may still be believed. */
export type Known = { readonly state: LiveState | null; readonly stale: boolean }

/**
 * @param receivedMs when the state came, in the clock of who looks; clocks of two machines are not compared
 */
export function known(state: LiveState | null, receivedMs: number, nowMs: number): Known {
  return { state, stale: state === null || nowMs - receivedMs > STALE_MS }
}

export type Shown = {
  readonly group: Group
  readonly service: string
  readonly zone: Zone | null
  readonly state: ShownState
  readonly cell: ServiceCell | null
}

/** Every square of the map, also those of which nothing is known. */
export function squares({ state, stale }: Known): readonly Shown[] {
  const cells = state?.services ?? []
  const square = (group: Group, service: string, zone: Zone | null): Shown => {
    const cell =
      cells.find(one => one.group === group && one.service === service && one.zone === zone) ?? null
    return { group, service, zone, cell, state: stale || cell === null ? 'unknown' : cell.state }
  }
  return GROUPS.flatMap(group => [
    ...ZONED.flatMap(service => ZONES.map(zone => square(group, service, zone))),
    ...OUTSIDE.map(service => square(group, service, null)),
  ])
}

/** What changed between two looks, in words for those who hear the page. */
export function changes(before: Known, after: Known): readonly string[] {
  const said: string[] = []
  if (after.stale !== before.stale)
    said.push(after.stale ? 'No fresh data: the map is not up to date.' : 'Data is fresh again.')
  const halts = [before.state?.halt ?? null, after.state?.halt ?? null]
  if (before.state !== null && halts[0] !== halts[1])
    said.push(halts[1] === null ? 'The halt is over.' : `Everything is halted: ${halts[1]}.`)
  if (
    before.state !== null &&
    before.state.run?.runId !== after.state?.run?.runId &&
    after.state?.run?.state === 'running'
  ) {
    said.push(`Run ${after.state.run.name} has begun.`)
  }
  if (after.stale || before.stale) return said
  const old = squares(before)
  squares(after).forEach((square, index) => {
    if (old[index]?.state === square.state) return
    const where = square.zone === null ? '' : ` in zone ${square.zone}`
    said.push(`${square.group} ${square.service}${where}: ${square.state}.`)
  })
  return said
}
