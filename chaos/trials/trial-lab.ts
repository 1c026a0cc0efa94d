import { execFile } from 'node:child_process'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { labFolders } from '../../platform/cluster/local/folders.ts'
import { LocalCluster } from '../../platform/cluster/local/local.ts'
import { readRecord, recordPath } from '../../platform/lab.ts'
import { FORWARDED_PORTS, nodeName, ZONES, type Zone } from '../../platform/topology.ts'
import type { SnapshotSources } from '../audit.ts'
import { connectLab } from '../lab/connect.ts'
import type { RunDependencies } from '../run-dependencies.ts'

const run = promisify(execFile)

/** The running local lab, looked at from outside of the runner that is on trial. */
export type TrialLab = Omit<SnapshotSources, 'agents'> &
  Pick<RunDependencies, 'agents' | 'api' | 'clock' | 'database' | 'executor' | 'halt' | 'load' | 'lock'>

export async function connectTrialLab(): Promise<TrialLab> {
  const record = await readRecord(recordPath(labFolders().state, undefined))
  const isAlive = (pid: number) => pid === process.pid
  return connectLab({
    access: record.access,
    cluster: new LocalCluster(labFolders()),
    images: record.images,
    remoteWriteUrl: null,
    self: { host: hostname(), pid: process.pid, isAlive },
  })
}

/** Container of the local node of the experimental group. */
const container = (zone: Zone) => `divergence-${nodeName('experiment', zone)}`

const onNode = async (zone: Zone, ...command: string[]) =>
  (await run('docker', ['exec', container(zone), ...command])).stdout

/** The machine's clock, in a shell on a node: Unix milliseconds. */
const NOW_MS = 'date +%s%3N'

/** When something befell each node, Unix milliseconds, by the node's name. */
export type Moments = ReadonlyMap<string, number>

/** On a busy machine the last node's turn comes seconds after the first one's. */
async function onEach(zones: readonly Zone[], work: (zone: Zone) => Promise<number>): Promise<Moments> {
  const name = (zone: Zone) => nodeName('experiment', zone)
  return new Map(await Promise.all(zones.map(async zone => [name(zone), await work(zone)] as const)))
}

/**
 * Kills the agent's process on each running node with -9; what watches over it starts it again.
 *
 * @returns when, by node, Unix milliseconds
 */
export async function killAgents(zones: readonly Zone[]): Promise<Moments> {
  // One that was killed a moment ago has to be there again before it can be killed again.
  const kill = `for try in $(seq 100); do
    pids=$(pgrep -x -f 'node .*services/agent/main.ts.*') && ${NOW_MS} && kill -KILL $pids && exit 0
    sleep 0.1
  done
  echo 'there is no agent to kill' >&2; exit 1`
  return await onEach(zones, async zone => {
    const told = await onNode(zone, 'sh', '-c', kill)
    return Number(told.trim().split('\n').at(-1))
  })
}

const CUT = `add table inet trial_cut
add chain inet trial_cut in { type filter hook input priority -500; }
add chain inet trial_cut out { type filter hook output priority -500; }
add chain inet trial_cut through { type filter hook forward priority -500; }
`

/**
 * Cuts nodes off from the API server, and with it everybody who speaks to their agents through it.
 *
 * @returns when, by node, Unix milliseconds
 */
export async function cutNetwork(zones: readonly Zone[]): Promise<Moments> {
  const address = await apiServerAddress()
  const rules = [
    `add rule inet trial_cut in ip saddr ${address} drop`,
    `add rule inet trial_cut out ip daddr ${address} drop`,
    `add rule inet trial_cut through ip daddr ${address} drop`,
    `add rule inet trial_cut through ip saddr ${address} drop`,
  ]
  return await onEach(zones, zone => nft(zone, `${CUT}${rules.join('\n')}\n`))
}

export async function mendNetwork(zones: readonly Zone[]): Promise<void> {
  await Promise.all(zones.map(zone => nft(zone, 'add table inet trial_cut\ndelete table inet trial_cut\n')))
}

/** @returns when the rules were about to be loaded, Unix milliseconds */
async function nft(zone: Zone, text: string): Promise<number> {
  const writing = run('docker', ['exec', '-i', container(zone), 'sh', '-c', `${NOW_MS} && exec nft -f -`])
  writing.child.stdin?.end(text)
  return Number((await writing).stdout)
}

async function apiServerAddress(): Promise<string> {
  const format = '{{.NetworkSettings.Networks.divergence.IPAddress}}'
  return (await run('docker', ['inspect', '-f', format, 'divergence-control-plane'])).stdout.trim()
}

/** Requests by which a quiet lab shows what a fault does to it, until `signal` is aborted. */
export async function keepAsking(requestsPerSecond: number, signal: AbortSignal): Promise<void> {
  const url = `http://127.0.0.1:${FORWARDED_PORTS.experimentGateway}/songs?limit=5`
  while (!signal.aborted) {
    // Whether it is answered is the fault's business.
    fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) })
      .then(
        answer => answer.text(),
        () => undefined,
      )
      .catch(() => undefined)
    await new Promise(resolve => setTimeout(resolve, 1000 / requestsPerSecond))
  }
}

export const ALL_ZONES: readonly Zone[] = ZONES
export const CLI = join(import.meta.dirname, '..', '..', 'cli.ts')
