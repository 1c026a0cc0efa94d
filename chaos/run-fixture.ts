import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import type { Experiment } from './experiment.ts'
import { recordedDependencies } from './lab/recorded-dependencies.ts'
import { quickClock } from './lab/recording.ts'
import { type RunResult, runExperiment } from './run.ts'
import type { RunDependencies } from './run-dependencies.ts'
import { UNDO_FILE } from './undo-file.ts'

const SPEED = 60
export const never = new AbortController().signal

/** A zone outage in short. */
export const experiment: Experiment = {
  name: 'zone-outage',
  hypothesis: 'Nobody notices.',
  level: 'zone',
  steadyState: {
    signals: [{ name: 'success_ratio', margin: 0.001, primary: true }],
    whenUnderpowered: 'warn',
  },
  load: { profile: 'steady', requestsPerSecond: 5, writeShare: 0.2, durationSeconds: 24 },
  phases: { warmupSeconds: 2, baselineSeconds: 8, holdSeconds: 6, recoverySeconds: 6, transitionSeconds: 1 },
  settle: { readySeconds: 10 },
  abort: { alpha: 0.01, failedShare: 0.5, windowSeconds: 2 },
  blastRadius: { maxTargets: 3, keepHealthy: 1 },
  seed: 7,
  faults: [
    { kind: 'zone-outage', select: { group: 'experiment', zone: 'b' }, offsetSeconds: 0, durationSeconds: 6 },
  ],
}

export const killPods: Experiment['faults'] = [
  {
    kind: 'kill-pod',
    select: { group: 'experiment', zone: 'primary', services: ['gateway', 'database'] },
    offsetSeconds: 1,
  },
]

/** A recorded lab, and what is done with it and asked of it in every test of a run. */
export async function runFixture() {
  const recorded = await recordedDependencies(quickClock(SPEED))
  const { agents, dependencies, lab, leases, load, lock, told } = recorded

  const run = (
    changes: Partial<RunDependencies> = {},
    signal = never,
    change: Partial<Experiment> = {},
  ): Promise<RunResult> =>
    runExperiment(
      { experiment: { ...experiment, ...change }, text: 'name: x\n' },
      { ...dependencies, ...changes },
      signal,
    )

  const actions = () => lab.done.map(({ action }) => action)
  const onlyRun = async () => join(dependencies.runsFolder, (await readdir(dependencies.runsFolder))[0] ?? '')
  const pendingUndo = async () => JSON.parse(await readFile(join(await onlyRun(), UNDO_FILE), 'utf8'))

  /** Resolves when the run says `words`. */
  function saying(words: string): { progress: RunDependencies['progress']; said: Promise<void> } {
    const { promise: said, resolve } = Promise.withResolvers<void>()
    const progress = (message: string) => {
      told.push(message)
      if (message.includes(words)) resolve()
    }
    return { progress, said }
  }

  /** Everything that must hold however a run ended. */
  async function expectNothingLeft(): Promise<void> {
    expect(actions().filter(action => action === 'power-on')).toHaveLength(
      actions().filter(action => action === 'power-off').length,
    )
    expect(lab.dark.size).toBe(0)
    expect(load.removals).toBeGreaterThanOrEqual(2)
    expect(lock.current).toBeNull()
    expect(lock.releases).toBe(1)
    expect(agents.active()).toEqual([])
    expect(leases.current.size).toBe(0)
  }

  return { ...recorded, run, actions, onlyRun, pendingUndo, saying, expectNothingLeft }
}

export type RunFixture = Awaited<ReturnType<typeof runFixture>>
