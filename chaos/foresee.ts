import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { UserError } from '../platform/errors.ts'
import { readCalibration } from './calibrate.ts'
import type { DrivenLoad } from './drive-load.ts'
import type { Experiment } from './experiment.ts'
import { readJournal } from './journal.ts'
import type { JournalEntry, TimelineEvent } from './journal-entry.ts'
import { type Foresight, foresee } from './judgement/foresight.ts'
import { bySecond } from './judgement/seconds.ts'
import type { SignalSpec } from './judgement/verdict.ts'
import { SIGNAL_LABELS, signalEffect, signalMargin } from './judgement/wording.ts'
import type { Phase } from './measurement/sample.ts'
import type { Run, RunDependencies } from './run-dependencies.ts'

/**
 * Says before the attack what the run could see of it. Where that is coarser than a margin, it warns in the journal, on the
 * time line and to who is looking on, or refuses where the experiment asks for it.
 *
 * @param baseline as far as it is judged, runner's clock
 * @throws UserError RUN_UNDERPOWERED; nothing has been attacked then
 */
export async function warnWhenBlind(
  { experiment, events, journal, dependencies }: Run,
  load: Pick<DrivenLoad, 'records' | 'clockOffsetMs'>,
  { startMs, endMs }: Phase,
): Promise<void> {
  const { clock, progress } = dependencies
  const { steadyState, phases, seed } = experiment
  const known = { startMs: startMs + load.clockOffsetMs, endMs: endMs + load.clockOffsetMs }
  const baseline = {
    control: bySecond(load.records(), 'control', known),
    experiment: bySecond(load.records(), 'experiment', known),
  }
  const signals = foresee(baseline, signalsOf(experiment), phases.holdSeconds, seed)
  await journal.append({ entry: 'foresight', signals })
  const doubtful = signals.filter(({ isEnough }) => !isEnough).map(foresightText)
  if (doubtful.length === 0) return
  if (steadyState.whenUnderpowered === 'refuse') {
    throw new UserError(
      'RUN_UNDERPOWERED',
      `Cannot begin the attack: ${doubtful.join('; ')}`,
      'Nothing was attacked. Make the baseline and the attack longer, send more load, widen the margin, or set steadyState.whenUnderpowered to warn.',
    )
  }
  for (const doubt of doubtful) {
    const event: TimelineEvent = { atMs: clock.nowMs(), source: 'load', text: `warning: ${doubt}` }
    events.push(event)
    journal.note({ entry: 'event', event })
    progress(event.text)
  }
}

/** `p95 latency: four of five such runs would show a change of ×1.30, within the margin of ×1.50`. */
export function foresightText({ name, margin, smallestVisible, isEnough }: Foresight): string {
  const label = SIGNAL_LABELS[name]
  if (smallestVisible === null) {
    return `${label}: what the run could see is not known, the baseline has too little data`
  }
  const limit = `the margin of ${signalMargin(name, margin)}`
  const placed = isEnough ? `within ${limit}` : `but ${limit} is finer`
  return `${label}: four of five such runs would show a change of ${signalEffect(name, smallestVisible)}, ${placed}`
}

/**
 * What a run of an experiment could see, as far as it is known beforehand: from the runs without a fault, or from the
 * baseline of the last run of the same load, phases and margins.
 *
 * @returns sentences; that nothing is known is one as well
 */
export async function foreseen(
  experiment: Experiment,
  dependencies: Pick<RunDependencies, 'runsFolder' | 'versions'>,
): Promise<readonly string[]> {
  const calibration = await readCalibration(experiment, dependencies)
  if (calibration !== null) {
    const medians = new Map(calibration.signals.map(({ name, smallestVisible }) => [name, smallestVisible]))
    const trials = calibration.verdicts.diverged.trials
    return [
      ...signalsOf(experiment)
        .filter(({ primary }) => primary)
        .map(signal => foresightText(calibrated(signal, medians.get(signal.name) ?? null))),
      `That is the median of ${trials} trials without a fault ('divergence calibrate').`,
    ]
  }
  const earlier = await lastForesight(experiment, dependencies.runsFolder)
  if (earlier !== null) return [...earlier.signals.map(foresightText), `So it was in run ${earlier.run}.`]
  return [
    "What the run could see is not known: no run of the same load, phases and margins is there, and no 'divergence calibrate'.",
  ]
}

function calibrated({ name, margin }: SignalSpec, smallestVisible: number | null): Foresight {
  const harm = name === 'success_ratio' ? -(smallestVisible ?? 0) : (smallestVisible ?? 0)
  return { name, margin, smallestVisible, isEnough: smallestVisible !== null && harm <= margin }
}

const signalsOf = ({ steadyState }: Pick<Experiment, 'steadyState'>) =>
  steadyState.signals as readonly SignalSpec[]

/** Of the newest run that is alike; runs that cannot be read say nothing here, 'divergence judge' tells why. */
async function lastForesight(
  { load, phases, steadyState }: Experiment,
  runsFolder: string,
): Promise<{ readonly run: string; readonly signals: readonly Foresight[] } | null> {
  const alike = { load, phases, signals: steadyState.signals }
  const names = await readdir(runsFolder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  for (const run of names.sort().reverse()) {
    const entries = await readJournal(join(runsFolder, run), false).catch(
      (error: unknown): readonly JournalEntry[] => {
        if (error instanceof UserError) return []
        throw error
      },
    )
    const told = entries.find(entry => entry.entry === 'foresight')
    if (told !== undefined && isDeepStrictEqual(setupOf(entries), alike))
      return { run, signals: told.signals }
  }
  return null
}

function setupOf(entries: readonly JournalEntry[]): unknown {
  const opened = entries.find(entry => entry.entry === 'opened')
  const { load, phases, steadyState } = (opened?.experiment ?? {}) as Partial<Experiment>
  return { load, phases, signals: steadyState?.signals }
}
