/**
 * Style sheet of the page. Colours stand once, as variables, and charts use the same ones, so one drawing serves both themes.
 * Blue and orange keep the groups apart for every kind of colour blindness; no meaning hangs on colour alone.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fcfbf9; --raised: #ffffff; --ink: #1b1c20; --ink-2: #55585f; --rule: #e6e3dd; --rule-2: #b9b5ac;
  --control: #1d5fa6; --experiment: #b5480c; --attack: #f6ecd9; --attack-edge: #d9c49a; --beyond: #f3eeea;
  --resilient: #0a6b5c; --diverged: #a01d3c; --inconclusive: #7a5600; --invalid: #4a4e59;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171a; --raised: #1b1e22; --ink: #ebebe8; --ink-2: #a7abb3; --rule: #2c3036; --rule-2: #565b64;
    --control: #7db3f2; --experiment: #f6a062; --attack: #2c2720; --attack-edge: #5a4c34; --beyond: #24262a;
    --resilient: #5fd0ba; --diverged: #ff93a6; --inconclusive: #e6c05a; --invalid: #b9bdc7;
  }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --raised: #fff; --ink: #000; --ink-2: #44474d; --rule: #ddd; --rule-2: #999;
    --control: #1d5fa6; --experiment: #b5480c; --attack: #f3ead9; --attack-edge: #d0bb90; --beyond: #f2f0ee;
    --resilient: #0a6b5c; --diverged: #a01d3c; --inconclusive: #7a5600; --invalid: #4a4e59;
  }
  figure, tr, .events li, .checks li { break-inside: avoid }
  h2, h3, h2 + .note { break-after: avoid } .swatch, .legend .area { print-color-adjust: exact }
}
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
.page { max-width: 920px; margin: 0 auto; padding: 0 16px }
header { padding-top: 40px }
.eyebrow { margin: 0; color: var(--ink-2); font-size: 14px; overflow-wrap: anywhere }
.badge { display: inline-flex; align-items: center; gap: 8px; margin: 28px 0 0; font-size: 15px; font-weight: 600; letter-spacing: .02em; color: var(--tone) }
.badge svg { width: 22px; height: 22px; flex: none }
.resilient { --tone: var(--resilient) } .diverged { --tone: var(--diverged) }
.inconclusive { --tone: var(--inconclusive) } .invalid { --tone: var(--invalid) }
h1 { margin: 6px 0 0; font-size: clamp(26px, 5vw, 36px); line-height: 1.18; font-weight: 650; letter-spacing: -.015em; text-wrap: balance }
.meaning { margin: 14px 0 0; max-width: 68ch; font-size: 18px; line-height: 1.5 }
h2 { margin: 56px 0 4px; padding-top: 20px; border-top: 1px solid var(--rule); font-size: 21px; line-height: 1.3; font-weight: 650; letter-spacing: -.005em }
h3 { margin: 26px 0 0; font-size: 16px; line-height: 1.4; font-weight: 650 }
.note { margin: 0 0 14px; max-width: 72ch; color: var(--ink-2); font-size: 14.5px }
.brief { display: grid; grid-template-columns: 9.5em 1fr; gap: 14px 20px; margin: 32px 0 0; padding-top: 22px; border-top: 1px solid var(--rule) }
.brief dt { font-weight: 650 } .brief dd { margin: 0; max-width: 68ch; overflow-wrap: anywhere }
.brief ul { margin: 0; padding: 0; list-style: none } .brief li + li { margin-top: 8px }
table { width: 100%; border-collapse: collapse; font-size: 15px }
th { text-align: left; font-weight: 500; color: var(--ink-2); font-size: 13.5px; vertical-align: bottom }
th, td { padding: 9px 14px 9px 0; border-bottom: 1px solid var(--rule) }
tbody th { color: var(--ink); font-size: 15px; font-weight: 600; vertical-align: top } td { vertical-align: top }
.phases tbody th { font-weight: 500; white-space: nowrap } .phases [scope=rowgroup] { padding-top: 16px; font-weight: 600 } .phases th:last-child, .phases td:last-child { padding-right: 0 }
.number { text-align: right; white-space: nowrap } .sub { display: block; color: var(--ink-2); font-size: 13px; font-weight: 400 }
.signals td:last-child, .signals th:last-child { padding-right: 0 }
.signals tbody th { white-space: nowrap } .effect-cell { min-width: 170px } .plot { width: 32%; padding-top: 3px; padding-bottom: 3px }
.forest { display: block; width: 100%; height: auto; overflow: visible }
.forest.scale { margin-bottom: -6px } .forest text { font-size: 12px; fill: var(--ink-2) }
.forest .zone { fill: var(--beyond) } .forest .zero { stroke: var(--rule-2); stroke-dasharray: 2 3 } .forest .margin { stroke: var(--ink-2); stroke-width: 1.5 }
.forest .interval { fill: none; stroke: var(--ink); stroke-width: 2 } .forest .effect { fill: var(--ink); stroke: var(--paper); stroke-width: 1.5 }
.forest.outside .interval { stroke: var(--diverged) } .forest.outside .effect { fill: var(--diverged) }
.outcome { white-space: nowrap; font-weight: 600 } .outcome.outside { color: var(--diverged) } .outcome.inside { color: var(--resilient) }
.outcome.undecided, .outcome.no_data { color: var(--inconclusive) } .outcome svg { width: 13px; height: 13px; margin-right: 6px; vertical-align: -1px }
.legend { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 0 0 18px; padding: 0; list-style: none; font-size: 14.5px }
.legend span { display: inline-block; width: 22px; margin-right: 8px; vertical-align: middle; border-top: 2.5px solid }
.legend .area { height: 13px; border: 1px solid var(--attack-edge); background: var(--attack) }
figure { margin: 0 0 22px } figcaption h3 { margin: 0 } figcaption { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 12px; margin-bottom: 2px }
figcaption span { color: var(--ink-2); font-size: 14px }
.chart { display: block; width: 100%; height: auto; overflow: visible } .narrow { display: none }
.strip text { font-size: 12px; fill: var(--ink-2) } .strip .dot { fill: var(--paper); stroke: var(--ink-2); stroke-width: 1.25 } .strip .dot-text { fill: var(--ink); font-weight: 600; text-anchor: middle }
.strip .stem { stroke: var(--rule-2) } .strip .tick { stroke: var(--ink-2); opacity: .55 } .strip .axis { stroke: var(--rule-2) } .strip .attack { fill: var(--attack); stroke: var(--attack-edge) }
.events, .checks { margin: 10px 0 0; padding: 0; list-style: none }
.events li { display: grid; grid-template-columns: 2em 5.5em 1fr; gap: 0 10px; padding: 6px 0; border-bottom: 1px solid var(--rule) }
.events .index { color: var(--ink-2); text-align: right } .events .time { text-align: right; white-space: nowrap } .events .where { color: var(--ink-2); font-size: 14px }
summary { margin-top: 10px; padding: 6px 0; color: var(--ink-2); font-size: 14.5px; cursor: pointer } summary:focus-visible { outline: 2px solid var(--control); outline-offset: 2px }
.events .fault { font-weight: 600 }
.checks li { display: grid; grid-template-columns: 22px 1fr; gap: 0 10px; padding: 8px 0; border-bottom: 1px solid var(--rule) }
.checks svg { width: 16px; height: 16px; margin-top: 4px; color: var(--resilient) } .checks .failed svg { color: var(--diverged) }
.checks .failed strong { color: var(--diverged) } .checks .sub { font-size: 14.5px; overflow-wrap: anywhere }
.scroll { overflow-x: auto } .facts { display: grid; grid-template-columns: 9.5em 1fr; gap: 6px 20px; margin: 22px 0 0; font-size: 15px }
.facts dt { color: var(--ink-2) } .facts dd { margin: 0; overflow-wrap: anywhere }
pre { margin: 12px 0; padding: 12px 14px; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--rule); border-radius: 6px; background: var(--raised) }
code { font: 14px/1.5 ui-monospace, SFMono-Regular, Menlo, "Liberation Mono", monospace }
.swatch { display: inline-block; width: 9px; height: 9px; margin-right: 7px; border-radius: 50% } .swatch.control { background: var(--control) } .swatch.experiment { background: var(--experiment) }
.legend .control-line { border-color: var(--control) } .legend .experiment-line { border-color: var(--experiment) }
footer { margin-top: 48px; padding-top: 18px; padding-bottom: 48px; border-top: 1px solid var(--rule); color: var(--ink-2); font-size: 14px }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
@media screen and (max-width: 760px) {
  header { padding-top: 24px } .meaning { font-size: 17px } h2 { margin-top: 40px }
  .brief, .facts { grid-template-columns: 1fr; gap: 2px 0 } .brief dd, .facts dd { margin-bottom: 14px }
  .wide { display: none } .narrow { display: block }
  .signals thead { display: none } .signals, .signals tbody, .signals tr, .signals td, .signals th { display: block; border: 0 }
  .signals tr { display: grid; grid-template-columns: 1fr 1fr; gap: 2px 12px; padding: 14px 0; border-bottom: 1px solid var(--rule) }
  .signals td, .signals tbody th { padding: 0; text-align: left } .signals .outcome { grid-row: 1; grid-column: 2; text-align: right }
  .signals .effect-cell, .signals .plot { grid-column: 1 / -1; width: auto }
  .signals [data-label]::before { content: attr(data-label); display: block; color: var(--ink-2); font-size: 13px }
  .events li { grid-template-columns: 1.6em 4.6em 1fr; gap: 0 8px }
  .phases, .phases th, .phases tbody th { font-size: 13px } .phases th, .phases td { padding-right: 9px } .phases .swatch { margin-right: 5px }
}
@media screen and (max-width: 430px) { .phases .success { display: none } }
@media print {
  @page { margin: 14mm }
  body { font-size: 13px } .meaning { font-size: 15px } h1 { font-size: 25px } h2 { margin-top: 28px; font-size: 17px } header { padding-top: 0 }
  table, .facts, .note, .checks .sub, .legend { font-size: 12px } th, tbody th, .sub, .events .where { font-size: 11.5px } tbody th { font-size: 12px }
  th, td { padding: 6px 10px 6px 0 } .page { padding: 0 } .brief { margin-top: 20px } footer { margin-top: 20px; padding-bottom: 0 }
}
`
