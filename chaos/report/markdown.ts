import { markdownTable as table, markdownText as text } from '../../platform/markdown.ts'
import { GROUPS } from '../../platform/topology.ts'
import type { JudgeInput } from '../journal-entry.ts'
import type { Calibration } from '../judgement/calibration.ts'
import { type Exploration, explore } from '../judgement/exploratory.ts'
import { interval } from '../judgement/reasons.ts'
import type { SignalResult, Verdict } from '../judgement/verdict.ts'
import {
  capital,
  count,
  plural,
  SIGNAL_LABELS,
  signalEffect,
  signalMargin,
  signalValue,
} from '../judgement/wording.ts'
import type { Sample } from '../measurement/sample.ts'
import { howOftenItErrs } from './calibration.ts'
import { deltaText, exploratoryText } from './exploratory.ts'
import { phaseValues } from './phase-values.ts'
import { partEvents } from './timeline.ts'
import {
  HEADLINES,
  howSure,
  meaning,
  OUTCOME_WORDS,
  recoveryText,
  sinceFault,
  utc,
  whatWasDone,
} from './words.ts'

/** The report as Markdown, for a pull request, an issue or a terminal: the same words and numbers, no pictures. */
export function renderMarkdown(
  verdict: Verdict,
  input: JudgeInput,
  samples: readonly Sample[],
  calibration: Calibration | null,
): string {
  const { experiment, runId, phases } = input
  const { shown, folded } = partEvents(input)
  const explored = explore(samples, input)
  const { droppedIterations, targetRate, requests } = input.load
  return `${[
    `# ${capital(verdict.verdict)}: ${text(experiment.name)}`,
    `**${HEADLINES[verdict.verdict]}** ${text(meaning(verdict, input))}`,
    `Run \`${runId.replaceAll('`', "'")}\`, ${utc(phases.baseline.startMs)}.`,
    `**Expected.** ${text(experiment.hypothesis.trim())}`,
    `**Done.** ${text(whatWasDone(input))}`,
    `**Found.**\n\n${verdict.reasons.map(reason => `- ${text(reason)}`).join('\n')}`,
    `**How sure.** ${howSure(verdict)}`,
    `**How often the judge errs.** ${text(howOftenItErrs(calibration, runId))}`,
    '## Signals',
    table(
      ['Signal', 'Control', 'Experiment', 'Effect', '90 % interval', 'Margin', "Cliff's delta", 'Outcome'],
      verdict.signals.map(signal => signalCells(signal, explored)),
    ),
    exploratoryText(explored),
    '## What happened when',
    `Recovery: ${recoveryText(verdict)}.`,
    input.events.length === 0
      ? 'No events were recorded.'
      : table(
          ['After the fault', 'Where', 'What'],
          shown.map(event => [
            sinceFault(event.atMs, input),
            text([event.group, event.zone, event.service].filter(Boolean).join(' ') || event.source),
            text(event.text),
          ]),
        ),
    ...(folded.length === 0
      ? []
      : [`And ${plural(folded.length, 'change')} of single pods, which the journal holds.`]),
    '## May it be believed?',
    verdict.validity
      .map(({ check, ok, detail }) => `- ${ok ? 'holds' : '**failed**'}: ${text(check)}. ${text(detail)}`)
      .join('\n'),
    '## The numbers behind it',
    table(
      ['Phase', 'Group', 'Requests', 'Failed', 'Success', 'p50, ms', 'p95, ms', 'p99, ms'],
      phaseValues(samples, input).map(
        ({ phase, group, requests: sent, failures, success, p50, p95, p99 }) => [
          phase,
          group,
          count(sent),
          count(failures),
          success,
          p50,
          p95,
          p99,
        ],
      ),
    ),
    `Load: ${targetRate} requests/s a group, ${GROUPS.map(group => `${count(requests[group])} sent to ${group}`).join(', ')}, ${count(droppedIterations)} never sent. Seed ${input.seed}. Compute it again with \`divergence judge ${runId.replaceAll('`', "'")}\`.`,
  ].join('\n\n')}\n`
}

function signalCells(signal: SignalResult, explored: readonly Exploration[]): string[] {
  const { name, control, experiment, effect, margin, primary, outcome, censored } = signal
  const value = (measured: number | null) => (measured === null ? 'no data' : signalValue(name, measured))
  const atLeast = censored ? '≥ ' : ''
  return [
    `${SIGNAL_LABELS[name]}${primary ? '' : ' (exploratory)'}`,
    value(control),
    `${atLeast}${value(experiment)}`,
    effect === null ? 'unknown' : `${atLeast}${signalEffect(name, effect)}`,
    interval(signal),
    signalMargin(name, margin),
    deltaText(explored.find(one => one.name === name) ?? { delta: null }),
    OUTCOME_WORDS[outcome],
  ]
}
