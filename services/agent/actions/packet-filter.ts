import { isIPv4, isIPv6 } from 'node:net'
import { z } from 'zod'
import { ActionError, type Command, type NetworkRef, type Probe } from './action.ts'

/*
 * The text that nft reads, for the actions that choose packets. Each has a table of its own in the target's network
 * namespace; nothing else in the namespace is named, read or changed. Every part of the text is a word of this folder, a
 * number, an address that was parsed, or a name of letters and digits.
 */

/** How long a table goes on by itself when nobody renews it, seconds. The agent renews every second. */
export const FUSE_SECONDS = 3

/** Addresses of a fault at most: a set of so many is one lookup, but its text must remain short enough to be sent. */
const PEERS_MAX = 1024

const isPeer = (text: string): boolean => {
  const [address = '', prefix, ...rest] = text.split('/')
  const bits = isIPv4(address) ? 32 : isIPv6(address) && /^[0-9A-Fa-f:.]+$/.test(address) ? 128 : undefined
  if (bits === undefined || rest.length > 0) return false
  return prefix === undefined || (/^(0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= bits)
}

/** Address or CIDR, IPv4 or IPv6, as numbers. */
export const peerSchema = z
  .string()
  .max(64)
  .refine(isPeer, 'must be an IPv4 or IPv6 address or CIDR, like 10.244.21.7 or 10.244.21.0/24')

export const portSchema = z.int().min(1).max(65_535)

/** What a packet must be, seen from the other end. */
export const peersSchema = {
  peers: z.array(peerSchema).min(1).max(PEERS_MAX).optional(),
  protocol: z.enum(['tcp', 'udp']).optional(),
  peerPort: portSchema.optional(),
}

export type PeerMatch = {
  readonly peers?: readonly string[] | undefined
  readonly protocol?: 'tcp' | 'udp' | undefined
  readonly peerPort?: number | undefined
}

/** @throws ActionError the id is none */
export function tableOf(id: string): string {
  return `divergence_${checkedId(id)}`
}

/** @throws ActionError the id is none */
export function checkedId(id: string): string {
  if (/^[a-z0-9]{1,24}$/.test(id)) return id
  throw new ActionError(`Cannot name a table after '${id}': it must be 1 to 24 small letters and digits`)
}

/** @throws ActionError the name has a character that no interface of a container has */
export function checkedInterface(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name)) return name
  throw new ActionError(
    `Cannot touch interface '${name}': its name must be 1 to 15 letters, digits, '_', '.' and '-'`,
  )
}

/** Removes the table, whether it is there or not: it is made first, and both happen at once. */
export function removedTable(family: 'netdev' | 'inet', id: string): string {
  return lines(`table ${family} ${tableOf(id)}`, `delete table ${family} ${tableOf(id)}`)
}

export function nft(input: string, network: NetworkRef): Command {
  return { do: 'run', program: 'nft', args: ['-f', '-'], input, network }
}

/** A chain's first rule `meta protocol != @live accept` asks it: with its elements gone, everything passes. */
export const FUSE_SET = [
  'set live {',
  'type ether_type; flags timeout;',
  `elements = { ip timeout ${FUSE_SECONDS}s, ip6 timeout ${FUSE_SECONDS}s }`,
  '}',
] as const

export const FUSE_RULE = 'meta protocol != @live accept'

/**
 * The fuse as new. Not all kernels lengthen the time of an element that is there, so that the old ones go and new ones
 * come, at once. A table that is gone stays so: the command fails.
 */
export function renewedFuse(family: 'netdev' | 'inet', id: string): string {
  const set = `${family} ${tableOf(id)} live`
  return lines(
    `flush set ${set}`,
    `add element ${set} { ip timeout ${FUSE_SECONDS}s, ip6 timeout ${FUSE_SECONDS}s }`,
  )
}

/** Sets of the addresses at the other end, one for each family that has any. */
export function peerSets({ peers = [] }: PeerMatch): readonly string[] {
  return FAMILIES.flatMap(({ set, type, has }) => {
    const elements = peers.filter(has)
    if (elements.length === 0) return []
    // Addresses may lie in one of the ranges: without auto-merge that is refused.
    return [
      `set ${set} {`,
      `type ${type}; flags interval; auto-merge;`,
      `elements = { ${elements.join(', ')} }`,
      '}',
    ]
  })
}

/**
 * Left sides of rules; a packet that matches one of them is meant. Without peers it is one, which may be empty.
 *
 * @param side of the packet at which the other end stands: where it comes from, or goes to
 */
export function peerMatches(match: PeerMatch, side: 'source' | 'destination'): readonly string[] {
  const port = portMatch(match, side === 'source' ? 'sport' : 'dport')
  const { peers } = match
  if (peers === undefined) return [port]
  return FAMILIES.filter(({ has }) => peers.some(has)).map(({ name, set }) =>
    `${name} ${side === 'source' ? 'saddr' : 'daddr'} @${set} ${port}`.trim(),
  )
}

function portMatch({ protocol, peerPort }: PeerMatch, field: 'sport' | 'dport'): string {
  if (peerPort === undefined) return protocol === undefined ? '' : `meta l4proto ${protocol}`
  return protocol === undefined
    ? `meta l4proto { tcp, udp } th ${field} ${peerPort}`
    : `${protocol} ${field} ${peerPort}`
}

const FAMILIES = [
  { name: 'ip', set: 'peers4', type: 'ipv4_addr', has: (peer: string) => !peer.includes(':') },
  { name: 'ip6', set: 'peers6', type: 'ipv6_addr', has: (peer: string) => peer.includes(':') },
] as const

/**
 * Packets that the named counters of a fault's table have counted; without the table, none.
 * All counters of the namespace are asked for, because asking for those of a table that is not there yet is an error.
 */
export async function counted(
  id: string,
  probe: Probe,
  network: NetworkRef,
): Promise<ReadonlyMap<string, number>> {
  const answer = counterListSchema.parse(
    JSON.parse(await probe.run('nft', ['-j', 'list', 'counters'], network)),
  )
  const counters = answer.nftables.flatMap(({ counter }) => (counter === undefined ? [] : [counter]))
  return new Map(
    counters.filter(({ table }) => table === tableOf(id)).map(({ name, packets }) => [name, packets]),
  )
}

const counterListSchema = z.object({
  nftables: z.array(
    z.object({
      counter: z.object({ table: z.string(), name: z.string(), packets: z.number() }).optional(),
    }),
  ),
})

export function lines(...all: readonly string[]): string {
  return `${all.join('\n')}\n`
}
