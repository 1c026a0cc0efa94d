import type { GroupSteps, Step } from '../../load/breakpoint.ts'
import { ORIGINAL_FIGURES, ORIGINAL_SOURCE } from '../../load/original.ts'
import { alignColumns } from '../../platform/columns.ts'
import { count, milliseconds, percent } from '../judgement/wording.ts'
import type { RampReport } from '../load-alone.ts'
import { html, type Markup, raw } from './markup.ts'
import { drawRampChart, RAMP_CHARTS, RAMP_TITLES } from './ramp-chart.ts'
import { STYLE } from './style.ts'
import { utc } from './words.ts'

const HEADINGS = ['rate', 'group', 'offered', 'sent', 'completed', 'failed', 'p50', 'p95', 'p99'] as const
const LAST_HEADINGS = ['state', 'original'] as const

const STATES: Readonly<Record<Step['state'], string>> = {
  held: 'held',
  failed: 'BROKE: failures',
  slow: 'BROKE: slow',
  starved: 'generator too slow',
}

const NOTES = {
  latency: 'one request in 20 was slower; logarithmic scale; the dashed line is the limit',
  failed: 'share of the requests sent; the dashed line is the limit',
} as const

/** Where each group broke, and the table of all steps beside the original's figures, for a terminal. */
export function rampText(report: RampReport): string {
  const rows = stepRows(report).map(({ cells }) => cells)
  return [
    ...report.results.map(conclusion),
    '',
    alignColumns([[...HEADINGS, ...LAST_HEADINGS], ...rows]),
    '',
    `Limits: failed ${percent(report.limits.failedShare)}, p95 ${milliseconds(report.limits.p95Ms)}. ${mixText(report)}`,
    `Original: ${ORIGINAL_SOURCE}.`,
  ].join('\n')
}

/** The same as one self-contained page with its pictures: no script, no network, both themes. */
export function rampHtml(report: RampReport): string {
  const { runId, startMs, results, limits } = report
  const title = 'Load ramp'
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}: ${runId}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<div class="page">
<main>
<header>
<p class="eyebrow">${title} · run ${runId} · ${utc(startMs)}</p>
<h1>${results.map(({ breakpoint }) => breakpoint).every(one => one === null) ? 'Nothing broke.' : 'Where it breaks.'}</h1>
<p class="meaning">${results.map(conclusion).join(' ')}</p>
</header>
<section aria-labelledby="charts">
<h2 id="charts">By offered load</h2>
<ul class="legend">${results.map(({ group }) => html`<li><span class="${group}-line"></span>${group}</li>`)}<li>◆ original (latency: mean)</li></ul>
${RAMP_CHARTS.map(
  chart =>
    html`<figure aria-labelledby="ramp-${chart}-title"><figcaption><h3 id="ramp-${chart}-title">${RAMP_TITLES[chart]}</h3><span>${NOTES[chart]}</span></figcaption>${drawRampChart(chart, results, limits)}</figure>`,
)}
</section>
<section aria-labelledby="steps">
<h2 id="steps">Step by step</h2>
<p class="note">Broken means: more than ${percent(limits.failedShare)} failed, or p95 over ${milliseconds(limits.p95Ms)}. ${mixText(report)}</p>
<div class="scroll"><table class="phases">
<thead><tr>${[...HEADINGS, ...LAST_HEADINGS].map((heading, column) => html`<th scope="col" class="${classOf(column)}">${heading}</th>`)}</tr></thead>
<tbody>${stepRows(report).map(({ cells }) => rowOf(cells))}</tbody>
</table></div>
<p class="note">Original: ${ORIGINAL_SOURCE}.</p>
</section>
</main>
<footer>Made by divergence from the samples of this ramp; nothing on this page was fetched from elsewhere.</footer>
</div>
</body>
</html>
`.markup
}

/** Where a group broke, as a sentence. */
export function conclusion({ group, steps, heldPerSecond, breakpoint }: GroupSteps): string {
  const held = heldPerSecond === null ? 'it held at no step before' : `it held ${heldPerSecond}/s`
  if (breakpoint !== null) {
    const why =
      breakpoint.state === 'failed'
        ? `${percent(breakpoint.failedShare ?? 0)} failed`
        : `p95 was ${milliseconds(breakpoint.p95Ms ?? 0)}`
    return `The ${group} group broke at ${breakpoint.requestsPerSecond} requests/s (${why}); ${held}.`
  }
  const starved = steps.find(({ state }) => state === 'starved')
  if (starved !== undefined) {
    return `Where the ${group} group breaks is unknown: at ${starved.requestsPerSecond} requests/s the generator sent ${count(starved.sent)} of ${count(starved.offered)}; ${held}.`
  }
  return `The ${group} group did not break: ${held}, the last step.`
}

function mixText({ writeShare, stepSeconds }: RampReport): string {
  const mix = writeShare === 0 ? 'Reads only' : `${percent(writeShare)} writes, the rest reads`
  return `${mix}, ${stepSeconds} s a step; most of the reads ask the database.`
}

/** Rows in the order of the rates; the original's rates have one even where no step was there. */
function stepRows({ results }: RampReport): readonly { rate: number; cells: readonly string[] }[] {
  const measured = results.flatMap(({ group, steps }) =>
    steps.map(step => ({ rate: step.requestsPerSecond, cells: cellsOf(group, step) })),
  )
  const unmeasured = [...new Set(ORIGINAL_FIGURES.map(({ requestsPerSecond }) => requestsPerSecond))]
    .filter(rate => measured.every(row => row.rate !== rate))
    .map(rate => ({
      rate,
      cells: [`${rate}/s`, 'not driven', '', '', '', '', '', '', '', '', originalAt(rate)],
    }))
  return [...measured, ...unmeasured].sort((one, other) => one.rate - other.rate)
}

function cellsOf(group: string, step: Step): string[] {
  const latency = (value: number | null) => (value === null ? '-' : milliseconds(value))
  return [
    `${step.requestsPerSecond}/s`,
    group,
    count(step.offered),
    count(step.sent),
    count(step.completed),
    step.failedShare === null ? '-' : percent(step.failedShare),
    latency(step.p50Ms),
    latency(step.p95Ms),
    latency(step.p99Ms),
    STATES[step.state],
    originalAt(step.requestsPerSecond),
  ]
}

function originalAt(rate: number): string {
  return ORIGINAL_FIGURES.filter(({ requestsPerSecond }) => requestsPerSecond === rate)
    .map(({ route, latencyMs, failedShare }) => {
      const latency = latencyMs === null ? '' : `${count(latencyMs)} ms, `
      return `${route}: ${latency}${percent(failedShare)} failed`
    })
    .join('; ')
}

function rowOf(cells: readonly string[]): Markup {
  const [first = '', ...rest] = cells
  return html`<tr><th scope="row">${first}</th>${rest.map((cell, index) => html`<td class="${classOf(index + 1)}">${cell}</td>`)}</tr>`
}

/** Numbers stand to the right; rate and group name the row. */
function classOf(column: number): string {
  return column >= 2 && column < HEADINGS.length ? 'number' : 'text'
}
