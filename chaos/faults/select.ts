import { z } from 'zod'
import { UserError } from '../../platform/errors.ts'
import { type Random, seededRandom } from '../../platform/random.ts'
import { ZONES, type Zone } from '../../platform/topology.ts'
import { type LabView, type NodeView, type PodView, primaryPod, primaryZone } from '../lab/view.ts'

/** The only group that is ever attacked; the name is also its namespace. */
const GROUP = 'experiment'

/** Services that may be attacked: those that run in the zones. */
export const ATTACKABLE = ['gateway', 'recommender', 'database'] as const
export type Attackable = (typeof ATTACKABLE)[number]

/** `primary` is the zone in which the group's Postgres primary is when the fault begins. */
export const ZONE_CHOICES = [...ZONES, 'primary'] as const
export type ZoneChoice = (typeof ZONE_CHOICES)[number]

/** The control group is not an allowed value anywhere. */
export const experimentGroup = z.literal(GROUP).describe('the control group is never attacked')
export const zoneChoice = z.enum(ZONE_CHOICES).describe("'primary': where the Postgres primary is then")
export const services = z
  .array(z.enum(ATTACKABLE))
  .min(1)
  .readonly()
  .describe('the rest of the selection holds for each of them by itself')

const choice = {
  group: experimentGroup,
  services,
  zone: zoneChoice.optional(),
  role: z.enum(['primary', 'replica']).optional().describe('of Postgres; only for services: [database]'),
  count: z.number().int().min(1).max(100).optional().describe('so many pods, at random by the seed'),
  percent: z
    .number()
    .gt(0)
    .max(100)
    .optional()
    .describe('so many of the pods, rounded up, at random by the seed'),
  onePerZone: z.literal(true).optional().describe('one pod in each zone, at random by the seed'),
}

type Choice = z.infer<z.ZodObject<typeof choice>>

function consistent({ value, issues }: z.core.ParsePayload<Choice>): void {
  const amounts = (['count', 'percent', 'onePerZone'] as const).filter(key => value[key] !== undefined)
  if (amounts.length > 1) {
    issues.push({
      code: 'custom',
      input: value,
      path: [amounts[1] ?? ''],
      message: 'one of count, percent and onePerZone; none of them means all',
    })
  }
  if (value.role !== undefined && value.services.some(service => service !== 'database')) {
    issues.push({
      code: 'custom',
      input: value,
      path: ['role'],
      message: 'only with services: [database]',
    })
  }
}

/** Pods of the experimental group; without a number, all that match. */
export const podSelect = z.strictObject(choice).check(consistent)
export type PodSelect = z.infer<typeof podSelect>

/** One container of each selected pod. */
export const containerSelect = z
  .strictObject({
    ...choice,
    container: z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'name of a container')
      .optional()
      .describe("default: the service's own"),
  })
  .check(consistent)
export type ContainerSelect = z.infer<typeof containerSelect>

/** One zone of the experimental group. */
export const zoneSelect = z.strictObject({ group: experimentGroup, zone: zoneChoice })

/** One node of the experimental group. */
export const nodeSelect = z.strictObject({
  group: experimentGroup,
  zone: zoneChoice.optional().describe('default: any, at random by the seed'),
})

/** A pod with a place to run: what an attack needs to know of it. */
export type PlacedPod = PodView & { readonly service: Attackable; readonly node: NodeView }

/** A container of a pod that was selected. */
export type SelectedContainer = { readonly pod: PlacedPod; readonly container: PodView['containers'][number] }

/**
 * Pods of the experimental group that a selection means, each service by itself.
 *
 * @param seed of the random picks: the same seed and the same lab give the same pods
 * @throws UserError NOTHING_SELECTED when a service has none, or fewer than were asked for
 */
export function selectPods(select: PodSelect, view: LabView, seed: number): readonly PlacedPod[] {
  const zone = select.zone === undefined ? null : resolveZone(select.zone, view)
  return [...new Set(select.services)].flatMap(service => {
    const words = [
      service,
      ...(select.role === undefined ? [] : [select.role]),
      ...(zone === null ? [] : [`in zone ${zone}`]),
    ].join(' ')
    const found = placedPods(service, view).filter(
      pod => (zone === null || pod.node.zone === zone) && hasRole(pod, select.role, view),
    )
    if (found.length === 0) {
      throw nothingSelected(words, 'no pod of it runs there', hintForEmptyZone(service, zone, view))
    }
    // Of its own for each service: another list of services does not change who is picked of this one.
    return pick(found, select, seededRandom(seed, ATTACKABLE.indexOf(service)), words)
  })
}

/** As `selectPods`, with the container of each. @throws UserError NOTHING_SELECTED */
export function selectContainers(
  select: ContainerSelect,
  view: LabView,
  seed: number,
): readonly SelectedContainer[] {
  return selectPods(select, view, seed).map(pod => {
    const name = select.container ?? pod.service
    const container = pod.containers.find(candidate => candidate.name === name)
    if (container !== undefined) return { pod, container }
    throw nothingSelected(
      `container ${name} of ${pod.name}`,
      `it has ${pod.containers.map(other => other.name).join(', ') || 'none'}`,
    )
  })
}

/** The group's Postgres primary. @throws UserError NOTHING_SELECTED */
export function selectPrimary(view: LabView): PlacedPod {
  const primary = primaryPod(GROUP, view)
  const placed = placedPods('database', view).find(pod => pod.uid === primary?.uid)
  if (placed !== undefined) return placed
  throw nothingSelected('the primary', 'the experiment group has no Postgres primary')
}

/**
 * One node of the group, at random by the seed.
 *
 * @throws UserError NOTHING_SELECTED
 */
export function selectNode(select: z.infer<typeof nodeSelect>, view: LabView, seed: number): PlacedNode {
  const zones = select.zone === undefined ? ZONES : [resolveZone(select.zone, view)]
  const nodes = zones.flatMap(zone => experimentNodes(view).filter(node => node.zone === zone))
  const node = shuffled(nodes, seededRandom(seed))[0]
  if (node !== undefined) return node
  throw nothingSelected(
    select.zone === undefined ? 'a node' : `a node in zone ${zones.join('')}`,
    'no node is labelled with it and group=experiment',
  )
}

export type PlacedNode = NodeView & { readonly zone: Zone }

/**
 * Nodes of the experimental group in one zone.
 *
 * @throws UserError NOTHING_SELECTED
 */
export function nodesOfZone(zone: Zone, view: LabView): readonly PlacedNode[] {
  const nodes = experimentNodes(view).filter(node => node.zone === zone)
  if (nodes.length > 0) return nodes
  throw nothingSelected(`zone ${zone}`, 'no node is labelled with it and group=experiment')
}

/** All nodes of the experimental group that are in a zone, in order of their names. */
export function experimentNodes(view: Pick<LabView, 'nodes'>): readonly PlacedNode[] {
  return byName(view.nodes.filter((node): node is PlacedNode => node.group === GROUP && node.zone !== null))
}

/**
 * Resolves a zone choice.
 *
 * @throws UserError NOTHING_SELECTED when there is no primary to find the zone of
 */
export function resolveZone(zoneOrPrimary: ZoneChoice, view: LabView): Zone {
  if (zoneOrPrimary !== 'primary') return zoneOrPrimary
  const zone = primaryZone(GROUP, view)
  if (zone !== null) return zone
  throw nothingSelected('zone primary', 'the experiment group has no Postgres primary')
}

/** Pods of one service that run now on the group's own nodes, in order of their names. */
export function placedPods(service: Attackable, view: LabView): readonly PlacedPod[] {
  const pods = view.pods.flatMap(pod => {
    const node = view.nodes.find(candidate => candidate.name === pod.nodeName)
    // A label is easily forged by whoever made the pod; its namespace and its node are not.
    const isOurs = pod.group === GROUP && pod.namespace === GROUP && node?.group === GROUP
    return isOurs && pod.service === service && !pod.terminating && !pod.finished
      ? [{ ...pod, service, node }]
      : []
  })
  return byName(pods)
}

/** The zone that all pods have in common; null when they are in several. */
export function commonZone(pods: readonly PlacedPod[]): Zone | null {
  const zones = new Set(pods.map(pod => pod.node.zone))
  return zones.size === 1 ? ([...zones][0] ?? null) : null
}

export function nothingSelected(
  what: string,
  why: string,
  hint = "See what is there with 'divergence status'.",
): UserError {
  return new UserError('NOTHING_SELECTED', `Cannot select ${what} of the experiment group: ${why}`, hint)
}

/**
 * How pods come back to a zone that a drain or a pod of higher priority emptied: Kubernetes moves no pod that runs.
 *
 * @returns undefined where the service has too few pods for all zones, or none of them could be put into this one
 */
function hintForEmptyZone(service: Attackable, zone: Zone | null, view: LabView): string | undefined {
  const pods = placedPods(service, view)
  const isEmpty = zone !== null && !pods.some(pod => pod.node.zone === zone)
  if (!isEmpty || pods.length < ZONES.length) return undefined
  if (!experimentNodes(view).some(node => node.zone === zone && node.ready && !node.cordoned))
    return undefined
  const surplus = pods.find(pod =>
    pods.some(other => other.uid !== pod.uid && other.node.zone === pod.node.zone),
  )
  if (surplus === undefined) return undefined
  return `kubectl -n ${GROUP} delete pod ${surplus.name}: the scheduler puts it back into zone ${zone}.`
}

function hasRole(pod: PlacedPod, role: PodSelect['role'], view: LabView): boolean {
  if (role === undefined) return true
  return (pod.uid === primaryPod(GROUP, view)?.uid) === (role === 'primary')
}

function pick(
  pods: readonly PlacedPod[],
  { count, percent, onePerZone }: PodSelect,
  random: Random,
  words: string,
): readonly PlacedPod[] {
  if (onePerZone === true) {
    const order = shuffled(pods, random)
    const firsts = order.filter(
      (pod, index) => order.findIndex(other => other.node.zone === pod.node.zone) === index,
    )
    return byName(firsts)
  }
  const wanted = count ?? (percent === undefined ? pods.length : Math.ceil((pods.length * percent) / 100))
  if (wanted > pods.length) {
    throw nothingSelected(`${wanted} pods of ${words}`, `there are only ${pods.length}`)
  }
  return byName(shuffled(pods, random).slice(0, wanted))
}

/** Fisher-Yates. */
function shuffled<Item>(items: readonly Item[], random: Random): readonly Item[] {
  const order = [...items]
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const item = order[last] as Item
    order[last] = order[other] as Item
    order[other] = item
  }
  return order
}

/** The API server gives no order; picks must not depend on the one it happens to use. */
function byName<Item extends { readonly name: string; readonly uid: string }>(
  items: readonly Item[],
): readonly Item[] {
  const key = ({ name, uid }: Item) => `${name} ${uid}`
  return [...items].sort((one, other) => (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0))
}
