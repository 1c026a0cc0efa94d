import { setTimeout as sleep } from 'node:timers/promises'
import type { JournalEntry } from '../../chaos/journal-entry.ts'
import { CliProcess, spawnCli } from '../../chaos/trials/cli-process.ts'
import { STEP_SECONDS } from './ask.ts'
import type { Stretches } from './measure.ts'

/** Exit codes of a run that came to its verdict, whatever it is. */
const CAME_TO_VERDICT: readonly (number | null)[] = [0, 1, 3]

const LOOK_EVERY_MS = 500

/** What rates and alerts still show of an attack after its end, seconds. */
const AFTERMATH_SECONDS = 20

const FILES = { folderPrefix: 'metrics-', input: 'experiment.yaml', log: 'run.log' }

/** `divergence run` in a process of its own, with its folder in a temporary one. */
export class ExperimentRun extends CliProcess {
  static async start(text: string): Promise<ExperimentRun> {
    return new ExperimentRun(await spawnCli('run', text, FILES))
  }

  /** Waits for the attack. @returns false when the run ended before it */
  async untilAttack(): Promise<boolean> {
    const isIn = async () =>
      (await this.entries()).some(entry => entry.entry === 'phase' && entry.phase === 'attack')
    while (!(await isIn())) {
      if (!this.isAlive) return false
      await sleep(LOOK_EVERY_MS)
    }
    return true
  }

  /** @throws Error when it came to no verdict */
  async untilOver(): Promise<void> {
    const code = await this.exited
    if (!CAME_TO_VERDICT.includes(code)) {
      throw new Error(`Cannot go on: the run ended with exit code ${code}; see ${this.folder}/run.log`)
    }
  }
}

/**
 * When a run was calm, and when it was attacked, by its journal.
 *
 * @throws Error when it has not come to its recovery
 */
export function stretchesOf(entries: readonly JournalEntry[]): Stretches {
  const began = (phase: string) => {
    const entry = entries.find(one => one.entry === 'phase' && one.phase === phase)
    if (entry === undefined) throw new Error(`Cannot tell when the run was in '${phase}': it never was`)
    return entry.atMs / 1000
  }
  const attackSeconds = began('attack')
  return {
    // The last scrape before the attack is the last one that is calm for sure.
    before: { fromSeconds: began('baseline'), untilSeconds: attackSeconds - STEP_SECONDS },
    during: { fromSeconds: attackSeconds, untilSeconds: began('recovery') + AFTERMATH_SECONDS },
  }
}

/** Faults whose effect was not seen, in words. */
export function unprovenIn(entries: readonly JournalEntry[]): readonly string[] {
  return entries.flatMap(entry =>
    entry.entry === 'fault-effect' && !entry.proven ? [`fault ${entry.fault}: ${entry.detail}`] : [],
  )
}
