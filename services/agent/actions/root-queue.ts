import { z } from 'zod'
import {
  ActionError,
  type Command,
  type ContainerTarget,
  type NetworkRef,
  type Probe,
  type Reading,
} from './action.ts'
import { checkedId, checkedInterface } from './packet-filter.ts'

/*
 * The queue at the root of an interface, for the actions that put one there: what leaves a pod waits at its own
 * interface, what comes in at the node's end of the pair, which is where it leaves towards the pod. There is only one
 * such queue, so that two faults cannot both have theirs; it bears a number made from the fault's id, and only a queue
 * with that number is ever removed.
 */

/** One end of the pair between a pod and its node. */
export type QueuePlace = {
  /** As the pod sees it. */
  readonly way: 'in' | 'out'
  readonly interfaceName: string
  readonly network: NetworkRef
}

export function queuePlace({ network }: ContainerTarget, way: 'in' | 'out'): QueuePlace {
  return way === 'out'
    ? { way, interfaceName: checkedInterface(network.interfaceName), network: network.ref }
    : { way, interfaceName: checkedInterface(network.nodeInterfaceName), network: { of: 'node' } }
}

/**
 * @param kind the queue's name and parameters, as tc reads them
 * @param before what `readQueue` told before
 * @throws ActionError the interface has a queue that somebody put there
 */
export function putQueue(
  place: QueuePlace,
  id: string,
  kind: readonly string[],
  before: Reading | undefined,
): Command {
  const foreign = readBefore(place, before, 'ForeignQueues')
  if (foreign > 0) {
    throw new ActionError(
      `Cannot put a queue at interface '${place.interfaceName}': it has one already, of another fault or of the network itself. End that one first`,
    )
  }
  return tc(place, ['qdisc', 'add', 'dev', place.interfaceName, 'root', 'handle', handleOf(id), ...kind])
}

/** Removes this fault's queue, and gives the interface back the queue length that it had. */
export function removeQueue(place: QueuePlace, id: string, before: Reading | undefined): readonly Command[] {
  const queueLength = readBefore(place, before, 'QueueLength')
  return [
    {
      ...tc(place, ['qdisc', 'del', 'dev', place.interfaceName, 'root', 'handle', handleOf(id)]),
      settledBy: [...NO_SUCH_QUEUE, ...NO_SUCH_INTERFACE],
    },
    // The kernel takes a length of 0 for a mistake when a queue is added, and makes it 1,000.
    {
      do: 'run',
      program: 'ip',
      args: ['link', 'set', 'dev', place.interfaceName, 'txqueuelen', `${queueLength}`],
      network: place.network,
      settledBy: NO_SUCH_INTERFACE,
    },
  ]
}

const NO_SUCH_INTERFACE = ['Cannot find device', 'No such device']
const NO_SUCH_QUEUE = [
  'Invalid handle',
  'Cannot delete qdisc with handle of zero',
  'Cannot find specified qdisc',
  'Failed to find qdisc',
  'No such file or directory',
]

/** State and counters of a place, by name with its way: `outQueueLength`, `inHeldPackets`. */
export async function readQueue(place: QueuePlace, id: string, probe: Probe): Promise<Reading> {
  const { way, interfaceName, network } = place
  const show = async <T>(schema: z.ZodType<T>, program: 'tc' | 'ip', args: readonly string[]) =>
    schema.parse(JSON.parse(await probe.run(program, args, network)))
  const [link] = await show(linksSchema, 'ip', ['-j', 'link', 'show', 'dev', interfaceName])
  const queues = await show(queuesSchema, 'tc', ['-s', '-j', 'qdisc', 'show', 'dev', interfaceName])
  const roots = queues.filter(({ root }) => root === true)
  const own = roots.find(({ handle }) => handle === handleOf(id))
  return {
    [`${way}QueueLength`]: link?.txqlen ?? 0,
    // The kernel's own queues have number 0.
    [`${way}ForeignQueues`]: roots.filter(queue => queue !== own && queue.handle !== '0:').length,
    [`${way}Packets`]: own?.packets ?? 0,
    [`${way}Bytes`]: own?.bytes ?? 0,
    [`${way}HeldTimes`]: own?.overlimits ?? 0,
    [`${way}DroppedPackets`]: own?.drops ?? 0,
  }
}

const linksSchema = z.array(z.object({ txqlen: z.number().optional() }))
const queuesSchema = z.array(
  z.object({
    handle: z.string(),
    root: z.boolean().optional(),
    bytes: z.number().optional(),
    packets: z.number().optional(),
    drops: z.number().optional(),
    overlimits: z.number().optional(),
  }),
)

/** Below 8000, where the kernel's own choice begins. */
function handleOf(id: string): string {
  return `${(numberFrom(id, 0x7fff)).toString(16)}:`
}

/** A number that is the same for the same id, 1 to `largest`: 32-bit FNV-1a of its characters. */
export function numberFrom(id: string, largest: number): number {
  let hash = 0x811c9dc5
  for (const character of checkedId(id)) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0
  }
  return (hash % largest) + 1
}

function tc({ network }: QueuePlace, args: readonly string[]): Command & { readonly do: 'run' } {
  return { do: 'run', program: 'tc', args, network }
}

function readBefore({ way }: QueuePlace, before: Reading | undefined, name: string): number {
  const value = before?.[`${way}${name}`]
  if (value !== undefined) return value
  throw new ActionError(`Cannot tell how to restore the interface: its '${way}${name}' was not read before`)
}
