import { GROUPS } from '../../platform/topology.ts'
import type { JudgeInput } from '../journal-entry.ts'
import type { Calibration } from '../judgement/calibration.ts'
import { type Exploration, explore } from '../judgement/exploratory.ts'
import { interval } from '../judgement/reasons.ts'
import type { Outcome, SignalResult, ValidityCheck, Verdict } from '../judgement/verdict.ts'
import {
  capital,
  count,
  list,
  SIGNAL_LABELS,
  seconds,
  signalEffect,
  signalMargin,
  signalValue,
} from '../judgement/wording.ts'
import type { Sample } from '../measurement/sample.ts'
import { howOftenItErrs } from './calibration.ts'
import { type ChartSpec, drawChart } from './charts.ts'
import { deltaText, exploratoryText } from './exploratory.ts'
import { drawForestRow, drawForestScale } from './forest.ts'
import { html, type Markup, raw } from './markup.ts'
import { PHASE_NAMES, type PhaseValues, phaseValues } from './phase-values.ts'
import { type ChartName, type Series, seriesOf } from './series.ts'
import { STYLE } from './style.ts'
import { drawTimeline } from './timeline.ts'
import {
  disturbanceText,
  HEADLINES,
  howSure,
  meaning,
  method,
  OUTCOME_WORDS,
  recoveryText,
  utc,
  whatWasDone,
} from './words.ts'

/** Shapes that tell the outcomes apart without their colour; 16 units square, drawn in the current colour. */
const ICONS = {
  resilient: '<path d="M3 8.5l3.4 3.4L13 5"/>',
  diverged: '<path d="M2 8h4l6-5M6 8l6 5"/>',
  inconclusive: '<path d="M5.2 5.6a2.8 2.8 0 1 1 4.3 2.5C8.3 8.9 8 9.3 8 10.4M8 13v.2"/>',
  invalid: '<path d="M3.8 3.8l8.4 8.4M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2z"/>',
  inside: '<path d="M3 8.5l3.4 3.4L13 5"/>',
  outside: '<path d="M8 2.5l6 11H2z"/>',
  undecided: '<path d="M8 2.5l5.5 5.5L8 13.5 2.5 8z"/>',
  no_data: '<path d="M3 8h10"/>',
  failed: '<path d="M4 4l8 8M12 4l-8 8"/>',
} as const

/** One self-contained page: no script, no network, both themes, any width from a phone's up. */
export function renderHtml(
  verdict: Verdict,
  input: JudgeInput,
  samples: readonly Sample[],
  calibration: Calibration | null,
): string {
  const { experiment, runId, phases } = input
  const title = `${capital(verdict.verdict)}: ${experiment.name}`
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<div class="page">
<main>
<header>
<p class="eyebrow">Chaos experiment ${experiment.name} · run ${runId} · ${utc(phases.baseline.startMs)}</p>
<p class="badge ${verdict.verdict}">${icon(verdict.verdict)}${capital(verdict.verdict)}${verdict.aborted ? ', aborted' : ''}</p>
<h1>${HEADLINES[verdict.verdict]}</h1>
<p class="meaning">${meaning(verdict, input)}</p>
</header>
<dl class="brief">
<dt>What was expected</dt><dd>${experiment.hypothesis.trim()}</dd>
<dt>What was done</dt><dd>${whatWasDone(input)}</dd>
<dt>What came of it</dt><dd><ul>${verdict.reasons.map(reason => html`<li>${reason}</li>`)}</ul></dd>
<dt>How sure that is</dt><dd>${howSure(verdict)}</dd>
<dt>How often the judge errs</dt><dd>${howOftenItErrs(calibration, runId)}</dd>
</dl>
${signalsSection(verdict, explore(samples, input))}
${chartsSection(input, samples)}
<section aria-labelledby="timeline">
<h2 id="timeline">What happened when</h2>
<p class="note">Seconds after the fault began. Recovery: ${recoveryText(verdict)}.</p>
${drawTimeline(input)}
</section>
${validitySection(verdict)}
${numbersSection(verdict, input, phaseValues(samples, input))}
</main>
<footer>Made by divergence from the run’s journal; nothing on this page was fetched from elsewhere.</footer>
</div>
</body>
</html>
`.markup
}

function signalsSection({ signals }: Verdict, explored: readonly Exploration[]): Markup {
  const exploration = (name: SignalResult['name']) => explored.find(one => one.name === name)
  return html`<section aria-labelledby="signals">
<h2 id="signals">Signals</h2>
<p class="note">Values are those of the attack phase. The effect is what the attack changed: experiment against control, attack against baseline. In the plot every margin has the same place; the bar is the 90 % interval.</p>
<table class="signals">
<thead><tr><th scope="col">Signal</th><th scope="col" class="number">Control</th><th scope="col" class="number">Experiment</th><th scope="col">Effect and interval</th><th scope="col" class="plot">${drawForestScale()}<span class="hidden">Effect against margin</span></th><th scope="col">Outcome</th></tr></thead>
<tbody>${signals.map(signal => signalRow(signal, exploration(signal.name)))}</tbody>
</table>
<p class="note">${exploratoryText(explored)}</p>
</section>`
}

function signalRow(signal: SignalResult, explored: Exploration | undefined): Markup {
  const { name, control, experiment, effect, margin, primary, outcome, censored } = signal
  const value = (measured: number | null) => (measured === null ? 'no data' : signalValue(name, measured))
  const disturbed = disturbanceText(signal)
  return html`<tr>
<th scope="row">${capital(SIGNAL_LABELS[name])}<span class="sub">${primary ? 'decides' : explored?.beyond?.isMarked ? 'exploratory, stands out' : 'exploratory'}</span></th>
<td class="number" data-label="Control">${value(control)}</td>
<td class="number" data-label="Experiment">${censored ? '≥ ' : ''}${value(experiment)}</td>
<td class="effect-cell" data-label="Effect">${censored ? '≥ ' : ''}${effect === null ? 'unknown' : signalEffect(name, effect)}<span class="sub">${interval(signal)}; margin ${signalMargin(name, margin)}</span>${disturbed === null ? null : html`<span class="sub">${disturbed}</span>`}${explored?.delta == null ? null : html`<span class="sub">Cliff’s delta ${deltaText(explored)}</span>`}</td>
<td class="plot">${drawForestRow(signal)}</td>
<td class="outcome ${outcome}">${icon(outcome)}${OUTCOME_WORDS[outcome]}</td>
</tr>`
}

function chartsSection(input: JudgeInput, samples: readonly Sample[]): Markup {
  const series = seriesOf(samples, input)
  const charts: readonly [ChartName, string, string, ChartSpec['scale'], ChartSpec['format']][] = [
    ['success_ratio', 'Success ratio', 'share of requests answered as expected', 'ratio', percentTick],
    [
      'latency_p50',
      'Latency, p50',
      'half of the requests were quicker; logarithmic scale',
      'latency',
      millisecondsTick,
    ],
    [
      'latency_p95',
      'Latency, p95',
      '1 request in 20 was slower; logarithmic scale',
      'latency',
      millisecondsTick,
    ],
    [
      'latency_p99',
      'Latency, p99',
      '1 request in 100 was slower; logarithmic scale',
      'latency',
      millisecondsTick,
    ],
    [
      'throughput',
      'Throughput',
      'successful answers to the requests begun in a second',
      'count',
      value => count(value),
    ],
  ]
  return html`<section aria-labelledby="charts">
<h2 id="charts">Both groups over time</h2>
<p class="note">One value a second, from the baseline’s start to the recovery’s end. 0 s is the start of the attack.</p>
<ul class="legend"><li><span class="control-line"></span>control, untouched</li><li><span class="experiment-line"></span>experiment, attacked</li><li><span class="area"></span>attack</li></ul>
${charts.map(([name, title, note, scale, format]) => {
  const spec = chartSpec(name, title, scale, format, series, input)
  return html`<figure aria-labelledby="${spec.id}-title"><figcaption><h3 id="${spec.id}-title">${title}</h3><span>${note}</span></figcaption>${drawChart(spec)}</figure>`
})}
</section>`
}

function chartSpec(
  name: ChartName,
  title: string,
  scale: ChartSpec['scale'],
  format: ChartSpec['format'],
  series: Series,
  { phases }: JudgeInput,
): ChartSpec {
  const sinceAttack = (ms: number) => (ms - phases.attack.startMs) / 1000
  const span = ({ startMs, endMs }: { startMs: number; endMs: number }) => ({
    from: sinceAttack(startMs),
    to: sinceAttack(endMs),
  })
  const extremes = GROUPS.map(group => {
    const values = series.lines[name][group].filter(value => value !== null)
    if (values.length === 0) return `${group}: no data`
    return `${group}: from ${format(Math.min(...values))} to ${format(Math.max(...values))}`
  })
  return {
    id: `chart-${name.replace('_', '-')}`,
    title,
    description: `${title} of both groups in each second. ${extremes.join('; ')}. The values by phase stand in the table of the numbers behind this report.`,
    format,
    scale,
    lines: series.lines[name],
    firstSecond: series.firstSecond,
    phases: { baseline: span(phases.baseline), attack: span(phases.attack), recovery: span(phases.recovery) },
  }
}

/** A latency as an axis writes it, and as the reader of a chart needs it: whole milliseconds where there are some. */
function millisecondsTick(value: number): string {
  return `${value < 1 ? Number(value.toPrecision(2)) : count(value)} ms`
}

/** A ratio as an axis writes it: no decimals that say nothing. */
function percentTick(value: number): string {
  return `${Number((value * 100).toFixed(2))} %`
}

function validitySection({ validity }: Verdict): Markup {
  const failed = validity.filter(({ ok }) => !ok)
  const held = validity.filter(({ ok }) => ok)
  const all =
    failed.length === 0 ? `All ${validity.length} hold.` : `${failed.length} of ${validity.length} failed.`
  return html`<section aria-labelledby="validity">
<h2 id="validity">May it be believed?</h2>
<p class="note">Checks on the experiment itself, none of them about how the system did. ${all}</p>
<ul class="checks">${[...failed, ...held].map(checkItem)}</ul>
</section>`
}

function checkItem({ check, ok, detail }: ValidityCheck): Markup {
  return html`<li class="${ok ? 'held' : 'failed'}">${icon(ok ? 'inside' : 'failed')}<div><strong>${capital(check)}</strong><span class="hidden">${ok ? ' holds:' : ' failed:'}</span><span class="sub">${detail}</span></div></li>`
}

function numbersSection(verdict: Verdict, input: JudgeInput, values: readonly PhaseValues[]): Markup {
  const { load, experiment, seed, clockOffsetMs, writes, versions, runId, phases } = input
  const blocks = verdict.signals.flatMap(({ blockSeconds }) =>
    blockSeconds === null ? [] : Object.values(blockSeconds),
  )
  const blockText =
    blocks.length === 0
      ? 'none'
      : `of ${list([...new Set(blocks)].sort((one, other) => one - other).map(String))} s`
  const length = (phase: 'baseline' | 'attack' | 'recovery') =>
    `${phase} ${seconds((phases[phase].endMs - phases[phase].startMs) / 1000)}`
  const facts: readonly [string, string][] = [
    ['Experiment', `${experiment.name}, level ${experiment.level}`],
    ['Phases', `${length('baseline')}, ${length('attack')}, ${length('recovery')}`],
    [
      'Load',
      `${load.targetRate} requests/s a group scheduled; ${GROUPS.map(group => `${count(load.requests[group])} sent to ${group}`).join(', ')}; ${count(load.droppedIterations)} never sent`,
    ],
    [
      'Writes',
      GROUPS.map(group => {
        const { acknowledged, lost, unacknowledged } = writes[group]
        return `${group}: ${count(acknowledged)} acknowledged, ${count(lost)} of them lost, ${count(unacknowledged)} found without an acknowledgement`
      }).join('; '),
    ],
    ['Clocks', `generator ${clockOffsetMs.toFixed(0)} ms ahead of the runner`],
    ['Bootstrap', `seed ${seed}, blocks ${blockText}`],
    [
      'Versions',
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ') || 'not recorded',
    ],
  ]
  return html`<section aria-labelledby="numbers">
<h2 id="numbers">The numbers behind it</h2>
<p class="note">Latencies in milliseconds.</p>
<div class="scroll"><table class="phases">
<caption class="hidden">Requests, success and latency of both groups by phase</caption>
<thead><tr><th scope="col">Group</th><th scope="col" class="number">Requests</th><th scope="col" class="number">Failed</th><th scope="col" class="number success">Success</th><th scope="col" class="number">p50</th><th scope="col" class="number">p95</th><th scope="col" class="number">p99</th></tr></thead>
${PHASE_NAMES.map(phase => html`<tbody><tr><th scope="rowgroup" colspan="7">${capital(phase)}</th></tr>${values.filter(value => value.phase === phase).map(phaseRow)}</tbody>`)}
</table></div>
<dl class="facts">${facts.map(([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>`)}</dl>
<h3>Method</h3>
<p class="note">${method()}</p>
<h3>Compute it again</h3>
<pre><code>divergence judge ${runId}</code></pre>
<p class="note">The run’s folder holds the raw samples, the resolved input and the versions. The same verdict comes out, to the bit.</p>
</section>`
}

function phaseRow({ group, requests, failures, success, p50, p95, p99 }: PhaseValues): Markup {
  return html`<tr><th scope="row"><span class="swatch ${group}"></span>${group}</th><td class="number">${count(requests)}</td><td class="number">${count(failures)}</td><td class="number success">${success}</td><td class="number">${p50}</td><td class="number">${p95}</td><td class="number">${p99}</td></tr>`
}

function icon(name: Outcome | SignalResult['outcome'] | 'failed'): Markup {
  return raw(
    `<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${ICONS[name]}</svg>`,
  )
}
