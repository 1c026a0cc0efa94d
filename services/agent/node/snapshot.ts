import { readdir } from 'node:fs/promises'
import type { ContainerTarget, NetworkRef, Program } from '../actions/action.ts'
import { messageOf } from '../agent-error.ts'
import type { NodeSnapshot } from '../protocol.ts'
import { type CgroupLayout, cgroupFolders } from './cgroups.ts'
import { parseLinks, parseListeners, parseTables, stableNodeRules } from './network-lines.ts'
import type { Proc } from './proc.ts'

/** Settings of a control group that a fault may change, by controller and file; those of both versions. */
const KNOBS: readonly (readonly [controller: string, file: string])[] = [
  ['cpu', 'cpu.cfs_quota_us'],
  ['cpu', 'cpu.shares'],
  ['cpu', 'cpu.max'],
  ['cpu', 'cpu.weight'],
  ['memory', 'memory.limit_in_bytes'],
  ['memory', 'memory.max'],
  ['freezer', 'freezer.state'],
  ['freezer', 'cgroup.freeze'],
  ['blkio', 'blkio.throttle.read_bps_device'],
  ['blkio', 'blkio.throttle.write_bps_device'],
  ['io', 'io.max'],
]

/** Part of the name of every file that a fault makes in a volume. */
const FAULT_FILE = /divergence/

export type SnapshotParts = {
  readonly proc: Proc
  readonly layout: CgroupLayout
  /** Containers of the experimental group that run on this node. */
  readonly containers: () => Promise<readonly ContainerTarget[]>
  readonly readFile: (path: string) => Promise<string | null>
  readonly output: (program: Program, args: readonly string[], network: NetworkRef) => Promise<string | null>
  readonly changedVdsoBytes: (pid: number) => number
}

/**
 * Everything on this node that a fault may leave behind, one line each, for the node and for each container. What changes
 * by itself (counters, numbers of processes, rules of kube-proxy) is left out: two snapshots without a fault in between
 * are equal.
 */
export async function nodeSnapshot(parts: SnapshotParts): Promise<NodeSnapshot> {
  const containers = await parts.containers()
  const snapshot: Record<string, readonly string[]> = { node: await nodeLines(parts) }
  // One after the other: a node under attack has better things to do.
  for (const container of containers) {
    const key = `${container.pod}/${container.container} ${container.containerId.slice(0, 12)}`
    snapshot[key] = await containerLines(parts, container).catch(error => [
      `cannot be read: ${messageOf(error)}`,
    ])
  }
  return snapshot
}

async function nodeLines(parts: SnapshotParts): Promise<readonly string[]> {
  const { proc } = parts
  const network: NetworkRef = { of: 'node' }
  const [own, marked] = await Promise.all([networkLines(parts, network, 1), proc.marked()])
  const processes = await Promise.all(
    marked.map(async ({ pid, faultId }) => `process of fault ${faultId}: ${await proc.command(pid)}`),
  )
  return [...own.filter(stableNodeRules), ...processes].sort()
}

async function containerLines(parts: SnapshotParts, target: ContainerTarget): Promise<readonly string[]> {
  const { network, main } = target
  const lines = await Promise.all([
    networkLines(parts, network.ref, main.pid),
    nodeEndLines(parts, network.nodeInterfaceName),
    knobLines(parts, target),
    processLines(parts, target),
    fileLines(target),
    mountLines(parts, main.pid),
  ])
  return lines.flat().sort()
}

/** @param pid of a process in the namespace */
async function networkLines(
  { output, readFile, proc }: SnapshotParts,
  network: NetworkRef,
  pid: number,
): Promise<readonly string[]> {
  const ask = async (program: Program, ...args: string[]) => (await output(program, args, network)) ?? ''
  const each = (prefix: string, text: string) =>
    text
      .split('\n')
      .map(line => line.trim().replace(/\s+/g, ' '))
      .filter(line => line !== '')
      .map(line => `${prefix} ${line}`)
  const net = (file: string) => readFile(proc.path(pid, 'net', file))
  const [tables, links, qdiscs, rules, routes, queues, ...sockets] = await Promise.all([
    network.of === 'node' ? ownTables(ask) : ask('nft', '-s', 'list', 'ruleset'),
    ask('ip', '-o', 'link', 'show'),
    ask('tc', 'qdisc', 'show'),
    ask('ip', 'rule', 'show'),
    ask('ip', 'route', 'show', 'table', 'all'),
    net('netfilter/nfnetlink_queue'),
    net('tcp'),
    net('tcp6'),
    net('udp'),
    net('udp6'),
  ])
  return [
    ...parseTables(tables),
    ...parseLinks(links),
    // Handles that the kernel gives are not the same after a restart.
    ...each('qdisc', qdiscs.replace(/^(qdisc \S+) \S+:/gm, '$1').replace(/^qdisc noqueue .*$/gm, '')).map(
      line => line.replace('qdisc qdisc', 'qdisc'),
    ),
    ...each('rule', rules),
    ...each('route', routes).filter(line => !/ (local|broadcast|multicast|anycast) /.test(` ${line} `)),
    ...(queues ?? '')
      .split('\n')
      .filter(line => line.trim() !== '')
      .map(line => `nfqueue ${line.trim().split(/\s+/)[0]}`),
    ...['tcp', 'tcp6', 'udp', 'udp6'].flatMap((name, index) => parseListeners(name, sockets[index] ?? '')),
  ]
}

/** A node has thousands of rules of kube-proxy's, which change all the time; whole tables are listed of the others only. */
async function ownTables(ask: (program: Program, ...args: string[]) => Promise<string>): Promise<string> {
  const names = (await ask('nft', 'list', 'tables'))
    .split('\n')
    .map(line => line.trim().split(' ').slice(1))
    .filter(([family, name]) => family !== undefined && name !== undefined)
  const texts = await Promise.all(
    names.map(([family = '', name = '']) =>
      /^(nat|filter|raw|security)$/.test(name) || name === 'kube-proxy'
        ? `table ${family} ${name} {\n}`
        : ask('nft', '-s', 'list', 'table', family, name),
    ),
  )
  return texts.join('\n')
}

async function nodeEndLines({ output }: SnapshotParts, device: string): Promise<readonly string[]> {
  const text = (await output('tc', ['qdisc', 'show', 'dev', device], { of: 'node' })) ?? ''
  return text
    .split('\n')
    .map(line => line.trim().replace(/^(qdisc \S+) \S+:/, '$1'))
    .filter(line => line !== '' && !line.startsWith('qdisc noqueue'))
    .map(line => `node's end ${line}`)
}

async function knobLines({ readFile }: SnapshotParts, target: ContainerTarget): Promise<readonly string[]> {
  const { folders } = target.cgroups
  const lines = await Promise.all(
    KNOBS.map(async ([controller, file]) => {
      const folder = folders[controller]
      const text = folder === undefined ? null : await readFile(`${folder}/${file}`)
      return text === null || text.trim() === '' ? [] : [`${file} ${text.trim().replace(/\n/g, ', ')}`]
    }),
  )
  return lines.flat()
}

/** Who is in the container's control groups but not of the container, who stands still, whose clock is wrong. */
async function processLines(parts: SnapshotParts, target: ContainerTarget): Promise<readonly string[]> {
  const { proc, readFile, layout, changedVdsoBytes } = parts
  const own = await proc.namespace(target.main.pid, 'pid')
  const folders = cgroupFolders(layout, await proc.cgroups(target.main.pid))
  const lines: string[] = []
  for (const folder of new Set(Object.values(folders))) {
    const members = ((await readFile(`${folder}/cgroup.procs`)) ?? '').split('\n').filter(Boolean).map(Number)
    for (const pid of members) {
      const namespace = await proc.namespace(pid, 'pid')
      if (namespace !== null && namespace !== own)
        lines.push(`stranger in its control group: ${await proc.command(pid)}`)
    }
  }
  for (const { pid } of target.processes) {
    if ((await proc.state(pid)) === 'T') lines.push(`stopped: ${await proc.command(pid)}`)
    if (changedVdsoBytes(pid) > 0) lines.push(`other clock: ${await proc.command(pid)}`)
  }
  return [...new Set(lines)]
}

async function fileLines({ volumes }: ContainerTarget): Promise<readonly string[]> {
  const lines = await Promise.all(
    Object.entries(volumes).map(async ([name, { agentPath }]) =>
      (await readdir(agentPath).catch(() => []))
        .filter(file => FAULT_FILE.test(file))
        .map(file => `file ${file} in volume ${name}`),
    ),
  )
  return lines.flat()
}

async function mountLines({ readFile, proc }: SnapshotParts, pid: number): Promise<readonly string[]> {
  const count = ((await readFile(proc.path(pid, 'mountinfo'))) ?? '').split('\n').length - 1
  return [`${count} mounts`]
}
