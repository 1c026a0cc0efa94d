import { GROUPS, type Group, TOPOLOGY, type Topology, type Zone } from '../../platform/topology.ts'
import type { AttackState, CellState, LiveState, NodeState, RunDetail, ServiceCell } from './contract.ts'
import type { Lab, LabPod } from './lab-reader.ts'

/** After an attack what is not whole yet is recovering for this long; later it is just not whole. */
export const RECOVERING_MS = 300_000

/** What was read of the lab; null: it could not be read. */
export type LabView = {
  readonly pods: readonly LabPod[] | null
  readonly nodes: readonly NodeState[] | null
  readonly runs: readonly RunDetail[] | null
  readonly halt: string | null
  readonly problems: readonly string[]
}

type Place = { readonly group: Group; readonly service: string; readonly zone: Zone | null }

/** Puts together what the live map shows. Pure. */
export function liveState(view: LabView, nowMs: number, topology: Topology = TOPOLOGY): LiveState {
  const { halt, problems } = view
  const nodes = view.nodes ?? []
  const pods = view.pods ?? []
  const attacks = (view.runs ?? []).flatMap(run => run.attacks)
  const on = attacks.filter(({ endMs }) => endMs === null || endMs > nowMs)
  const lately = attacks.filter(
    ({ endMs }) => endMs !== null && endMs <= nowMs && nowMs - endMs <= RECOVERING_MS,
  )
  const zoneOf = (pod: LabPod) => nodes.find(({ name }) => name === pod.node)?.zone ?? null
  // Without pods or nodes nothing can be said of any square.
  const places = view.pods === null || view.nodes === null ? [] : placesOf(topology)
  const inPlace = ({ group, service, zone }: Place) =>
    pods.filter(pod => pod.group === group && pod.service === service && zoneOf(pod) === zone)
  const hitBy = (some: readonly AttackState[]) => some.map(attack => hits(attack, places, inPlace, nodes))
  const attacked = hitBy(on)
  const recovering = hitBy(lately)

  const services = places.map((place): ServiceCell => {
    const own = inPlace(place)
    const podsReady = own.filter(({ ready }) => ready).length
    const isWhole = own.length > 0 && podsReady === own.length
    const state: CellState = attacked.some(hit => hit(place))
      ? 'attacked'
      : isWhole
        ? 'healthy'
        : recovering.some(hit => hit(place))
          ? 'recovering'
          : own.length === 0
            ? 'absent'
            : podsReady === 0
              ? 'down'
              : 'degraded'
    return {
      ...place,
      state,
      podsReady,
      pods: own.map(({ group: _group, service: _service, ...pod }) => pod),
    }
  })
  const running = view.runs?.find(({ state }) => state === 'running')
  return {
    atMs: nowMs,
    services,
    nodes,
    attacks: on,
    run: running === undefined ? null : summaryOf(running),
    halt,
    problems,
  }
}

function placesOf({ services, zones }: Topology): readonly Place[] {
  return GROUPS.flatMap(group =>
    services.flatMap(({ service, placement }) =>
      (placement === 'zones' ? zones : [null]).map(zone => ({ group, service, zone })),
    ),
  )
}

/**
 * Which squares an attack hits. Its targets name pods and nodes that are there; where none of them is any more, it is by
 * zone and service.
 */
function hits(
  { group, targets, zone, service }: AttackState,
  places: readonly Place[],
  inPlace: (place: Place) => readonly LabPod[],
  nodes: readonly NodeState[],
): (place: Place) => boolean {
  const names = new Set(targets.map(target => target.split('/')[0]))
  const zones = nodes.filter(node => node.group === group && names.has(node.name)).map(node => node.zone)
  const byName = (place: Place) =>
    place.group === group &&
    ((place.zone !== null && zones.includes(place.zone)) ||
      inPlace(place).some(({ name }) => names.has(name)))
  if (places.some(byName)) return byName
  return place =>
    place.group === group &&
    (zone !== null || service !== null) &&
    (zone === null || place.zone === zone) &&
    (service === null || place.service === service)
}

export function summaryOf({
  reasons: _reasons,
  attacks: _attacks,
  timeline: _timeline,
  ...summary
}: RunDetail) {
  return summary
}

/** Reads the lab; what fails is told in `problems` and does not take the rest with it. */
export async function readLabView(
  lab: Pick<Lab, 'pods' | 'nodes' | 'halted'>,
  runs: () => Promise<readonly RunDetail[]>,
): Promise<LabView> {
  const problems: string[] = []
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work()
    } catch (error) {
      problems.push(`${what}: ${error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : error}`)
      return null
    }
  }
  const [pods, nodes, halt, known] = await Promise.all([
    attempt('pods cannot be read', () => lab.pods()),
    attempt('nodes cannot be read', () => lab.nodes()),
    attempt('whether all is halted cannot be read', () => lab.halted()),
    attempt('runs cannot be read', runs),
  ])
  return { pods, nodes, runs: known, halt, problems }
}
