/**
 * How soon the abort rule ends an attack, and how often it ends one that makes no difference: simulated with 50 requests
 * a second and group, looked at twice a second, as the runner does.
 *
 *   node bench/abort.ts          400 attacks of each kind
 *   node bench/abort.ts 2000
 */
import { quantileSorted } from 'simple-statistics'
import { AbortWatch } from '../chaos/abort-rule.ts'
import { DEFAULT_ABORT } from '../chaos/experiment.ts'
import { wilson } from '../chaos/judgement/proportion.ts'
import type { Sample } from '../chaos/measurement/sample.ts'
import { seededRandom } from '../platform/random.ts'
import { GROUPS } from '../platform/topology.ts'

const RATE = 50
const LOOK_MS = 500
const BEFORE_MS = 10_000
const LONGEST_MS = 60_000

/** @returns seconds until the attack was called off; Infinity: it went on to its end */
function callOffSeconds(seed: number, experiment: number, control: number): number {
  const random = seededRandom(seed)
  const watch = new AbortWatch(DEFAULT_ABORT, 0)
  const samples: Sample[] = []
  const failed = { experiment, control }
  for (let atMs = -BEFORE_MS; atMs < LONGEST_MS; atMs += 1000 / RATE) {
    if (atMs > 0 && atMs % LOOK_MS === 0 && watch.look(samples, atMs).isMet) return atMs / 1000
    for (const group of GROUPS) {
      const isFailed = random() < (atMs < 0 ? control : failed[group])
      const base = { group, route: 'song', kind: 'read', startMs: atMs, durationMs: 10 } as const
      samples.push({ ...base, status: isFailed ? 503 : 200, outcome: isFailed ? 'error' : 'ok' })
    }
  }
  return Number.POSITIVE_INFINITY
}

const attacks = Number(process.argv[2] ?? 400)
const percent = (ratio: number) => `${(ratio * 100).toFixed(1)} %`

console.log(`Called off, of ${attacks} attacks of ${LONGEST_MS / 1000} s each, alpha ${DEFAULT_ABORT.alpha}:`)
for (const [experiment, control] of [
  [1, 0.001],
  [0.2, 0.001],
  [0.1, 0.001],
  [0.05, 0.001],
  [0.001, 0.001],
  [0.01, 0.01],
  [0.1, 0.1],
  [0.3, 0.3],
] as const) {
  const seconds = Array.from({ length: attacks }, (_, seed) =>
    callOffSeconds(seed, experiment, control),
  ).sort((one, other) => one - other)
  const called = seconds.filter(Number.isFinite).length
  const { low, high } = wilson(called, attacks, 0.025)
  const when =
    called < attacks / 2
      ? ''
      : `, median ${quantileSorted(seconds, 0.5)} s, nine in ten within ${quantileSorted(seconds, 0.9)} s`
  console.log(
    `${percent(experiment)} of the experiment fail, ${percent(control)} of the control: ${called} (95 % interval ${percent(low)} to ${percent(high)})${when}`,
  )
}
