import { z } from 'zod'
import {
  type ActionDefinition,
  ActionError,
  type Capabilities,
  type ContainerTarget,
  type Finding,
  type Reading,
  type Target,
} from './action.ts'
import {
  checkedInterface,
  counted,
  FUSE_RULE,
  FUSE_SET,
  lines,
  nft,
  peerMatches,
  peerSets,
  peersSchema,
  removedTable,
  renewedFuse,
  tableOf,
} from './packet-filter.ts'
import { numberFrom, putQueue, queuePlace, readQueue, removeQueue } from './root-queue.ts'

/** Packets that come in are held back. */
export type DelaySpec = {
  readonly action: 'delay'
  /** > 0, <= 10000. */
  readonly delayMs: number
  /** Uniform, +-; < delayMs. Packets keep their order, but for those of netem. */
  readonly jitterMs: number
  /** Addresses or CIDRs at the other end, as the packet bears them at the target; absent: all but loopback. */
  readonly peers?: readonly string[] | undefined
  readonly protocol?: 'tcp' | 'udp' | undefined
  /** Port at the other end: 53 holds back the answers of DNS. */
  readonly peerPort?: number | undefined
}

/*
 * With netem, and when all packets are meant, the delay is a queue at the node's end of the pair. Otherwise:
 *
 *   network --> [ prerouting: chain `in` chooses --> chain `held`: NFQUEUE ] --> target
 *                                                       |          ^
 *                                                       v          |
 *                                                      packet-delay
 *
 * Only what comes in is held: on the way out the delay would double, because TCP gathers what it has not sent yet.
 */

/** Packets that netem holds at most: 10,000 a second at 1.6 s, as packet-delay. */
const NETEM_LIMIT_PACKETS = 16_384
const HELD_CHAIN = 'held'

const schema: z.ZodType<DelaySpec> = z
  .strictObject({
    action: z.literal('delay'),
    delayMs: z.number().min(0.001).max(10_000),
    jitterMs: z.number().min(0),
    ...peersSchema,
  })
  .refine(({ delayMs, jitterMs }) => jitterMs < delayMs, {
    message: 'must be less than delayMs',
    path: ['jitterMs'],
  })

export const delay: ActionDefinition<DelaySpec> = {
  action: 'delay',
  schema,
  on: ['container'],
  needs: spec => (choosesPackets(spec) ? [NFQUEUE] : [['netem'], NFQUEUE]),

  begin({ spec, target, id, capabilities, before }) {
    const container = requireContainer(target)
    if (byNetem(spec, capabilities)) return [putQueue(queuePlace(container, 'in'), id, netem(spec), before)]
    const { ref, interfaceName } = container.network
    return [
      nft(removedTable('inet', id) + tableText(spec, id, interfaceName), ref),
      {
        do: 'start',
        program: 'packet-delay',
        args: [
          ...[
            '--queue',
            `${queueOf(id)}`,
            '--delay',
            milliseconds(spec.delayMs),
            '--jitter',
            milliseconds(spec.jitterMs),
          ],
          ...['--table', tableOf(id), '--chain', HELD_CHAIN],
        ],
        readyText: 'ready',
        network: ref,
      },
    ]
  },

  end({ spec, target, id, capabilities, before }) {
    const container = requireContainer(target)
    if (byNetem(spec, capabilities)) return removeQueue(queuePlace(container, 'in'), id, before)
    // The program first: it gives back what it holds, which is lost when the kernel removes its hook.
    return [{ do: 'stop' }, nft(removedTable('inet', id), container.network.ref)]
  },

  renew({ spec, target, id, capabilities }) {
    return byNetem(spec, capabilities) ? [] : [nft(renewedFuse('inet', id), target.network.ref)]
  },

  async read({ spec, target, id, capabilities }, probe): Promise<Reading> {
    const container = requireContainer(target)
    if (byNetem(spec, capabilities)) return readQueue(queuePlace(container, 'in'), id, probe)
    const counters = await counted(id, probe, container.network.ref)
    const queues = await probe.readFile(`/proc/${container.main.pid}/net/netfilter/nfnetlink_queue`)
    const queue = queues === null ? undefined : queueLine(queues, queueOf(id))
    return {
      chosenPackets: counters.get('chosen') ?? 0,
      heldPackets: queue?.seen ?? 0,
      waitingPackets: queue?.waiting ?? 0,
      delayers: (await probe.started(id)).length,
    }
  },

  finding({ delayMs, jitterMs }, before, now): Finding {
    const wanted = `${delayMs} ms +- ${jitterMs} ms`
    if (now.inPackets !== undefined) {
      return { proven: now.inPackets > 0, detail: `${now.inPackets} packets held for ${wanted} by netem` }
    }
    const held = (now.heldPackets ?? 0) - (before.heldPackets ?? 0)
    const delayers = now.delayers ?? 0
    return {
      proven: held > 0 && delayers > 0,
      detail: `${held} packets held for ${wanted}, ${now.waitingPackets ?? 0} of them now, by ${delayers} packet-delay`,
    }
  },
}

const NFQUEUE = ['nfqueue', 'nft', 'nft-set-timeout'] as const

function choosesPackets({ peers, protocol, peerPort }: DelaySpec): boolean {
  return peers !== undefined || protocol !== undefined || peerPort !== undefined
}

function byNetem(spec: DelaySpec, capabilities: Capabilities): boolean {
  return capabilities.has('netem') && !choosesPackets(spec)
}

function netem({ delayMs, jitterMs }: DelaySpec): readonly string[] {
  const jitter = jitterMs === 0 ? [] : [milliseconds(jitterMs)]
  return ['netem', 'limit', `${NETEM_LIMIT_PACKETS}`, 'delay', milliseconds(delayMs), ...jitter]
}

function tableText(spec: DelaySpec, id: string, interfaceName: string): string {
  return lines(
    `table inet ${tableOf(id)} {`,
    ...FUSE_SET,
    ...peerSets(spec),
    'counter chosen { }',
    // packet-delay appends the rule that hands packets over.
    `chain ${HELD_CHAIN} { }`,
    'chain in {',
    'type filter hook prerouting priority -150; policy accept;',
    `iifname != "${checkedInterface(interfaceName)}" accept`,
    FUSE_RULE,
    ...peerMatches(spec, 'source').map(match => `${match} counter name "chosen" goto ${HELD_CHAIN}`.trim()),
    '}',
    '}',
  )
}

/** Queues are the namespace's own; two faults in the same one seldom get the same number, and then the later fails to begin. */
function queueOf(id: string): number {
  return numberFrom(id, 65_535)
}

/** Columns: queue, port of its program, packets that wait, copy mode and range, two kinds of drops, packets seen, 1. */
function queueLine(
  text: string,
  queue: number,
): { readonly waiting: number; readonly seen: number } | undefined {
  const rows = text.split('\n').map(line => line.trim().split(/\s+/).map(Number))
  const row = rows.find(([number]) => number === queue)
  return row && { waiting: row[2] ?? 0, seen: row[7] ?? 0 }
}

function milliseconds(value: number): string {
  return `${Number(value.toFixed(3))}ms`
}

function requireContainer(target: Target): ContainerTarget {
  if (target.kind === 'container') return target
  throw new ActionError(`Cannot delay the packets of node '${target.node}': only those of a container`)
}
