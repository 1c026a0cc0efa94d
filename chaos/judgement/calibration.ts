import { type AbortRule, slowLimit, whenMet } from '../abort-rule.ts'
import type { JudgeInput } from '../journal-entry.ts'
import { phasesOf } from '../measurement/phases.ts'
import type { Sample } from '../measurement/sample.ts'
import { clopperPearson } from './proportion.ts'
import { ALPHA } from './signals.ts'
import { OUTCOMES, type Outcome, type SignalName, type SignalSpec, type Verdict } from './verdict.ts'

/** Probability outside a printed rate on each side: intervals of 95 %. */
const TAIL = 0.025

/** What a calibration stands for. Of another judge, load, length or margin it says nothing. */
export type CalibrationScope = {
  /** Fingerprint of the judge's program, see judge-version.ts. */
  readonly judge: string
  readonly load: {
    readonly profile: string
    /** Per group. */
    readonly requestsPerSecond: number
    readonly writeShare: number
  }
  readonly phases: {
    readonly baselineSeconds: number
    readonly holdSeconds: number
    readonly recoverySeconds: number
    readonly transitionSeconds: number
  }
  readonly signals: readonly SignalSpec[]
  readonly abort: AbortRule
}

/** How often something happened, with the ends of the exact 95 % interval of its probability. */
export type Rate = {
  readonly events: number
  readonly trials: number
  readonly low: number
  readonly high: number
}

/** How often the judge raises an alarm when there is nothing to be alarmed about. */
export type Calibration = {
  readonly scope: CalibrationScope
  /** When it was made, Unix milliseconds. */
  readonly atMs: number
  /** Ids of the runs without a fault from which the trials were cut. */
  readonly runs: readonly string[]
  readonly verdicts: Readonly<Record<Outcome, Rate>>
  readonly signals: readonly {
    readonly name: SignalName
    readonly outside: Rate
    /** Median over the trials of the effect that 80 % of such runs would see, in the unit of the effect; null: not known. */
    readonly smallestVisible: number | null
  }[]
  /** The abort rule would have ended an attack that was none. */
  readonly aborted: Rate
}

/** A run in which nothing was attacked. */
export type QuietRun = { readonly input: JudgeInput; readonly samples: readonly Sample[] }

/** What the judge made of one trial. */
export type Finding = {
  readonly verdict: Outcome
  readonly aborted: boolean
  readonly signals: readonly {
    readonly name: SignalName
    readonly outside: boolean
    readonly smallestVisible: number | null
  }[]
}

/**
 * Cuts a quiet run into trials: runs as long as those of the experiment, end to end, each with its own baseline, an
 * attack in which nothing is attacked, and its recovery. Each is judged as a run would be: the abort rule watches, and
 * what it ends is judged as called off.
 *
 * **Independence.** The interval of a rate takes trials for independent. Those of one run share no second, and the
 * recovery of one lies between what is compared in it and in the next (half a minute in the shipped experiments, several
 * times as long as the memory of a second here). What they do share is the state of the lab on that day: a pod that
 * landed on a slower core, a neighbour on the machine. Trials of one long run are thus worth less than as many runs; the
 * number of runs is printed beside that of the trials, and short runs on several days are the better calibration.
 *
 * When in the run a write was lost is not known; it counts in the first trial, once.
 *
 * @returns none when the run is shorter than the phases
 */
export function findingsOf(
  { input, samples }: QuietRun,
  { phases: lengths, signals, abort }: CalibrationScope,
  judge: (samples: readonly Sample[], input: JudgeInput) => Verdict,
): readonly Finding[] {
  const { startMs, lengthMs, trials } = trialsOf({ input, samples }, lengths)
  const inRun = countByGroup(samples)
  return Array.from({ length: trials }, (_, trial) => {
    const warmMs = startMs + trial * lengthMs
    const loadEndMs = warmMs + lengthMs
    const attackMs = warmMs + lengths.baselineSeconds * 1000
    const own = samples.filter(sample => sample.startMs >= warmMs && sample.startMs < loadEndMs)
    const edges = { warmMs, attackMs, loadEndMs }
    const { baseline, attack } = phasesOf(lengths, edges).phases
    const calledOffMs = whenMet(abort, own, attack, slowLimit(own, baseline).limitMs) ?? undefined
    const { phases } = phasesOf(lengths, { ...edges, calledOffMs })
    const inTrial = countByGroup(own)
    // A sample that is missing in the run is missing in every trial alike.
    const sent = (group: 'control' | 'experiment') =>
      inRun[group] === 0 ? 0 : Math.round((inTrial[group] * input.load.requests[group]) / inRun[group])
    const verdict = judge(own, {
      ...input,
      runId: `${input.runId}.${trial + 1}`,
      signals,
      phases,
      fault: {
        beginMs: attackMs - input.clockOffsetMs,
        endMs: phases.attack.endMs - input.clockOffsetMs,
      },
      faults: [],
      events: [],
      load: { ...input.load, requests: { control: sent('control'), experiment: sent('experiment') } },
      writes: trial === 0 ? input.writes : { control: NO_WRITES, experiment: NO_WRITES },
      aborted: calledOffMs !== undefined,
      seed: (input.seed + trial) >>> 0,
    })
    return findingOf(verdict)
  })
}

const NO_WRITES = { acknowledged: 0, lost: 0, unacknowledged: 0 }

/** A sum of milliseconds may miss the length it stands for by so much. */
const ROUNDING_MS = 1

/**
 * How many trials of such a length a run has, and where the first one begins. They go on to the end of the load, also where
 * the abort rule put an end to the run's own attack: just these runs must not be left out.
 */
export function trialsOf(
  { input: { phases }, samples }: QuietRun,
  { baselineSeconds, holdSeconds, recoverySeconds }: CalibrationScope['phases'],
): { readonly startMs: number; readonly lengthMs: number; readonly trials: number } {
  const { startMs } = phases.baseline
  const lengthMs = (baselineSeconds + holdSeconds + recoverySeconds) * 1000
  const endMs = samples.reduce((last, sample) => Math.max(last, sample.startMs), phases.recovery.endMs)
  const trials = Math.floor((endMs - startMs + ROUNDING_MS) / lengthMs)
  return { startMs, lengthMs, trials: Math.max(0, trials) }
}

function countByGroup(samples: readonly Sample[]): { control: number; experiment: number } {
  const found = { control: 0, experiment: 0 }
  for (const { group } of samples) found[group]++
  return found
}

function findingOf({ verdict, aborted, signals }: Verdict): Finding {
  return {
    verdict,
    aborted,
    signals: signals.map(({ name, outcome, smallestVisible }) => ({
      name,
      outside: outcome === 'outside',
      smallestVisible,
    })),
  }
}

/** Counts what the judge made of all trials. */
export function calibrationOf(
  findings: readonly Finding[],
  about: Pick<Calibration, 'scope' | 'atMs' | 'runs'>,
): Calibration {
  const rate = (isEvent: (finding: Finding) => boolean) =>
    rateOf(findings.filter(isEvent).length, findings.length)
  const verdicts = OUTCOMES.map(outcome => [outcome, rate(({ verdict }) => verdict === outcome)] as const)
  return {
    ...about,
    verdicts: Object.fromEntries(verdicts) as Record<Outcome, Rate>,
    signals: about.scope.signals.map(({ name }) => {
      const own = (finding: Finding) => finding.signals.find(signal => signal.name === name)
      return {
        name,
        outside: rate(finding => own(finding)?.outside === true),
        smallestVisible: median(findings.flatMap(finding => own(finding)?.smallestVisible ?? [])),
      }
    }),
    aborted: rate(({ aborted }) => aborted),
  }
}

/** A rate with its exact interval. */
export function rateOf(events: number, trials: number): Rate {
  return { events, trials, ...clopperPearson(events, trials, TAIL) }
}

/** The middle value, of an even number the smaller of the two. */
function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.ceil(sorted.length / 2) - 1] ?? null
}

/**
 * Whether the judge keeps its word, at most one false `diverged` in twenty: `honest` when the whole interval says so,
 * `dishonest` when none of it does, else there were too few trials to tell.
 */
export function honesty({ verdicts }: Pick<Calibration, 'verdicts'>): 'honest' | 'dishonest' | 'unproven' {
  const { low, high } = verdicts.diverged
  if (high <= ALPHA) return 'honest'
  return low > ALPHA ? 'dishonest' : 'unproven'
}

/** Fewest trials that can show it: with none diverged, 1 - TAIL^(1/n) <= ALPHA. */
export const FEWEST_TRIALS = Math.ceil(Math.log(TAIL) / Math.log1p(-ALPHA))
