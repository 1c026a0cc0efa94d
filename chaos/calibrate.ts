import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Progress } from '../platform/cluster/cluster.ts'
import { UserError } from '../platform/errors.ts'
import type { Experiment } from './experiment.ts'
import { readJournal, readRun } from './journal.ts'
import type { JournalEntry } from './journal-entry.ts'
import {
  type Calibration,
  type CalibrationScope,
  calibrationOf,
  type Finding,
  findingsOf,
  trialsOf,
} from './judgement/calibration.ts'
import type { SignalSpec } from './judgement/verdict.ts'
import type { RunDependencies } from './run-dependencies.ts'

/** In the folder of the runs: how often the judge errs, for each load and length that was looked at. */
export const CALIBRATION_FILE = 'calibration.json'

export type CalibrationReport = {
  readonly calibration: Calibration
  /** Runs without a fault that could not be used, and why. */
  readonly leftOut: readonly { readonly run: string; readonly why: string }[]
}

export type CalibrateDependencies = Pick<
  RunDependencies,
  'judge' | 'progress' | 'runsFolder' | 'versions'
> & {
  readonly nowMs: () => number
}

/** What a run without a fault looks like in its journal. */
const quietSchema = z.object({
  faults: z.array(z.unknown()).max(0),
  load: z.object({ profile: z.string(), requestsPerSecond: z.number(), writeShare: z.number() }),
})

/**
 * Counts how often the judge raises an alarm in the runs in which nothing was attacked, and keeps the result beside them.
 *
 * @throws UserError CALIBRATION_WITHOUT_RUNS when there is no run without a fault under the load of the experiment,
 *   CALIBRATION_DAMAGED when what was kept cannot be read
 */
export async function calibrate(
  experiment: Experiment,
  { judge, progress, runsFolder, versions, nowMs }: CalibrateDependencies,
): Promise<CalibrationReport> {
  const scope = scopeOf(experiment, versions.judge)
  // Before the work, not after it.
  const kept = await readAll(runsFolder)
  const runs: string[] = []
  const findings: Finding[] = []
  const leftOut: { run: string; why: string }[] = []
  for (const run of await quietRuns(runsFolder, leftOut, progress)) {
    if (!isDeepStrictEqual(run.load, scope.load)) {
      const { requestsPerSecond, writeShare } = run.load
      leftOut.push({
        run: run.id,
        why: `another load, ${requestsPerSecond} requests/s, ${writeShare} writes`,
      })
      continue
    }
    const quiet = await readRun(join(runsFolder, run.id)).catch(asWhy)
    if (typeof quiet === 'string' || trialsOf(quiet, scope.phases).trials === 0) {
      leftOut.push({ run: run.id, why: typeof quiet === 'string' ? quiet : 'shorter than the phases' })
      continue
    }
    progress(`calibrate: ${run.id}`)
    findings.push(...findingsOf(quiet, scope, judge))
    runs.push(run.id)
  }
  if (findings.length === 0) throw withoutRuns(experiment, runsFolder, leftOut)
  const calibration = calibrationOf(findings, { scope, atMs: nowMs(), runs })
  const others = kept.filter(other => !isSameScope(other.scope, scope))
  const file = join(runsFolder, CALIBRATION_FILE)
  await writeFile(`${file}.new`, `${JSON.stringify([...others, calibration], null, 2)}\n`)
  await rename(`${file}.new`, file)
  return { calibration, leftOut }
}

/** The calibration that stands for the runs of an experiment; null when there is none. @throws UserError CALIBRATION_DAMAGED */
export async function readCalibration(
  experiment: Experiment,
  { runsFolder, versions }: Pick<RunDependencies, 'runsFolder' | 'versions'>,
): Promise<Calibration | null> {
  const scope = scopeOf(experiment, versions.judge)
  return (await readAll(runsFolder)).find(kept => isSameScope(kept.scope, scope)) ?? null
}

function scopeOf({ load, phases, steadyState, abort }: Experiment, judge: string): CalibrationScope {
  const { profile, requestsPerSecond, writeShare } = load
  const { baselineSeconds, holdSeconds, recoverySeconds, transitionSeconds } = phases
  return {
    judge,
    load: { profile, requestsPerSecond, writeShare },
    phases: { baselineSeconds, holdSeconds, recoverySeconds, transitionSeconds },
    signals: steadyState.signals as readonly SignalSpec[],
    abort,
  }
}

function isSameScope(one: CalibrationScope, other: CalibrationScope): boolean {
  return isDeepStrictEqual(one, other)
}

async function readAll(runsFolder: string): Promise<readonly Calibration[]> {
  const file = join(runsFolder, CALIBRATION_FILE)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '[]'
    throw error
  })
  try {
    const kept = JSON.parse(text) as readonly Calibration[]
    // What another version kept is of another judge; what has no scope at all is none.
    if (Array.isArray(kept) && kept.every(({ scope }) => typeof scope?.judge === 'string')) return kept
    throw new TypeError('it is not a list of calibrations')
  } catch (error) {
    throw new UserError(
      'CALIBRATION_DAMAGED',
      `Cannot read ${file}: ${(error as Error).message}`,
      "Remove it; 'divergence calibrate FILE' makes it again from the runs.",
      { cause: error },
    )
  }
}

type Quiet = { readonly id: string; readonly load: z.infer<typeof quietSchema>['load'] }

/** Runs in which nothing was attacked. What is no run, or attacks, is none of our business; a damaged journal is told. */
async function quietRuns(
  runsFolder: string,
  leftOut: { run: string; why: string }[],
  progress: Progress,
): Promise<readonly Quiet[]> {
  const names = await readdir(runsFolder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  progress(`calibrate: looking through ${names.length} entries of ${runsFolder}`)
  const found: Quiet[] = []
  for (const id of names.sort()) {
    const entries = await readJournal(join(runsFolder, id), false).catch((error: unknown) => {
      if (error instanceof UserError && error.code === 'RUN_MISSING') return []
      return asWhy(error)
    })
    if (typeof entries === 'string') leftOut.push({ run: id, why: entries })
    else {
      const quiet = quietSchema.safeParse(experimentIn(entries))
      if (quiet.success) found.push({ id, load: quiet.data.load })
    }
  }
  return found
}

function experimentIn(entries: readonly JournalEntry[]): unknown {
  const opened = entries.find(({ entry }) => entry === 'opened')
  return opened?.entry === 'opened' ? opened.experiment : undefined
}

/** What keeps a run from being used is told; what is no fault of the run is thrown on. */
function asWhy(error: unknown): string {
  if (error instanceof UserError) return error.message
  throw error
}

function withoutRuns(
  { load, phases }: Experiment,
  runsFolder: string,
  leftOut: CalibrationReport['leftOut'],
): UserError {
  const { baselineSeconds, holdSeconds, recoverySeconds } = phases
  const lengthSeconds = baselineSeconds + holdSeconds + recoverySeconds
  const others = leftOut.map(({ run, why }) => `\n  ${run}: ${why}`).join('')
  return new UserError(
    'CALIBRATION_WITHOUT_RUNS',
    `Cannot tell how often the judge errs: ${runsFolder} has no run without a fault, at least ${lengthSeconds} s long, under ${load.requestsPerSecond} requests/s of which ${load.writeShare} are writes${others}`,
    "Run 'divergence run chaos/experiments/aa.yaml' as often as you can, or chaos/experiments/aa-long.yaml, which is ten trials long.",
  )
}
