import type { Batch, TrialFault } from './trial.ts'

const on = (services: string, zone: string) => ({ group: 'experiment', services: [services], zone })
const zone = (name: string) => ({ group: 'experiment', zone: name })

/**
 * Every kind of fault, in batches whose members do not get in each other's way.
 *
 * @param durationSeconds of each fault that has a length
 */
export function allBatches(durationSeconds: number): readonly Batch[] {
  const primary = { group: 'experiment', services: ['database'], role: 'primary' }
  return [
    {
      name: 'work and room',
      faults: [
        { kind: 'cpu', select: on('gateway', 'a'), durationSeconds },
        { kind: 'memory', select: on('recommender', 'a'), durationSeconds, percentOfLimit: 70 },
        { kind: 'clock-skew', select: on('gateway', 'c'), durationSeconds, skewMs: 3_600_000 },
        // The budget lets it go at once only while the other recommenders are ready; none of these makes one not so.
        { kind: 'evict', select: on('recommender', 'b'), durationSeconds: Math.max(20, durationSeconds) },
        { kind: 'disk-fill', select: primary, durationSeconds, volume: 'run', atMostMiB: 16 },
        {
          kind: 'slow-database',
          select: { group: 'experiment' },
          durationSeconds,
          mode: 'slow-queries',
          sessions: 2,
        },
      ],
    },
    {
      name: 'packets',
      faults: [
        { kind: 'latency', select: on('gateway', 'b'), durationSeconds, delayMs: 100, jitterMs: 20 },
        { kind: 'loss', select: on('recommender', 'b'), durationSeconds, lossPercent: 40 },
        { kind: 'bandwidth', select: on('recommender', 'c'), durationSeconds, kbitPerSecond: 8 },
      ],
    },
    {
      name: 'silence',
      faults: [
        { kind: 'pause', select: on('recommender', 'a'), durationSeconds },
        { kind: 'blackhole', select: on('recommender', 'b'), durationSeconds },
        { kind: 'partition', select: on('recommender', 'c'), durationSeconds, from: ['gateway'] },
        { kind: 'dns', select: on('gateway', 'a'), durationSeconds, mode: 'fail' },
        { kind: 'io', select: primary, durationSeconds, workers: 1 },
        { kind: 'connection-exhaustion', select: { group: 'experiment' }, durationSeconds, sessions: 20 },
      ],
    },
    {
      name: 'the API',
      faults: [
        { kind: 'drain', select: zone('c'), durationSeconds },
        { kind: 'oversubscribe', select: { group: 'experiment' }, durationSeconds, requestedPercent: 300 },
      ],
    },
    {
      // What kinds do when they are told to do the other thing; and what hits no pod of these.
      name: 'other modes',
      faults: [
        // A look-up is given up after 300 ms: this is as slow as one can be.
        { kind: 'dns', select: on('gateway', 'b'), durationSeconds, mode: 'slow', delayMs: 280 },
        {
          kind: 'slow-database',
          select: { group: 'experiment' },
          durationSeconds,
          mode: 'lock',
          table: 'plays',
        },
        {
          kind: 'scale-down',
          select: { group: 'experiment', services: ['recommender'] },
          durationSeconds,
          replicas: 2,
        },
      ],
    },
    { name: 'a zone cut off', faults: [{ kind: 'zone-partition', select: zone('b'), durationSeconds }] },
    {
      name: 'a zone without power',
      isDark: true,
      faults: [{ kind: 'zone-outage', select: zone('c'), durationSeconds }],
    },
    {
      name: 'a node without power',
      isDark: true,
      faults: [{ kind: 'power-off', select: zone('a'), durationSeconds }],
    },
  ]
}

/**
 * What is over once it has begun: the system heals by itself, and there is nothing to undo. Done once: what is killed again
 * and again is started again later each time.
 */
export const MOMENTARY: Batch = {
  name: 'kills',
  faults: [
    { kind: 'kill-container', select: on('recommender', 'a') },
    { kind: 'kill-process', select: on('gateway', 'b'), process: 'node' },
    { kind: 'kill-pod', select: on('gateway', 'c') },
    { kind: 'memory', select: on('gateway', 'a'), durationSeconds: 20, oomKill: true },
    { kind: 'kill-primary', select: { group: 'experiment' } },
  ],
}

/** What a fault is called in the table: its kind, and its mode where the kind has another one. */
export function nameOf({ kind, mode, oomKill }: TrialFault): string {
  if (oomKill === true) return `${kind} oomKill`
  return mode === 'slow' || mode === 'lock' ? `${kind} ${mode}` : kind
}
