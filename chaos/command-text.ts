import { alignColumns } from '../platform/columns.ts'
import { UserError } from '../platform/errors.ts'
import type { CalibrationReport } from './calibrate.ts'
import type { DryRun } from './dry-run.ts'
import type { FaultRow } from './faults/describe.ts'
import type { HaltReport } from './halt.ts'
import type { InjectResult } from './inject.ts'
import { calibrationText } from './report/calibration.ts'
import { renderTerminal } from './report/terminal.ts'
import type { AuditReport } from './residue-everywhere.ts'
import type { RunResult } from './run.ts'

/** The catalogue, or one kind of it. @throws UserError FAULT_UNKNOWN */
export function chosenFaults(rows: readonly FaultRow[], kind: string | undefined): readonly FaultRow[] {
  if (kind === undefined) return rows
  const row = rows.find(candidate => candidate.kind === kind)
  if (row !== undefined) return [row]
  throw new UserError(
    'FAULT_UNKNOWN',
    `Cannot tell of '${kind}': there is no such fault`,
    `There are ${rows.map(candidate => candidate.kind).join(', ')}.`,
  )
}

/** All kinds with a line each; one kind with its parameters. */
export function faultsText(rows: readonly FaultRow[]): string {
  const [only] = rows
  if (rows.length === 1 && only !== undefined) return faultText(only)
  return [
    alignColumns([
      ['fault', 'level', 'what it does'],
      ...rows.map(({ kind, level, summary }) => [kind, level, summary]),
    ]),
    '',
    "Parameters: 'divergence faults KIND'",
  ].join('\n')
}

function faultText({ kind, level, summary, parameters }: FaultRow): string {
  const cells = parameters.map(({ parameter, unit, range, defaultValue, required, description }) => [
    parameter,
    unit,
    range,
    required ? 'required' : (defaultValue ?? '-'),
    description,
  ])
  return [
    `${kind} (${level}): ${summary}`,
    '',
    alignColumns([['parameter', 'unit', 'allowed', 'default', ''], ...cells]),
  ].join('\n')
}

export function auditText(report: AuditReport): string {
  const { running, halted, residue, unfinished, comparedWithBaseline } = report
  return [
    ...(running === null ? [] : [`Run ${running} is in progress; what is on because of it is not listed.`]),
    ...(halted === null ? [] : [`Everything is halted: ${halted}`]),
    ...(comparedWithBaseline ? [] : ['No run has begun on this lab yet: there is nothing to compare with.']),
    ...(unfinished.length === 0 ? [] : ['Ended without a word; the next command ticks it off:']),
    ...unfinished.map(one => `  - ${one}`),
    residue.length === 0 ? 'Nothing is left behind.' : 'Left behind:',
    ...residue.map(one => `  - ${one}`),
  ].join('\n')
}

export function haltText({ ended, left }: HaltReport): string {
  return [
    ended.length === 0 ? 'Nothing was on.' : 'Ended:',
    ...ended.map(one => `  - ${one}`),
    ...(left.length === 0 ? [] : ['Could not be ended or told:', ...left.map(one => `  - ${one}`)]),
    "Nothing begins until 'divergence halt --release'.",
  ].join('\n')
}

/** What releasing the halt came to; `untold` in words. */
export function releaseText(untold: readonly string[]): string {
  return ['Faults may begin again.', ...untold.map(one => `  - ${one}`)].join('\n')
}

/** @param report path of the run's page */
export function runText({ folder, residue, runId, verdict, calibration }: RunResult, report: string): string {
  return [
    verdict ? renderTerminal(verdict, runId, calibration) : 'Interrupted: no verdict',
    ...(residue.length > 0 ? ['', 'Left behind:', ...residue.map(one => `  - ${one}`)] : []),
    '',
    ...(verdict ? [`report      ${report}`] : []),
    `run         ${folder}`,
  ].join('\n')
}

/** How often the judge errs, and which runs could not be asked. */
export function calibrateText({ calibration, leftOut }: CalibrationReport): string {
  return [
    calibrationText(calibration),
    ...(leftOut.length === 0 ? [] : ['', 'Runs without a fault that were left out:']),
    ...leftOut.map(({ run, why }) => `  - ${run}: ${why}`),
  ].join('\n')
}

export function injectText({ ended, faults, folder, residue }: InjectResult): string {
  return [
    ...faults.map(
      ({ plan, effect }) =>
        `${plan.kind} of ${plan.targets.join(', ')}: ${effect.proven ? 'proven' : 'NOT proven'}: ${effect.detail}`,
    ),
    ...(ended === 'interrupted' ? ['Interrupted: everything is undone.'] : []),
    ...(residue.length === 0 ? ['Nothing is left behind.'] : ['Left behind:']),
    ...residue.map(one => `  - ${one}`),
    `run         ${folder}`,
  ].join('\n')
}

export function dryRunText({ timeline, faults, capabilities, foreseen, problems }: DryRun): string {
  const nodes = Object.entries(capabilities).map(([node, has]) => [node, Object.keys(has).join(', ')])
  return [
    'Time line (seconds from the first request, if it started now):',
    ...timeline.map(({ atSeconds, what }) => `  ${atSeconds.toFixed(1).padStart(7)}  ${what}`),
    ...faults.flatMap(({ kind, begin, end }) => [
      '',
      `${kind}:`,
      ...begin.map(line => `  begin: ${line}`),
      ...end.map(line => `  end:   ${line}`),
    ]),
    '',
    'What it could see:',
    ...foreseen.map(line => `  ${line}`),
    '',
    'What the nodes can do:',
    ...alignColumns(nodes)
      .split('\n')
      .map(line => `  ${line}`),
    '',
    problems.length === 0 ? 'It could run now. Nothing was touched.' : 'It could not run now:',
    ...problems.map(problem => `  - ${problem}`),
  ].join('\n')
}
