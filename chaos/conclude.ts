import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Begun } from './attack.ts'
import type { Measured } from './drive-load.ts'
import { proveLoadFactor } from './faults/load-factor.ts'
import { RUN_FILES, readRun, withCalibration } from './journal.ts'
import type { JudgeInput } from './journal-entry.ts'
import type { Verdict } from './judgement/verdict.ts'
import { phasesOf } from './measurement/phases.ts'
import type { Phase } from './measurement/sample.ts'
import { countWrites } from './measurement/writes.ts'
import type { Run } from './run-dependencies.ts'

/**
 * From what was measured to verdict and report. It judges from what is in the folder, so that `divergence judge` can
 * only come to the same verdict.
 */
export async function conclude(run: Run, measured: Measured): Promise<Verdict> {
  const { runId, journal, dependencies } = run
  const { database, judge, renderers, progress } = dependencies
  const { folder } = journal
  progress('judge: counting acknowledged writes in both databases')
  const writes = await countWrites(runId, measured.records, database)
  await journal.append({ entry: 'judge-input', input: judgeInput(run, measured, writes) })
  const recorded = await readRun(folder)
  const { input, samples, calibration = null } = recorded
  const verdict = judge(samples, input)
  await journal.append({ entry: 'verdict', verdict })
  await writeFile(
    join(folder, RUN_FILES.verdict),
    `${JSON.stringify(withCalibration(verdict, recorded), null, 2)}\n`,
  )
  await writeFile(join(folder, RUN_FILES.html), renderers.html(verdict, input, samples, calibration))
  await writeFile(join(folder, RUN_FILES.markdown), renderers.markdown(verdict, input, samples, calibration))
  progress(`verdict: ${verdict.verdict}`)
  return verdict
}

function judgeInput(run: Run, measured: Measured, writes: JudgeInput['writes']): JudgeInput {
  const { runId, experiment, events, dependencies } = run
  const { clockOffsetMs, edges, faultEndMs, load } = measured
  const begun = withLoadFactors(measured)
  const { phases } = phasesOf(experiment.phases, edges)
  const onGenerator = ({ startMs, endMs }: Phase): Phase => ({
    startMs: startMs + clockOffsetMs,
    endMs: endMs + clockOffsetMs,
  })
  return {
    runId,
    experiment: { name: experiment.name, hypothesis: experiment.hypothesis, level: experiment.level },
    signals: experiment.steadyState.signals as JudgeInput['signals'],
    phases: {
      baseline: onGenerator(phases.baseline),
      attack: onGenerator(phases.attack),
      recovery: onGenerator(phases.recovery),
    },
    fault: { beginMs: edges.attackMs, endMs: faultEndMs },
    faults: begun.map(({ plan, effect }) => ({ kind: plan.kind, targets: plan.targets, effect })),
    load,
    writes,
    clockOffsetMs,
    aborted: measured.aborted,
    events: [...events].sort((one, other) => one.atMs - other.atMs),
    seed: experiment.seed,
    versions: dependencies.versions,
  }
}

/** Effects that only the generator can tell, now that it has finished; its windows stand in the order of the faults. */
function withLoadFactors({ begun, load }: Measured): readonly Begun[] {
  let surges = 0
  return begun.map(fault => {
    const proof = fault.plan.proofs.find(candidate => candidate.proof === 'load-factor')
    if (proof === undefined) return fault
    const effect = proveLoadFactor(proof.factor, load.surges?.[surges++]?.inside ?? null)
    return { ...fault, effect }
  })
}
