import { declarations } from './tokens.ts'

/** Style sheet of the console. Colours come from `tokens.ts`; a theme chosen by hand stands on the root element. */
export const STYLE = `
:root { color-scheme: light dark; ${declarations('light')} }
@media (prefers-color-scheme: dark) { :root { ${declarations('dark')} } }
:root[data-theme=light] { color-scheme: light; ${declarations('light')} }
:root[data-theme=dark] { color-scheme: dark; ${declarations('dark')} }
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; overflow-y: scroll }
body {
  display: flex; flex-direction: column; min-height: 100vh; margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
a { color: var(--control); text-underline-offset: .18em; text-decoration-thickness: .06em }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 3px }
[hidden] { display: none !important }
.skip { position: absolute; left: 12px; top: -60px; z-index: 9; padding: 9px 14px; background: var(--action); color: var(--action-text); border-radius: 6px }
.skip:focus { top: 10px }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }

.bar { border-bottom: 1px solid var(--rule); background: var(--raised) }
.bar > div { display: flex; align-items: center; gap: 4px 22px; max-width: 1440px; margin: 0 auto; padding: 0 20px; min-height: 54px }
.brand { display: flex; align-items: center; gap: 9px; color: var(--ink); font-weight: 650; font-size: 16.5px; letter-spacing: -.01em; text-decoration: none }
.brand svg { width: 24px; height: 24px } .brand .c { stroke: var(--control) } .brand .e { stroke: var(--experiment) }
.bar nav { display: flex; gap: 2px; overflow-x: auto; scrollbar-width: none } .bar nav::-webkit-scrollbar { display: none }
.bar nav a { padding: 15px 11px 13px; border-bottom: 2px solid transparent; color: var(--ink-2); text-decoration: none; white-space: nowrap }
.bar nav a:hover { color: var(--ink) } .bar nav a[aria-current] { color: var(--ink); font-weight: 600; border-color: var(--ink) }
.bar nav a:focus-visible { outline-offset: -3px }
.tools { display: flex; align-items: center; gap: 8px; margin-left: auto }

button, select, input, textarea { font: inherit; color: inherit }
.button, .icon-button {
  display: inline-flex; align-items: center; justify-content: center; gap: 7px; min-height: 36px; padding: 5px 14px; border: 1px solid var(--rule-2); border-radius: 7px;
  background: var(--raised); color: var(--ink); cursor: pointer; text-decoration: none; white-space: nowrap
}
.button:hover, .icon-button:hover { border-color: var(--ink) }
.button[disabled] { opacity: .55; cursor: not-allowed }
.icon-button { width: 36px; padding: 0 } .icon-button svg, .button svg { width: 17px; height: 17px; flex: none }
.primary { background: var(--action); color: var(--action-text); border-color: var(--action) }
.danger { background: var(--danger); color: var(--danger-text); border-color: var(--danger); font-weight: 600 }
.danger:hover { border-color: var(--ink) }
input, select, textarea { min-height: 36px; padding: 5px 10px; border: 1px solid var(--rule-2); border-radius: 7px; background: var(--raised); color: var(--ink); max-width: 100% }
label { font-size: 13.5px; color: var(--ink-2) }

main { flex: 1 0 auto; width: 100%; max-width: 1440px; margin: 0 auto; padding: 22px 20px 48px }
footer { border-top: 1px solid var(--rule); color: var(--ink-2); font-size: 13.5px }
footer p { max-width: 1440px; margin: 0 auto; padding: 14px 20px 22px }
h1 { margin: 0; font-size: 24px; line-height: 1.25; font-weight: 650; letter-spacing: -.012em; text-wrap: balance; overflow-wrap: anywhere }
h2 { margin: 0; font-size: 16.5px; line-height: 1.35; font-weight: 650 }
h3 { margin: 0; font-size: 14.5px; line-height: 1.4; font-weight: 650 }
p { margin: 0 } .lead { margin-top: 6px; max-width: 78ch; color: var(--ink-2) }
.eyebrow { margin: 0 0 4px; font-size: 13.5px; color: var(--ink-2); overflow-wrap: anywhere }
.note { color: var(--ink-2); font-size: 13.5px } .head { display: flex; flex-wrap: wrap; align-items: flex-start; justify-content: space-between; gap: 12px 24px; margin-bottom: 18px }
.card { min-width: 0; padding: 16px 18px 18px; border: 1px solid var(--rule); border-radius: 10px; background: var(--raised) }
.card > header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 12px; margin-bottom: 12px }
.empty { padding: 34px 22px; border: 1px dashed var(--rule-2); border-radius: 10px; text-align: center } .empty h2 { margin-bottom: 6px } .empty p { max-width: 62ch; margin: 0 auto; color: var(--ink-2) }
.empty code, .lead code, .note code { white-space: normal }
code, .mono { font: .92em/1.5 ui-monospace, SFMono-Regular, Menlo, "Liberation Mono", monospace; overflow-wrap: anywhere }

.pill { display: inline-flex; align-items: center; gap: 6px; padding: 1px 9px 1px 7px; border-radius: 99px; font-size: 13px; font-weight: 600; white-space: nowrap; color: var(--tone); background: var(--tint) }
.pill svg, .tile svg, .banner svg { width: 14px; height: 14px; flex: none; fill: none; stroke: currentColor; stroke-width: 2.1; stroke-linecap: round; stroke-linejoin: round }
.good, .healthy, .resilient, .resolved { --tone: var(--healthy); --tint: var(--healthy-tint) }
.bad, .down, .absent, .diverged, .failed, .firing, .fatal, .error { --tone: var(--down); --tint: var(--down-tint) }
.attacked, .running { --tone: var(--attacked); --tint: var(--attacked-tint) }
.recovering, .degraded, .inconclusive, .interrupted, .warning, .expired { --tone: var(--recovering); --tint: var(--recovering-tint) }
.unknown, .invalid, .abandoned, .info, .debug, .plain { --tone: var(--unknown); --tint: var(--unknown-tint) }
.g-control { color: var(--control); font-weight: 600 } .g-experiment { color: var(--experiment); font-weight: 600 }
.swatch { display: inline-block; width: 20px; height: 0; margin-right: 7px; vertical-align: middle; border-top: 3px solid currentColor }

.banner { display: flex; align-items: center; gap: 14px 18px; flex-wrap: wrap; min-height: 74px; padding: 13px 18px; border: 1px solid var(--tone); border-radius: 10px; background: var(--tint) }
#headline { flex: 1 1 320px; min-width: 0 } .banner .what strong { display: flex; align-items: center; gap: 8px; color: var(--tone); font-size: 17px; line-height: 1.35 }
.banner svg { width: 19px; height: 19px } .banner .what p { color: var(--ink); font-size: 14.5px; overflow-wrap: anywhere }
.problems { margin-top: 12px; padding: 10px 16px; border-left: 3px solid var(--recovering); background: var(--recovering-tint); font-size: 14px } .problems ul { margin: 2px 0 0; padding-left: 18px }

.live { display: grid; gap: 16px; grid-template-columns: repeat(12, minmax(0, 1fr)); margin-top: 16px }
.live > .map { grid-column: span 4 } .live > .run { grid-column: span 4 }
.map table { width: calc(100% + 10px); height: 100%; border-collapse: separate; border-spacing: 5px; table-layout: fixed; margin: -5px }
.map { display: flex; flex-direction: column; container: map / inline-size } .map > div { flex: 1 }
.map th { font-weight: 500; font-size: 13px; color: var(--ink-2); text-align: left; vertical-align: middle; padding: 0 }
.map thead th { text-align: center; padding-bottom: 1px } .map col:first-child { width: 96px }
.map .node { display: block; font-size: 12px; line-height: 1.3 } .map .node.bad { color: var(--down); font-weight: 600 }
.map td { padding: 0; height: 58px } .tile { display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 1px; height: 100%; min-height: 58px; padding: 4px; border-radius: 8px; border: 1px solid transparent; background: var(--tint); color: var(--tone); font-size: 12.5px; line-height: 1.25; font-weight: 600; text-align: center }
.tile.attacked { border: 2px solid var(--attacked) } .tile.down, .tile.absent { border-color: var(--down) } .tile.unknown { border: 1px dashed var(--rule-2) }
.tile > span:first-child { display: inline-flex; align-items: center; gap: 4px } .tile small { font-size: 12px; font-weight: 400; color: var(--ink-2) }
@container map (max-width: 400px) { .tile > span:first-child { flex-direction: column; gap: 0 } }
.outside-row th { padding-top: 6px } .outside-row td { padding-top: 6px }

.phases { display: flex; flex-wrap: wrap; gap: 4px; margin: 10px 0 12px; padding: 0; list-style: none; font-size: 12.5px }
.phases li { flex: 1 1 auto; padding: 2px 7px; border-top: 3px solid var(--rule-2); color: var(--ink-2) } .phases .past { border-color: var(--ink-2) } .phases [aria-current] { border-color: var(--attacked); color: var(--ink); font-weight: 600 }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 0; font-size: 14px } .facts dt { color: var(--ink-2) } .facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere }
.meter { height: 9px; margin: 5px 0 3px; border-radius: 5px; background: var(--sunken); border: 1px solid var(--rule-2); overflow: hidden } .meter svg { display: block; width: 100%; height: 100% } .meter rect { fill: var(--attacked) } .meter.met rect { fill: var(--down) }
.timeline { margin: 0; padding: 0; list-style: none; font-size: 14px } .timeline li { display: grid; grid-template-columns: 5.4em 14px minmax(0, 1fr); gap: 0 10px; padding: 5px 0; border-top: 1px solid var(--rule) } .timeline li:first-child { border-top: 0 }
.timeline time { color: var(--ink-2); white-space: nowrap } .timeline .mark { width: 8px; height: 8px; margin: 7px 0 0 3px; border-radius: 50%; background: var(--rule-2) } .timeline .s-fault .mark, .timeline .s-verdict .mark { border-radius: 1px; background: var(--attacked); transform: rotate(45deg) } .timeline .bad .mark { background: var(--down) } .timeline .good .mark { background: var(--healthy) }
.timeline .s-phase .text, .timeline .s-fault .text, .timeline .s-verdict .text { font-weight: 600 } .timeline .text { overflow-wrap: anywhere } .timeline .where { color: var(--ink-2); font-size: 13px; font-weight: 400 }
.run .timeline { max-height: 190px; overflow-y: auto; margin-top: 10px }

.charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px; margin-top: 16px } .legend { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 0; padding: 0; list-style: none; font-size: 13.5px; color: var(--ink-2) }
.legend .area { display: inline-block; width: 20px; height: 12px; margin-right: 7px; vertical-align: -1px; background: var(--attack); border: 1px solid var(--attack-edge) } .legend .difference { color: var(--ink-2) }
.section { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 4px 20px; margin-top: 30px }
.now { display: flex; flex-wrap: wrap; gap: 0 18px; margin-left: auto; font-size: 14px } .plot { position: relative; height: 252px } .plot > div { height: 100% } .plot .message { position: absolute; inset: 0; display: flex; align-items: center; justify-content: center; padding: 12px; text-align: center; color: var(--ink-2); font-size: 14px }

.scroll { position: relative; overflow-x: auto; border: 1px solid var(--rule); border-radius: 10px; background: var(--raised) } .card .scroll { border: 0; border-radius: 0 }
.list { width: 100%; border-collapse: collapse; font-size: 14.5px } .list th, .list td { padding: 9px 14px; border-top: 1px solid var(--rule); text-align: left; vertical-align: top }
.list thead th { border-top: 0; color: var(--ink-2); font-size: 13px; font-weight: 500; white-space: nowrap; position: sticky; top: 0; background: var(--raised) } .list .number { text-align: right; white-space: nowrap } .list tbody tr:hover { background: var(--sunken) }
.list .nowrap { white-space: nowrap } .list .sub { display: block; color: var(--ink-2); font-size: 13px; font-weight: 400; overflow-wrap: anywhere } .list tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 190px }
.acted { min-width: 190px; max-width: 300px } .acted ul { margin: 0; padding: 0; list-style: none } .acted li + li { margin-top: 7px } .acted b { font-weight: 600 } .acted .words { display: block; white-space: pre-line; overflow-wrap: anywhere } .acted .buttons { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 7px } .acted .button { min-height: 30px; padding: 2px 10px; font-size: 13.5px }
.filters { display: flex; flex-wrap: wrap; gap: 8px; margin-bottom: 14px } .filters a[aria-current] { background: var(--action); color: var(--action-text); border-color: var(--action) }
.report { display: block; width: 100%; height: 78vh; border: 1px solid var(--rule); border-radius: 10px; background: var(--paper) }
.reasons { margin: 0; padding-left: 20px } .reasons li + li { margin-top: 4px }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(290px, 100%), 1fr)); gap: 14px; margin: 0; padding: 0; list-style: none } .cards a { display: block; height: 100%; text-decoration: none; color: var(--ink) } .cards a:hover { border-color: var(--rule-2) } .cards .note { margin-top: 3px }

.frames { margin: 0; padding: 0; list-style: none } .frames details { border-top: 1px solid var(--rule) } .frames summary { padding: 8px 2px; cursor: pointer; overflow-wrap: anywhere } .frames .library summary { color: var(--ink-2) }
.frames pre { margin: 0 0 12px; padding: 8px 0; overflow-x: auto; background: var(--sunken); border-radius: 6px; font: 13px/1.55 ui-monospace, SFMono-Regular, Menlo, "Liberation Mono", monospace } .frames pre span { display: block; padding: 0 12px; white-space: pre; width: max-content; min-width: 100% } .frames pre .hit { background: var(--recovering-tint); font-weight: 600 }
.two { display: grid; grid-template-columns: minmax(0, 1.7fr) minmax(0, 1fr); gap: 16px; align-items: start }

.toolbar { display: flex; flex-wrap: wrap; align-items: flex-end; gap: 10px 14px; margin-bottom: 16px; padding: 12px 14px; border: 1px solid var(--rule); border-radius: 10px; background: var(--raised) }
.toolbar-variables { display: contents } .field { display: flex; flex-direction: column; gap: 2px; min-width: 0 } .toolbar .end { margin-left: auto } .field select[multiple] { min-height: 36px }
.choice { position: relative } .choice summary { list-style: none; display: flex; align-items: center; gap: 8px; min-height: 36px; padding: 5px 12px; border: 1px solid var(--rule-2); border-radius: 7px; cursor: pointer; background: var(--raised); white-space: nowrap } .choice summary::-webkit-details-marker { display: none } .choice summary::after { content: ""; width: 7px; height: 7px; margin: -4px 0 0 4px; border: solid var(--ink-2); border-width: 0 1.5px 1.5px 0; transform: rotate(45deg) }
.choice fieldset { position: absolute; z-index: 5; left: 0; top: 100%; min-width: 100%; max-height: 300px; overflow: auto; margin: 4px 0 0; padding: 8px 12px; border: 1px solid var(--rule-2); border-radius: 8px; background: var(--raised); box-shadow: 0 8px 24px rgb(0 0 0 / .18) } .choice label { display: flex; align-items: center; gap: 8px; padding: 4px 0; color: var(--ink); font-size: 14.5px; white-space: nowrap } .choice input { min-height: 0; width: 17px; height: 17px; margin: 0; accent-color: var(--control) }
.grid { min-height: 90vh; align-content: start; display: grid; grid-template-columns: repeat(24, minmax(0, 1fr)); grid-auto-rows: 38px; gap: 10px }
.panel { display: flex; flex-direction: column; min-width: 0; min-height: 0; padding: 9px 12px 10px; border: 1px solid var(--rule); border-radius: 9px; background: var(--raised); overflow: hidden; position: relative }
.panel > header { display: flex; align-items: baseline; gap: 8px; min-height: 22px } .panel h3 { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 14px } .panel .about { margin-left: auto } .about summary { list-style: none; width: 22px; height: 22px; display: grid; place-items: center; border: 1px solid var(--rule-2); border-radius: 50%; font-size: 12px; color: var(--ink-2); cursor: pointer } .about summary::-webkit-details-marker { display: none }
.about[open] p { position: absolute; z-index: 4; left: 8px; right: 8px; top: 36px; padding: 10px 12px; border: 1px solid var(--rule-2); border-radius: 8px; background: var(--raised); font-size: 13.5px; box-shadow: 0 8px 24px rgb(0 0 0 / .18); max-height: calc(100% - 44px); overflow: auto }
.panel .body { flex: 1 1 auto; min-height: 0; position: relative; overflow: auto } .panel .draw { position: absolute; inset: 0 } .panel .message { height: 100%; display: flex; align-items: center; justify-content: center; text-align: center; padding: 8px; color: var(--ink-2); font-size: 13.5px; overflow-wrap: anywhere } .panel .message.bad { color: var(--down) }
.panel .legend { flex: 0 0 auto; max-height: 62px; overflow-y: auto; margin-top: 4px; font-size: 12.5px } .panel .legend li { overflow-wrap: anywhere } .panel .legend svg { width: 20px; height: 8px; margin-right: 6px; vertical-align: middle } .panel .legend b { font-weight: 600; color: var(--ink); margin-left: 6px }
.traces { flex: 0 0 auto; max-height: 57px; overflow-y: auto; margin-top: 4px; font-size: 12.5px; color: var(--ink-2) } .traces ul { display: inline; margin: 0; padding: 0; list-style: none } .traces li { display: inline-block; margin-right: 12px; white-space: nowrap } .traces .key { margin-right: 12px } .traces .key::before { content: "\\25C6" / ""; margin-right: 6px }
.row-title { align-self: end; padding-top: 8px; border-bottom: 1px solid var(--rule) } .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(92px, 1fr)); gap: 6px 12px; height: 100%; align-items: center } .figure { min-width: 0; text-align: center } .figure b { display: block; font-size: 25px; line-height: 1.2; font-weight: 650; letter-spacing: -.01em; white-space: nowrap; overflow: hidden; text-overflow: ellipsis } .figure.many b { font-size: 18px } .figure.words b { font-size: 17px; white-space: normal } .figure span { display: block; font-size: 12.5px; color: var(--ink-2); overflow: hidden; text-overflow: ellipsis }
.bars { display: grid; gap: 7px; align-content: center; min-height: 100% } .bars div { display: grid; grid-template-columns: minmax(60px, 34%) 1fr minmax(64px, max-content); gap: 10px; align-items: center; font-size: 13px } .bars .track { height: 15px; border-radius: 4px; background: var(--sunken); border: 1px solid var(--rule); overflow: hidden } .bars svg { display: block; width: 100%; height: 100% } .bars b { text-align: right; font-weight: 600; white-space: nowrap } .bars span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.panel .list { font-size: 13px } .panel .list th, .panel .list td { padding: 5px 10px } .panel .list tbody th { min-width: 0 }
dialog { width: min(460px, calc(100vw - 32px)); padding: 20px 22px; border: 1px solid var(--rule-2); border-radius: 12px; background: var(--raised); color: var(--ink); box-shadow: 0 20px 60px rgb(0 0 0 / .35) } dialog::backdrop { background: rgb(0 0 0 / .45) } dialog form { display: grid; gap: 12px; min-width: 0 } dialog h2 { overflow-wrap: anywhere } dialog .field { gap: 6px } dialog textarea { resize: vertical } dialog .buttons { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: 10px; margin-top: 4px } dialog .problem { color: var(--down); font-size: 14px; min-height: 21px }
.tip { display: grid; grid-template-columns: 12px auto auto; gap: 1px 8px; align-items: center; max-width: 420px; white-space: normal } .tip .when { grid-column: 1 / -1; margin-bottom: 2px } .tip i { width: 10px; height: 3px } .tip b { text-align: right; font-weight: 600 } .tip span { overflow-wrap: anywhere }

.tall { max-height: 62vh; overflow: auto } .tall .list td:last-child { min-width: 300px; overflow-wrap: anywhere } .run .timeline .text, .run .facts .note { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden }
.prose { max-width: 78ch } .prose h1 { margin-bottom: 14px } .prose h2 { margin: 22px 0 4px } .prose ul, .prose ol { margin: 6px 0; padding-left: 24px } .prose li + li { margin-top: 4px } .prose code { padding: 1px 4px; border-radius: 4px; background: var(--sunken) } .prose pre { padding: 10px 14px; overflow-x: auto; border-radius: 8px; background: var(--sunken) }
.week section + section { margin-top: 4px } .week .part { margin: 14px 0 8px; color: var(--ink-2) } .week .section { margin-bottom: 10px } .week .made { margin-top: 26px } .week .head .filters { margin: 0 }
.dense th, .dense td { padding: 7px 10px } .dense thead th, .dense thead .number { white-space: normal; vertical-align: bottom } .dense tbody th { min-width: 150px } @media (min-width: 700px) { .alerts tbody th { min-width: 250px } } .alerts time { display: inline-block; min-width: 86px } .dense b { font-weight: 650 } .dense .sub { white-space: normal } .week .list .number .sub, .week .list .stamp { white-space: nowrap }
.terms { max-width: 110ch } .terms dt { font-weight: 600; color: var(--ink) } .gaps { margin: 0 0 12px }
.folded details { border: 1px solid var(--rule); border-radius: 10px; background: var(--raised) } .folded details + details { margin-top: 8px } .folded summary { padding: 10px 14px; cursor: pointer; overflow-wrap: anywhere } .folded .scroll { border-width: 1px 0 0; border-radius: 0 0 10px 10px }
.matrix .rule { min-width: 88px; max-width: 130px; white-space: normal; vertical-align: bottom } .matrix td { white-space: nowrap } .matrix td .sub { white-space: normal; min-width: 220px } .matrix .all { background: var(--healthy-tint); color: var(--healthy); font-weight: 600 } .matrix .some { background: var(--recovering-tint); color: var(--recovering); font-weight: 600 } .matrix .none { color: var(--ink-2) }
.weekline { margin: 0 0 14px; padding: 10px 14px 12px; border: 1px solid var(--rule); border-radius: 10px; background: var(--raised); font-size: 13.5px } .weekline .days { display: grid; grid-template-columns: 130px repeat(7, minmax(0, 1fr)); color: var(--ink-2) } .weekline .line { display: grid; grid-template-columns: 130px minmax(0, 1fr); align-items: center; min-height: 26px }
.weekline svg { display: block; width: 100%; height: 18px; background: var(--sunken) } .weekline path { stroke: var(--rule-2); fill: none; vector-effect: non-scaling-stroke; stroke-dasharray: 2 3 } .weekline .control { fill: var(--control) } .weekline .experiment { fill: var(--experiment) } .weekline .other { fill: var(--unknown) } .weekline .run { fill: var(--attacked) }
.stack > * + * { margin-top: 18px } .facts + p { margin-top: 14px } .section + .report, .section + .empty { margin-top: 10px } .scroll + .note { margin-top: 8px } .facts + .evidence, .note + .evidence { margin-top: 12px }
@media (max-width: 1180px) { .live > .map { grid-column: span 6 } .live > .run { grid-column: 1 / -1 } .two { grid-template-columns: minmax(0, 1fr) } }
@media (max-width: 760px) {
  main { padding: 16px 12px 36px } .bar > div { flex-wrap: wrap; padding: 8px 12px 0; gap: 0 12px } .bar nav { order: 3; width: 100%; margin: 0 -4px } .bar nav a { padding: 9px 7px 8px }
  .live > .map, .live > .run { grid-column: 1 / -1 } .charts { grid-template-columns: minmax(0, 1fr) } .card { padding: 13px 13px 15px } .map col:first-child { width: 80px } .map th { font-size: 12.5px } .tile { padding: 3px 1px; font-size: 12px } .tile > span:first-child { flex-direction: column; gap: 0 } .tile small { font-size: 11.5px }
  .grid { display: flex; flex-direction: column } .panel { height: 290px } .panel.short { height: 132px } .panel:has(.traces:not([hidden])) { height: 350px } .traces { max-height: 95px } .row-title { align-self: stretch } .toolbar .end { margin-left: 0 } .report { height: 70vh }
  .weekline .days { grid-template-columns: 84px repeat(7, minmax(0, 1fr)) } .weekline .days small { display: block } .weekline .line { grid-template-columns: 84px minmax(0, 1fr); line-height: 1.25; padding: 2px 0 } .terms { grid-template-columns: minmax(0, 1fr); gap: 0 } .terms dd { margin-bottom: 8px }
  .timeline li { grid-template-columns: 4.9em 12px minmax(0, 1fr); gap: 0 6px } .banner .danger, .banner .button { width: 100% } footer p { padding: 12px }
}
@media (prefers-reduced-motion: no-preference) { .tile.attacked { animation: breathe 2.4s ease-in-out infinite } @keyframes breathe { 50% { border-color: transparent } } }
@media (forced-colors: active) { .tile, .pill, .banner { border: 1px solid CanvasText } }
@media print {
  .bar .tools, .banner .button, .acted .buttons, .toolbar { display: none }
  .bar, footer, .week .filters, .week .made .links { display: none } main { max-width: none; padding: 0 } .scroll { overflow: visible; border: 0 } .list { font-size: 11px } .list th, .list td { padding: 3px 5px } .list thead th { position: static; white-space: normal } .list tbody th { min-width: 0 } .list tbody th, .list .sub { overflow-wrap: break-word } .list .sub { font-size: 10px }
  .weekline rect { print-color-adjust: exact } .weekline svg { print-color-adjust: exact } .folded details::details-content { content-visibility: visible; block-size: auto } tr, .card, .weekline { break-inside: avoid } h2, h3 { break-after: avoid }
}
`
