/**
 * How often the judge errs: simulated runs without a difference, of seconds that are independent, that remember (AR(1)),
 * and with bursts of slow requests in one group alone; and runs in which the experiment is slower, to see that the
 * judge is not blind.
 *
 *   node bench/calibration.ts          200 runs of each kind
 *   node bench/calibration.ts 1000
 */

import { DEFAULT_ABORT } from '../chaos/experiment.ts'
import {
  calibrationOf,
  type Finding,
  findingsOf,
  honesty,
  type Rate,
} from '../chaos/judgement/calibration.ts'
import { judge } from '../chaos/judgement/judge.ts'
import { CALM, inputOf, type Scenario, simulate } from '../chaos/judgement/simulation.ts'

const RATE = 30
const LENGTHS = { baselineSeconds: 38, attackSeconds: 36, recoverySeconds: 30 }
/** How likely a burst begins in a second of a group, and how many requests hang in it. */
const BURST = { chance: 0.02, slowShare: 0.2, slowMs: 1_500 }

/** In each second of each group, now and then, 1 to 3 s begin in which some requests hang. */
function bursts(): Scenario['disturb'] {
  const left = { control: 0, experiment: 0 }
  return (group, _, random) => {
    if (left[group] === 0 && random() < BURST.chance) left[group] = 1 + Math.floor(random() * 3)
    if (left[group] === 0) return {}
    left[group]--
    return { slowShare: BURST.slowShare, slowMs: BURST.slowMs }
  }
}

const slower = (factor: number): Scenario['disturb'] => {
  return (group, second) => (group === 'experiment' && second >= 0 ? { factor } : {})
}

const POWER = 'a difference: twice as slow'

const kinds: readonly (readonly [string, () => Partial<Scenario>])[] = [
  ['independent seconds', () => ({ persistence: 0 })],
  ['AR(1) 0.6', () => ({ persistence: 0.6 })],
  ['bursts in one group', () => ({ disturb: bursts() })],
  [POWER, () => ({ disturb: slower(2) })],
]

const signals = [
  { name: 'success_ratio', margin: 0.01, primary: true },
  { name: 'latency_p50', margin: 1.5, primary: true },
  { name: 'latency_p95', margin: 1.5, primary: true },
] as const
const scope = {
  judge: 'this',
  load: { profile: 'steady', requestsPerSecond: RATE, writeShare: 0 },
  phases: {
    baselineSeconds: LENGTHS.baselineSeconds,
    holdSeconds: LENGTHS.attackSeconds,
    recoverySeconds: LENGTHS.recoverySeconds,
    transitionSeconds: 2,
  },
  signals,
  abort: DEFAULT_ABORT,
}

const runs = Number(process.argv[2] ?? 200)
const percent = (ratio: number) => `${(ratio * 100).toFixed(1)} %`
const shown = ({ events, low, high }: Rate) => `${events} (95 % interval ${percent(low)} to ${percent(high)})`

console.log(`Of ${runs} runs of each kind, ${RATE} requests/s a group:`)
for (const [kind, changes] of kinds) {
  const findings: Finding[] = []
  for (let seed = 1; seed <= runs; seed++) {
    const scenario: Scenario = { ...CALM, ...LENGTHS, rate: RATE, ...changes(), seed }
    const run = { input: inputOf(scenario, { faults: [] }), samples: simulate(scenario) }
    findings.push(...findingsOf(run, scope, judge))
  }
  const { verdicts, aborted, signals: found } = calibrationOf(findings, { scope, atMs: 0, runs: [] })
  console.log(
    `${kind}: ${shown(verdicts.diverged)} diverged, ${verdicts.invalid.events} invalid, ${verdicts.inconclusive.events} inconclusive; called off ${shown(aborted)}; outside ${found.map(({ name, outside }) => `${name} ${outside.events}`).join(', ')}; ${kind === POWER ? 'that is its power' : honesty({ verdicts })}`,
  )
}
