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

/** Kills the agent's process on each running node with -9; what watches over it starts it again. */
export async function killAgents(zones: readonly Zone[]): Promise<void> {
  const kill = "pids=$(pgrep -x -f 'node .*services/agent/main.ts.*'); kill -KILL $pids"
  await Promise.all(zones.map(zone => onNode(zone, 'sh', '-c', kill)))
}

const CUT = `add table inet trial_cut
add chain inet trial_cut in { type filter hook input priority -500; }
add chain inet trial_cut out { type filter hook output priority -500; }
add chain inet trial_cut through { type filter hook forward priority -500; }
`

/** Cuts a node off from the API server, and with it everybody who speaks to its agent through it. */
export async function cutNetwork(zones: readonly Zone[]): Promise<void> {
  const address = await apiServerAddress()
  const rules = [
    `add rule inet trial_cut in ip saddr ${address} drop`,
    `add rule inet trial_cut out ip daddr ${address} drop`,
    `add rule inet trial_cut through ip daddr ${address} drop`,
    `add rule inet trial_cut through ip saddr ${address} drop`,
  ]
  await Promise.all(zones.map(zone => nft(zone, `${CUT}${rules.join('\n')}\n`)))
}

export async function mendNetwork(zones: readonly Zone[]): Promise<void> {
  await Promise.all(zones.map(zone => nft(zone, 'add table inet trial_cut\ndelete table inet trial_cut\n')))
}

async function nft(zone: Zone, text: string): Promise<void> {
  const writing = run('docker', ['exec', '-i', container(zone), 'nft', '-f', '-'])
  writing.child.stdin?.end(text)
  await writing
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
