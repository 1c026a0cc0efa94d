import { z } from 'zod'
import type { ActionDefinition, Finding, Reading, Subject } from './action.ts'
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
  portSchema,
  removedTable,
  renewedFuse,
  tableOf,
} from './packet-filter.ts'

/** Packets that match all that is given are lost. */
export type DropSpec = {
  readonly action: 'drop'
  /** As the target sees it. */
  readonly direction: 'in' | 'out' | 'both'
  /**
   * Addresses or CIDRs at the other end; absent: all but loopback. They are compared with what the packet bears at the
   * target: in a pod that speaks to a Service this is the Service's address.
   */
  readonly peers?: readonly string[] | undefined
  /** TCP connections with one of these own ports stay open (the node's kubelet, through which the fault is ended). */
  readonly exceptOwnTcpPorts?: readonly number[] | undefined
  readonly protocol?: 'tcp' | 'udp' | undefined
  /** Port at the other end. */
  readonly peerPort?: number | undefined
  /** (0, 1]; each packet by itself, to the millionth. */
  readonly probability: number
}

/*
 *   network --> [ ingress hook: dropped ] --> target --> [ egress hook: made unreadable ] --> network
 *
 * Both hooks are those of the one interface, so that loopback and, on a node, what its pods say to each other go on. They
 * come before connection tracking, which therefore does not tear anything down.
 *
 * A packet that is dropped on its way out tells its sender: EPERM from the output and postrouting hooks, ENOBUFS from
 * the egress hook. A lost packet tells nobody. So it is not dropped: it leaves with the type of a protocol that no system
 * speaks, and the next one on the wire throws it away.
 */

/** IEEE 802: for local experiments. */
const UNREADABLE_ETHER_TYPE = '0x88b5'
const PARTS = 1_000_000

const schema: z.ZodType<DropSpec> = z.strictObject({
  action: z.literal('drop'),
  direction: z.enum(['in', 'out', 'both']),
  ...peersSchema,
  exceptOwnTcpPorts: z.array(portSchema).min(1).max(16).optional(),
  probability: z
    .number()
    .min(1 / PARTS)
    .max(1),
})

export const drop: ActionDefinition<DropSpec> = {
  action: 'drop',
  schema,
  on: ['container', 'node'],
  needs: () => [['nft', 'nft-set-timeout']],

  begin: ({ spec, target, id }) => [
    nft(removedTable('netdev', id) + tableText(spec, id, target.network.interfaceName), target.network.ref),
  ],

  end: ({ target, id }) => [nft(removedTable('netdev', id), target.network.ref)],

  renew: ({ target, id }) => [nft(renewedFuse('netdev', id), target.network.ref)],

  async read({ target, id }: Subject<DropSpec>, probe): Promise<Reading> {
    const counters = await counted(id, probe, target.network.ref)
    return {
      matchedInPackets: counters.get('matched_in') ?? 0,
      lostInPackets: counters.get('lost_in') ?? 0,
      matchedOutPackets: counters.get('matched_out') ?? 0,
      lostOutPackets: counters.get('lost_out') ?? 0,
    }
  },

  finding({ direction }, before, now): Finding {
    const since = (name: string) => (now[name] ?? 0) - (before[name] ?? 0)
    const part = (way: 'In' | 'Out') => {
      const matched = since(`matched${way}Packets`)
      const lost = since(`lost${way}Packets`)
      const percent = matched === 0 ? 0 : (100 * lost) / matched
      return `${lost} of ${matched} packets ${way.toLowerCase()} lost (${percent.toFixed(1)} %)`
    }
    const ways =
      direction === 'both' ? (['In', 'Out'] as const) : ([direction === 'in' ? 'In' : 'Out'] as const)
    return {
      proven: ways.some(way => since(`lost${way}Packets`) > 0),
      detail: ways.map(part).join(', '),
    }
  },
}

function tableText(spec: DropSpec, id: string, interfaceName: string): string {
  const { direction } = spec
  return lines(
    `table netdev ${tableOf(id)} {`,
    ...FUSE_SET,
    ...peerSets(spec),
    ...(direction === 'out' ? [] : chain(spec, 'in', interfaceName)),
    ...(direction === 'in' ? [] : chain(spec, 'out', interfaceName)),
    '}',
  )
}

function chain(spec: DropSpec, way: 'in' | 'out', interfaceName: string): readonly string[] {
  const device = `device "${checkedInterface(interfaceName)}"`
  const own = way === 'in' ? 'dport' : 'sport'
  const except = spec.exceptOwnTcpPorts
  const parts = Math.max(1, Math.round(spec.probability * PARTS))
  const chance = parts === PARTS ? '' : `numgen random mod ${PARTS} < ${parts} `
  const loss = way === 'in' ? 'drop' : `ether type set ${UNREADABLE_ETHER_TYPE} accept`
  return [
    `counter matched_${way} { }`,
    `counter lost_${way} { }`,
    `chain ${way} {`,
    way === 'in'
      ? `type filter hook ingress ${device} priority -310; policy accept;`
      : `type filter hook egress ${device} priority 310; policy accept;`,
    FUSE_RULE,
    ...(except === undefined ? [] : [`tcp ${own} { ${except.join(', ')} } accept`]),
    ...peerMatches(spec, way === 'in' ? 'source' : 'destination').flatMap(match => [
      `${match} counter name "matched_${way}"`.trim(),
      `${match} ${chance}counter name "lost_${way}" ${loss}`.trim(),
    ]),
    '}',
  ]
}
