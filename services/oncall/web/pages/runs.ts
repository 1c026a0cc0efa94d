import type { RunDetail, RunSummary } from '../../contract.ts'
import { empty, type Page } from '../layout.ts'
import { effectText, renderEvidence, renderTimeline } from '../live/render.ts'
import { html, type Markup } from '../markup.ts'
import { capital, count, length, pill, time } from '../words.ts'

const runPath = (runId: string) => `/runs/${encodeURIComponent(runId)}`

export function runsPage(runs: readonly RunSummary[]): Page {
  const body =
    runs.length === 0
      ? empty(
          'No run yet',
          html`A run appears here as soon as its runner tells of it. Start one with <code>divergence run chaos/experiments/pod-kill.yaml</code>.`,
        )
      : html`<div class="scroll" tabindex="0" role="region" aria-label="Runs"><table class="list">
<thead><tr><th scope="col">Experiment</th><th scope="col">Outcome</th><th scope="col">Level</th><th scope="col">Opened, UTC</th><th scope="col" class="number">Took</th><th scope="col">Report</th></tr></thead>
<tbody>${runs.map(runRow)}</tbody></table></div>`
  return {
    title: 'Runs',
    section: '/runs',
    body: html`<div class="head"><div><h1>Runs</h1><p class="lead">Experiments and injections, newest first: what was done to the experiment group, and what came of it.</p></div></div>${body}`,
  }
}

function runRow(run: RunSummary): Markup {
  return html`<tr><th scope="row"><a href="${runPath(run.runId)}">${run.name}</a><span class="sub mono">${run.runId}</span></th>
<td>${outcome(run)}</td><td>${run.level || '–'}</td><td class="nowrap">${time(run.openedMs)}</td>
<td class="number">${run.endedMs === null ? '–' : length(run.endedMs - run.openedMs)}</td>
<td>${run.hasReport ? html`<a href="${runPath(run.runId)}#report">Read</a>` : html`<span class="note">none</span>`}</td></tr>`
}

function outcome(run: RunSummary): Markup {
  if (run.verdict === null) return pill(run.state)
  return html`${pill(run.verdict)}${run.aborted ? html`<span class="sub">aborted early</span>` : null}`
}

export function runPage(run: RunDetail, nowMs: number): Page {
  const { attacks, timeline } = run
  return {
    title: `${run.name}, ${run.verdict ?? run.state}`,
    section: '/runs',
    body: html`<div class="head"><div><p class="eyebrow">Run <span class="mono">${run.runId}</span>${run.level === '' ? '' : ` · level ${run.level}`} · opened ${time(run.openedMs)} UTC</p><h1>${run.name} ${pill(run.verdict ?? run.state)}</h1><p class="lead">${run.hypothesis}</p></div></div>
<div class="two"><div class="stack">
${whatCameOfIt(run, nowMs)}
<section class="card" aria-labelledby="attacks"><header><h2 id="attacks">Attacks</h2><span class="note">${count(attacks.length, 'fault')}</span></header>${
      attacks.length === 0
        ? html`<p class="note">No fault has begun.</p>`
        : html`<div class="scroll" tabindex="0" role="region" aria-label="Attacks"><table class="list"><thead><tr><th scope="col">Fault</th><th scope="col">Targets</th><th scope="col">Began, UTC</th><th scope="col" class="number">Was on for</th></tr></thead><tbody>${attacks.map(
            attack =>
              html`<tr><th scope="row">${attack.kind}<span class="sub">${effectText(attack)}</span></th><td>${attack.targets.join(', ')}${attack.zone === null ? null : html`<span class="sub">zone ${attack.zone}</span>`}</td><td class="nowrap">${time(attack.beginMs)}</td><td class="number">${attack.endMs === null ? 'still on' : length(attack.endMs - attack.beginMs)}</td></tr>`,
          )}</tbody></table></div>`
    }</section>
</div>
<section class="card" aria-labelledby="timeline"><header><h2 id="timeline">Time line</h2><span class="note">UTC</span></header>${renderTimeline(timeline, 'Oldest first')}</section>
</div>
<div class="section"><h2 id="report">Report</h2>${run.hasReport ? html`<a href="/api/runs/${encodeURIComponent(run.runId)}/report">Open it alone</a>` : null}</div>
${
  run.hasReport
    ? html`<iframe class="report" title="Report of run ${run.runId}" src="/api/runs/${encodeURIComponent(run.runId)}/report" sandbox loading="lazy"></iframe>`
    : empty(
        'No report',
        run.state === 'running'
          ? html`The runner writes it when the run has been judged.`
          : html`This run ended without one: it was ${run.state}. With its folder at hand, <code>divergence judge ${run.runId}</code> writes it.`,
      )
}`,
  }
}

function whatCameOfIt(run: RunDetail, nowMs: number): Markup {
  const facts: readonly (readonly [string, string])[] = [
    [
      'State',
      run.verdict === null
        ? run.state
        : `${run.state}: ${run.verdict}${run.aborted ? ', aborted early' : ''}`,
    ],
    ['Phase', run.phase],
    [
      'Took',
      run.endedMs === null ? `${length(nowMs - run.openedMs)} so far` : length(run.endedMs - run.openedMs),
    ],
    ['Runner heard of', `${length(nowMs - run.heardMs)} ago`],
  ]
  return html`<section class="card stack" aria-labelledby="outcome"><header><h2 id="outcome">What came of it</h2></header>${
    run.reasons.length === 0
      ? html`<p class="note">${run.state === 'running' ? 'The run has not been judged yet.' : 'No verdict was reached.'}</p>`
      : html`<ul class="reasons">${run.reasons.map(reason => html`<li>${reason}</li>`)}</ul>`
  }<dl class="facts">${facts.map(([name, text]) => html`<dt>${name}</dt><dd>${capital(text)}</dd>`)}</dl>${run.abort === null ? null : renderEvidence(run)}</section>`
}
