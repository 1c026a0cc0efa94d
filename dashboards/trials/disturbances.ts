import { stringify } from 'yaml'
import type { Level } from '../../chaos/faults/fault.ts'

/** A fault as a person writes it. */
export type WrittenFault = { readonly kind: string; readonly [parameter: string]: unknown }

/** What is done to the experimental group at one time, under load, so that many metrics move at once. */
export type Disturbance = {
  readonly name: string
  readonly level: Level
  /** Requests per second and group, and the share of them that write. */
  readonly requestsPerSecond: number
  readonly writeShare: number
  /** How long the attack is, seconds. */
  readonly holdSeconds: number
  readonly faults: readonly WrittenFault[]
  /** Beside the faults a batch of songs is begun whose folder does not exist, and repaired afterwards. */
  readonly hasEmptyBatch?: true
}

/** Seconds. Rates look back 20 s; what an attack did is still to be seen a while after it. */
const PHASES = { warmupSeconds: 10, baselineSeconds: 24, recoverySeconds: 20, transitionSeconds: 2 }

/** So much of the disk that all nodes of the local lab share is taken; enough to be seen, and in nobody's way. */
const DISK_FILE_MIB = 2048

const GROUP = { group: 'experiment' } as const
const on = (service: string, zone: string) => ({ ...GROUP, services: [service], zone })
const member = (role: string) => ({ ...GROUP, services: ['database'], role, count: 1 })

/**
 * Everything that is done, one after the other.
 *
 * @param freeMiB room on the disk of the nodes, MiB
 */
export function disturbances(freeMiB: number): readonly Disturbance[] {
  return [work(), names(freeMiB), failover(), silence()]
}

/** Processors, memory, processes, clocks and connections are taken, and containers die. */
function work(): Disturbance {
  return {
    name: 'work',
    level: 'container',
    requestsPerSecond: 20,
    writeShare: 0.1,
    holdSeconds: 84,
    faults: [
      { kind: 'clock-skew', select: on('gateway', 'c'), durationSeconds: 60, skewMs: 3_600_000 },
      { kind: 'memory', select: on('recommender', 'b'), durationSeconds: 60, percentOfLimit: 95 },
      // More workers than processes belong there, wanting half the machine: the agents have to get their turn as well.
      {
        kind: 'cpu',
        select: on('gateway', 'a'),
        offsetSeconds: 8,
        durationSeconds: 74,
        workers: 4,
        loadPercent: 25,
      },
      { kind: 'kill-container', select: on('gateway', 'b'), offsetSeconds: 35 },
      {
        kind: 'memory',
        select: on('recommender', 'c'),
        offsetSeconds: 20,
        durationSeconds: 30,
        oomKill: true,
      },
      {
        kind: 'io',
        select: on('database', 'c'),
        offsetSeconds: 3,
        durationSeconds: 57,
      },
      {
        kind: 'connection-exhaustion',
        select: GROUP,
        offsetSeconds: 6,
        durationSeconds: 45,
        sessions: 95,
      },
    ],
  }
}

/** Twice as many requests come as usual; a recommender stands still, then the whole catalogue is locked. */
function silence(): Disturbance {
  return {
    name: 'silence',
    level: 'dependency',
    requestsPerSecond: 20,
    writeShare: 0.1,
    holdSeconds: 70,
    faults: [
      { kind: 'surge', select: GROUP, durationSeconds: 45, factor: 2 },
      { kind: 'pause', select: on('recommender', 'a'), durationSeconds: 30 },
      {
        kind: 'slow-database',
        select: GROUP,
        offsetSeconds: 32,
        durationSeconds: 35,
        mode: 'lock',
        table: 'songs',
      },
    ],
  }
}

/** Names, packets and disks; then a node is emptied and the cluster asked for more than it has. */
function names(freeMiB: number): Disturbance {
  const slow = { offsetSeconds: 61, durationSeconds: 37, delayMs: 100, jitterMs: 10 }
  return {
    name: 'names',
    level: 'network',
    requestsPerSecond: 20,
    writeShare: 0.1,
    holdSeconds: 100,
    hasEmptyBatch: true,
    faults: [
      { kind: 'dns', select: on('gateway', 'a'), durationSeconds: 45, mode: 'fail' },
      // A look-up is given up after 300 ms: this is as slow as one can be.
      { kind: 'dns', select: on('gateway', 'b'), durationSeconds: 60, mode: 'slow', delayMs: 280 },
      { kind: 'loss', select: on('recommender', 'b'), durationSeconds: 60, lossPercent: 40 },
      {
        kind: 'disk-fill',
        select: member('primary'),
        durationSeconds: 30,
        leaveFreeMiB: Math.max(0, Math.floor(freeMiB) - DISK_FILE_MIB),
        atMostMiB: 2 * DISK_FILE_MIB,
      },
      { kind: 'drain', select: { ...GROUP, zone: 'c' }, offsetSeconds: 35, durationSeconds: 60 },
      {
        kind: 'oversubscribe',
        select: GROUP,
        offsetSeconds: 35,
        durationSeconds: 60,
        // Small enough that some find room, and more of them than do.
        requestedPercent: 150,
        podsPerNode: 6,
      },
      // Wherever the gateway of the emptied zone went, it is one of these.
      { kind: 'latency', select: on('gateway', 'a'), ...slow },
      { kind: 'latency', select: on('gateway', 'b'), ...slow },
    ],
  }
}

/** A replica is cut off, the primary killed, and then the zone of the next one goes dark. */
function failover(): Disturbance {
  return {
    name: 'failover',
    level: 'zone',
    requestsPerSecond: 30,
    // A replica falls behind by what is written.
    writeShare: 0.3,
    holdSeconds: 104,
    faults: [
      { kind: 'partition', select: member('replica'), durationSeconds: 28, from: ['database'] },
      { kind: 'kill-primary', select: GROUP, offsetSeconds: 32 },
      // The killed member needs some time to be a synchronous standby again.
      // A primary that is killed has a successor within a second, between two scrapes; one that loses its zone has not.
      { kind: 'zone-outage', select: { ...GROUP, zone: 'primary' }, offsetSeconds: 62, durationSeconds: 40 },
    ],
  }
}

/** The experiment that carries a disturbance out, as a file that `divergence run` reads. */
export function experimentText(disturbance: Disturbance): string {
  const { name, level, requestsPerSecond, writeShare, holdSeconds, faults } = disturbance
  const { warmupSeconds, baselineSeconds, recoverySeconds } = PHASES
  return stringify({
    name: `metrics-${name}`,
    hypothesis: 'Nothing is seen of it. It is meant to be refuted: what is on trial are the metrics.',
    level,
    steadyState: {
      signals: [
        { name: 'success_ratio', margin: 0.002, primary: true },
        { name: 'latency_p50', margin: 2, primary: true },
      ],
    },
    load: {
      profile: 'steady',
      requestsPerSecond,
      writeShare,
      durationSeconds: warmupSeconds + baselineSeconds + holdSeconds + recoverySeconds,
    },
    phases: { ...PHASES, holdSeconds },
    settle: { readySeconds: 180 },
    seed: 1,
    blastRadius: { maxTargets: 100, keepHealthy: 0 },
    // The attack goes on to its end, however bad it is.
    abort: { failedShare: 1, windowSeconds: 300 },
    faults,
  })
}
