import { GROUPS } from '../../../../platform/topology.ts'
import type { LiveState, RunDetail } from '../../contract.ts'
import { icon } from '../icons.ts'
import type { Page } from '../layout.ts'
import { known } from '../live/freshness.ts'
import { headline, renderBanner, renderMap, renderProblems, renderRun } from '../live/render.ts'
import { SIGNAL_CHARTS } from '../live/signals.ts'
import { html } from '../markup.ts'
import { capital, groupName } from '../words.ts'

/** The page that stands open while an experiment runs. It is whole without its script, and then it does not move. */
export function livePage(state: LiveState | null, detail: RunDetail | null, nowMs: number): Page {
  const now = known(state, nowMs, nowMs)
  const { tone } = headline(now, nowMs)
  return {
    title: 'Live',
    section: '/',
    script: 'live.mts',
    body: html`<h1 class="hidden">The lab, live</h1>
<section class="banner ${tone}" id="banner" aria-label="State of the lab"><div id="headline">${renderBanner(now, nowMs)}</div><button class="button danger" id="halt" type="button" disabled>${icon('halt')}Halt all attacks</button><button class="button" id="release" type="button" hidden>${icon('play')}Release the halt</button></section>
<noscript><p class="problems">This page does not renew itself without JavaScript, and halting needs it: use <code>divergence halt</code>.</p></noscript>
<div id="problems">${renderProblems(state?.problems ?? [])}</div>
<div class="live">
${GROUPS.map(
  group =>
    html`<section class="card map" aria-labelledby="map-${group}"><header><h2 id="map-${group}">${groupName(group)}</h2><span class="note">${group === 'control' ? 'never attacked' : 'what experiments attack'}</span></header><div id="map-of-${group}">${renderMap(group, now)}</div></section>`,
)}
<section class="card run" id="run" aria-label="Run">${renderRun(state, detail, nowMs)}</section>
</div>
<div class="section"><h2 id="steady">Steady state, last 15 minutes</h2><ul class="legend"><li class="g-control"><span class="swatch"></span>control</li><li class="g-experiment"><span class="swatch"></span>experiment</li><li class="difference"><span class="swatch"></span>experiment − control</li><li><span class="area"></span>attack</li></ul></div>
<div class="charts">${SIGNAL_CHARTS.map(
      ({ id, title, note }) =>
        html`<section class="card" aria-labelledby="${id}-title"><header><h3 id="${id}-title">${title}</h3><span class="note">${note}</span><span class="now" id="${id}-now"></span></header><div class="plot"><div id="${id}" role="img" aria-label="${capital(title)} of both groups and their difference"></div><p class="message" id="${id}-message">Reading…</p></div></section>`,
    )}</div>`,
  }
}
