import { type Random, seededRandom } from '../../platform/random.ts'
import { GROUPS, type Group } from '../../platform/topology.ts'
import type { JudgeInput } from '../journal-entry.ts'
import type { Sample } from '../measurement/sample.ts'

/**
 * Runs with a known truth, for testing the judge: log-normal latencies around a median that wanders from second
 * to second, in part together in both groups, and failures.
 */
export type Scenario = {
  readonly seed: number
  /** Requests per second and group. */
  readonly rate: number
  readonly baselineSeconds: number
  readonly attackSeconds: number
  readonly recoverySeconds: number
  /** Median latency, milliseconds. */
  readonly medianMs: number
  /** Standard deviation of the logarithm of a latency within a second. */
  readonly spread: number
  /** Standard deviation of the wandering of the logarithm of the median, of each group's own and of the common part. */
  readonly wander: { readonly own: number; readonly common: number }
  /** Correlation of the wandering from one second to the next, in [0, 1). */
  readonly persistence: number
  readonly errorRatio: number
  /** Time-out, milliseconds: slower requests are censored there. */
  readonly timeoutMs: number
  /** What happens to a group at a second counted from the attack's start (negative: baseline). */
  readonly disturb: (group: Group, second: number, random: Random) => Disturbance
}

/** `slowShare` of the requests take `slowMs` instead; the median of the rest is multiplied by `factor`. */
export type Disturbance = {
  readonly factor?: number
  readonly errorRatio?: number
  readonly slowShare?: number
  readonly slowMs?: number
  /** No request at all is sent. */
  readonly silent?: boolean
  /** Requests as a multiple of the usual rate; 1 when absent. */
  readonly load?: number
}

export const CALM: Scenario = {
  seed: 1,
  rate: 100,
  baselineSeconds: 60,
  attackSeconds: 60,
  recoverySeconds: 30,
  medianMs: 20,
  spread: 0.4,
  wander: { own: 0.05, common: 0.1 },
  persistence: 0.6,
  errorRatio: 0,
  timeoutMs: 10_000,
  disturb: () => ({}),
}

/** 2026-03-02 09:00:00 UTC, an instant as good as any. */
export const START_MS = 1_772_442_000_000

/** Samples of a scenario, in order of time. */
export function simulate(scenario: Scenario): Sample[] {
  const random = seededRandom(scenario.seed, 77)
  const seconds = scenario.baselineSeconds + scenario.attackSeconds + scenario.recoverySeconds
  const common = wandering(seconds, scenario.wander.common, scenario.persistence, random)
  const samples: Sample[] = []
  for (const group of GROUPS) {
    const own = wandering(seconds, scenario.wander.own, scenario.persistence, random)
    for (let second = 0; second < seconds; second++) {
      const disturbance = scenario.disturb(group, second - scenario.baselineSeconds, random)
      if (disturbance.silent) continue
      const shift = (common[second] ?? 0) + (own[second] ?? 0)
      const requests = Math.round(scenario.rate * (disturbance.load ?? 1))
      for (let request = 0; request < requests; request++) {
        const startMs = START_MS + 1000 * (second + request / requests)
        samples.push({ group, startMs, ...requestOf(scenario, disturbance, shift, random) })
      }
    }
  }
  return samples.sort((one, other) => one.startMs - other.startMs)
}

/** The judge's input that fits a scenario: margins of one point, ×1.5 and one zone powered off. */
export function inputOf(scenario: Scenario, changes: Partial<JudgeInput> = {}): JudgeInput {
  const attackMs = START_MS + scenario.baselineSeconds * 1000
  const endMs = attackMs + scenario.attackSeconds * 1000
  const sent = scenario.rate * (scenario.baselineSeconds + scenario.attackSeconds + scenario.recoverySeconds)
  return {
    runId: 'simulated',
    experiment: { name: 'zone-outage', hypothesis: 'A lost zone is not noticed.', level: 'zone' },
    signals: [
      { name: 'success_ratio', margin: 0.01, primary: true },
      { name: 'latency_p50', margin: 1.5, primary: false },
      { name: 'latency_p95', margin: 1.5, primary: true },
      { name: 'latency_p99', margin: 1.5, primary: false },
    ],
    phases: {
      baseline: { startMs: START_MS, endMs: attackMs },
      attack: { startMs: attackMs, endMs },
      recovery: { startMs: endMs, endMs: endMs + scenario.recoverySeconds * 1000 },
    },
    fault: { beginMs: attackMs, endMs },
    faults: [
      {
        kind: 'zone-outage',
        targets: ['experiment-a'],
        effect: { proven: true, detail: 'node NotReady after 6.8 s' },
      },
    ],
    load: {
      targetRate: scenario.rate,
      droppedIterations: 0,
      requests: { control: sent, experiment: sent },
    },
    writes: {
      control: { acknowledged: 0, lost: 0, unacknowledged: 0 },
      experiment: { acknowledged: 0, lost: 0, unacknowledged: 0 },
    },
    clockOffsetMs: 0,
    aborted: false,
    events: [],
    seed: scenario.seed,
    versions: {},
    ...changes,
  }
}

/** A first-order autoregression with standard deviation `deviation`. */
export function wandering(length: number, deviation: number, persistence: number, random: Random): number[] {
  let value = deviation * gaussian(random)
  return Array.from({ length }, () => {
    const shown = value
    value = persistence * value + deviation * Math.sqrt(1 - persistence ** 2) * gaussian(random)
    return shown
  })
}

/** A standard normal value, by Box and Muller. */
export function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function requestOf(scenario: Scenario, disturbance: Disturbance, shift: number, random: Random) {
  const shared = { route: 'songs', kind: 'read' } as const
  const slow = random() < (disturbance.slowShare ?? 0)
  const usual = scenario.medianMs * Math.exp(shift + scenario.spread * gaussian(random))
  const durationMs = slow
    ? (disturbance.slowMs ?? usual) * (0.8 + 0.4 * random())
    : usual * (disturbance.factor ?? 1)
  if (durationMs >= scenario.timeoutMs) {
    return { ...shared, durationMs: scenario.timeoutMs, status: 0, outcome: 'timeout' } as const
  }
  if (random() < (disturbance.errorRatio ?? scenario.errorRatio)) {
    return { ...shared, durationMs: durationMs / 4, status: 503, outcome: 'error' } as const
  }
  return { ...shared, durationMs, status: 200, outcome: 'ok' } as const
}
