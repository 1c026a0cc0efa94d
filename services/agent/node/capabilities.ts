import { stat } from 'node:fs/promises'
import { CAPABILITIES, type Capability } from '../actions/action.ts'
import { messageOf } from '../agent-error.ts'
import { vdsoClockCapability } from '../clock/vdso.ts'
import type { Hello } from '../protocol.ts'
import type { CgroupLayout } from './cgroups.ts'
import { runProgram } from './program.ts'

const LIMIT_MS = 10_000

/** A rule that stops by itself, at both hooks of an interface. */
const FUSE_TRIAL = `table netdev trial {
  set fuse { type ether_type; flags timeout; elements = { 0x0800 timeout 2s }; }
  chain in { type filter hook ingress device "lo" priority -310; ether type @fuse counter; }
  chain out { type filter hook egress device "lo" priority 310; ether type @fuse counter; }
}
`

export type Trial = () => Promise<string>
export type Trials = Readonly<Record<Capability, Trial>>

/** Tries each thing once. A trial gives a word on how, or throws why not. */
export async function foundCapabilities(trials: Trials): Promise<Hello['capabilities']> {
  const found = await Promise.all(
    CAPABILITIES.map(async name => {
      try {
        return [name, { has: true, detail: await trials[name]() }] as const
      } catch (error) {
        return [name, { has: false, detail: messageOf(error) }] as const
      }
    }),
  )
  return Object.fromEntries(found) as Hello['capabilities']
}

/** What this kernel and this image can do, tried in network namespaces that nobody else is in and that vanish at once. */
export function nodeTrials(layout: CgroupLayout, nodeRoot: string): Trials {
  const alone = async (detail: string, program: string, args: readonly string[], input?: string) => {
    await runProgram('unshare', ['--net', program, ...args], { input, limitMs: LIMIT_MS })
    return detail
  }
  const qdisc = (detail: string, ...kind: string[]) =>
    alone(detail, 'tc', ['qdisc', 'add', 'dev', 'lo', 'root', ...kind])
  const cgroup = async (version: 1 | 2) => {
    if (layout.version !== version) throw new Error(`the controllers are in version ${layout.version}`)
    return layout.mounts.map(({ folder }) => folder.slice(nodeRoot.length)).join(' ')
  }
  return {
    nft: () => alone('own table', 'nft', ['-f', '-'], 'add table inet trial\n'),
    'nft-set-timeout': () => alone('a set with time-outs', 'nft', ['-f', '-'], FUSE_TRIAL),
    netem: () => qdisc('tc netem', 'netem', 'delay', '1ms'),
    tbf: () => qdisc('tc tbf', 'tbf', 'rate', '1mbit', 'burst', '32kbit', 'latency', '50ms'),
    nfqueue: async () => {
      const tried = ['--probe', '--queue', '1', '--delay', '1ms']
      return await alone('packets can be held', 'packet-delay', tried)
    },
    'cgroup-v1': () => cgroup(1),
    'cgroup-v2': () => cgroup(2),
    freezer: async () => {
      if (layout.version === 2) {
        // Every group but the root has it since Linux 5.2.
        await stat(`${layout.mounts[0]?.folder}/kubepods.slice/cgroup.freeze`).catch(() =>
          stat(`${layout.mounts[0]?.folder}/kubepods/cgroup.freeze`),
        )
        return 'cgroup.freeze'
      }
      const mount = layout.mounts.find(({ controllers }) => controllers.includes('freezer'))
      if (mount === undefined) throw new Error('no such controller')
      return 'freezer.state'
    },
    'stress-ng': async () =>
      (await runProgram('stress-ng', ['--version'], { limitMs: LIMIT_MS })).trim().split('\n')[0] ?? '',
    'vdso-clock': async () => {
      const { has, detail } = vdsoClockCapability()
      if (!has) throw new Error(detail)
      return detail
    },
  }
}
