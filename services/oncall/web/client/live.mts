import { GROUPS } from '../../../../platform/topology.ts'
import type { LiveState, RunDetail, RunSummary } from '../../contract.ts'
import { lastValue, type SignalLines, signalLines, signalOption } from '../live/chart.ts'
import { changes, type Known, known } from '../live/freshness.ts'
import { headline, renderBanner, renderMap, renderProblems, renderRun } from '../live/render.ts'
import { ATTACK_QUERY, ATTACK_TITLE, SIGNAL_CHARTS, type SignalChart } from '../live/signals.ts'
import { aligned, type TimeRange } from '../panels/query.ts'
import { type Interval, intervals } from '../panels/result.ts'
import { format } from '../panels/units.ts'
import { ask, wordsOf } from './api.mts'
import { announce, byId, element, show } from './dom.mts'
import { Chart, type Option } from './draw.mts'
import { enableHalt, showHalt } from './halt.mts'
import { range } from './prometheus.mts'
import { currentTokens, onThemeChange } from './theme.mts'

/** Between two looks at the map; milliseconds. */
const LOOK_MS = 2000
/** Between two looks at the charts, whose samples come every five seconds; milliseconds. */
const CHARTS_MS = 5000
const SHOWN_SECONDS = 900
const STEP_SECONDS = 5

let state: LiveState | null = null
let detail: RunDetail | null = null
let receivedMs = 0
let last: Known | null = null

/** Draws what is known now. It also runs when nothing came: that is how data gets old. */
function draw(): void {
  const now = known(state, receivedMs, performance.now())
  // Lengths of time are told by the server's clock, as far as it has gone on since.
  const nowMs = state === null ? Date.now() : state.atMs + (performance.now() - receivedMs)
  byId('banner').className = `banner ${headline(now, nowMs).tone}`
  show(byId('headline'), renderBanner(now, nowMs))
  show(byId('problems'), renderProblems(state?.problems ?? []))
  for (const group of GROUPS) show(byId(`map-of-${group}`), renderMap(group, now))
  show(byId('run'), renderRun(state, detail, nowMs))
  if (state !== null) showHalt(state)
  if (last !== null) for (const change of changes(last, now)) announce(change)
  last = now
}

async function look(): Promise<void> {
  try {
    const next = await withLastRun(await ask<LiveState>('/api/live'))
    const runId = next.run?.runId
    detail =
      runId === undefined
        ? null
        : await ask<RunDetail>(`/api/runs/${encodeURIComponent(runId)}`).catch(() => detail)
    state = next
    receivedMs = performance.now()
  } catch {
    // What is shown gets old, and says so.
  }
  draw()
}

/** While no run is on, the last one is shown in its place. */
async function withLastRun(live: LiveState): Promise<LiveState> {
  if (live.run !== null) return live
  const [latest] = await ask<readonly RunSummary[]>('/api/runs?limit=1').catch(() => [])
  return { ...live, run: latest ?? null }
}

type Drawn = { readonly chart: SignalChart; readonly canvas: Chart; lines: SignalLines | null }
const charts: readonly Drawn[] = SIGNAL_CHARTS.map(chart => ({
  chart,
  canvas: new Chart(byId(chart.id), (value, name) =>
    format(value, name.includes('−') ? chart.differenceUnit : chart.unit, null),
  ),
  lines: null,
}))
let shownRange: TimeRange = { fromSeconds: 0, toSeconds: 1 }
let attacks: readonly Interval[] = []

async function lookAtCharts(): Promise<void> {
  const nowSeconds = Date.now() / 1000
  shownRange = aligned({ fromSeconds: nowSeconds - SHOWN_SECONDS, toSeconds: nowSeconds }, STEP_SECONDS)
  attacks = await range(ATTACK_QUERY, shownRange, STEP_SECONDS)
    .then(series => intervals(series, ATTACK_TITLE, STEP_SECONDS))
    .catch(() => attacks)
  await Promise.all(charts.map(readChart))
}

async function readChart(drawn: Drawn): Promise<void> {
  const { chart } = drawn
  const message = byId(`${chart.id}-message`)
  try {
    drawn.lines = signalLines(await range(chart.query, shownRange, STEP_SECONDS))
    const isEmpty = GROUPS.every(group => drawn.lines?.[group].every(([, value]) => value === null) ?? true)
    message.hidden = !isEmpty
    message.textContent = 'No requests in the last 15 minutes. A run brings its own load: divergence run …'
    if (isEmpty) drawn.lines = null
  } catch (error) {
    // An old line would pass for what is now.
    drawn.lines = null
    message.hidden = false
    message.textContent = `Prometheus cannot be read. ${wordsOf(error)}`
  }
  drawChart(drawn)
}

function drawChart({ chart, canvas, lines }: Drawn): void {
  const now = byId(`${chart.id}-now`)
  if (lines === null) {
    canvas.clear()
    now.replaceChildren()
    return
  }
  const tokens = currentTokens()
  const drawing = {
    chart,
    lines,
    attacks,
    range: shownRange,
    stepSeconds: STEP_SECONDS,
    tokens,
    widthPixels: canvas.widthPixels,
  }
  canvas.draw(signalOption(drawing) as Option)
  const words = GROUPS.map(group => format(lastValue(lines[group], shownRange.toSeconds), chart.unit, null))
  now.replaceChildren(
    ...GROUPS.map((group, index) => element('span', { className: `g-${group}`, text: words[index] ?? '' })),
  )
  byId(chart.id).setAttribute(
    'aria-label',
    `${chart.title}, last 15 minutes. Now: ${GROUPS.map((group, index) => `${group} ${words[index]}`).join(', ')}.`,
  )
}

/** Does `work` again and again, the next time after the last one is done; not while nobody looks. */
function repeat(work: () => Promise<void>, everyMs: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const go = async () => {
    clearTimeout(timer)
    if (!document.hidden) await work()
    timer = setTimeout(go, everyMs)
  }
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) go()
  })
  go()
  return go
}

enableHalt(() => {
  look()
})
repeat(look, LOOK_MS)
repeat(lookAtCharts, CHARTS_MS)
onThemeChange(() => charts.forEach(drawChart))
