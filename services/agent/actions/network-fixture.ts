import fc from 'fast-check'
import { z } from 'zod'
import type { Command, ContainerTarget, NetworkRef, NodeTarget, Probe, Program } from './action.ts'

/** Targets, a recording probe and random packets for the tests of the network's actions. */

const POD: NetworkRef = { of: 'pod', podUid: 'uid-1', inode: 4026532001 }

export const CONTAINER: ContainerTarget = {
  kind: 'container',
  pod: 'gateway-1',
  podUid: 'uid-1',
  container: 'gateway',
  containerId: 'c1',
  main: { pid: 4711, startTicks: 99 },
  processes: [{ pid: 4711, startTicks: 99, command: 'node' }],
  userId: 1000,
  groupId: 1000,
  network: { ref: POD, interfaceName: 'eth0', nodeInterfaceName: 'veth1a2b', address: '10.244.21.5' },
  cgroups: { version: 1, folders: {} },
  memoryLimitBytes: null,
  volumes: {},
}

export const NODE: NodeTarget = {
  kind: 'node',
  node: 'experiment-a',
  network: { ref: { of: 'node' }, interfaceName: 'eth0', address: '172.30.77.21' },
  apiServerAddresses: ['172.30.77.2'],
}

/** Answers by the program and the name of its interface, if it names one. */
export function probeOf(
  answers: Readonly<Record<string, unknown>>,
  files: Readonly<Record<string, string>> = {},
): Probe {
  return {
    run: async (program: Program, args: readonly string[], network) => {
      const of = network?.of ?? 'agent'
      const answer = answers[`${program} ${of}`]
      if (answer === undefined) throw new Error(`not expected: ${program} ${args.join(' ')} in ${of}`)
      return JSON.stringify(answer)
    },
    readFile: async path => files[path] ?? null,
    freeBytes: async () => 0,
    isAlive: async () => true,
    started: async () => [{ pid: 5000, startTicks: 1 }],
    clockOffsetMs: async () => 0,
  }
}

/** What an outsider may try to put where an address is expected. */
const anyPeer = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 40 })).map(([address, bits]) => `${address}/${bits}`),
  fc.constantFrom(
    '10.0.0.1 }',
    '10.0.0.1\n}\nflush ruleset',
    '10.0.0.1; drop',
    '@live',
    '$x',
    '10.0.0.1 # }',
  ),
)

export const anyPacketMatch = {
  peers: fc.option(fc.array(anyPeer, { maxLength: 5 }), { nil: undefined }),
  protocol: fc.constantFrom(undefined, 'tcp', 'udp', 'sctp', 'tcp }'),
  peerPort: fc.constantFrom(undefined, 1, 53, 65_535, 0, 65_536, 1.5, '53; drop'),
}

const runSchema = z.object({ do: z.literal('run'), program: z.literal('nft'), input: z.string() })

/** Text that a command gives nft; empty for any other command. */
export function nftText(command: Command): string {
  const parsed = runSchema.safeParse(command)
  return parsed.success ? parsed.data.input : ''
}

/**
 * What stands at the outermost level of a text for nft: the statements that say which table is touched.
 * Braces inside of braces belong to the statement before.
 */
export function statements(text: string): readonly string[] {
  let depth = 0
  const outer: string[] = []
  for (const line of text.split('\n')) {
    if (depth === 0 && line !== '') outer.push(line)
    depth += line.split('{').length - line.split('}').length
    if (depth < 0) throw new Error(`a brace is closed that was not opened: ${line}`)
  }
  if (depth !== 0) throw new Error('a brace is left open')
  return outer
}
