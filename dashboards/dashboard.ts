import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { GRID_COLUMNS } from './panels/panel.ts'
import { type Choice, choiceVariable, DATASOURCE, datasourceVariable } from './variables.ts'

/** By this tag the dashboards find each other. */
export const TAG = 'divergence'

/** Panels under one heading. */
export type Section = { readonly title: string; readonly panels: readonly Panel[] }

export type Page = {
  /** Stable: bookmarks and links hold it; at most 40 characters. */
  readonly uid: string
  readonly title: string
  readonly description: string
  /** How the page can be narrowed, in this order. */
  readonly choices: readonly Choice[]
  readonly sections: readonly Section[]
}

/** What all dashboards have in common: data source, variables, attacks as annotations, links to the others. */
export function dashboard({ uid, title, description, choices, sections }: Page): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags([TAG])
    .readonly()
    .time({ from: 'now-15m', to: 'now' })
    .refresh('10s')
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(datasourceVariable())
    .annotation(attacks())
    .link(toTheOthers())
  for (const choice of choices) builder.withVariable(choiceVariable(choice))
  let top = 0
  for (const section of sections) {
    const row = { x: 0, y: top, w: GRID_COLUMNS, h: 1 }
    builder.withRow(new RowBuilder(section.title).id(panelId(`row ${section.title}`)).gridPos(row))
    const { panels, bottom } = place(section.panels, top + 1)
    for (const panel of panels) builder.withPanel({ build: () => panel })
    top = bottom
  }
  return builder.build()
}

/** A mark from begin to end of each attack that the on-call service knows of. */
function attacks() {
  return new AnnotationQueryBuilder()
    .name('Attacks')
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor('red')
    .expr('max by (run, kind, group, service, zone) (attack_active) > 0')
    .step('5s')
    .titleFormat('{{kind}}')
    .textFormat('{{kind}} on {{service}} of {{group}}, zone {{zone}}, in run {{run}}')
    .tagKeys('kind,service,zone')
    .useValueForTime(false)
}

function toTheOthers() {
  return new DashboardLinkBuilder('Dashboards')
    .type(DashboardLinkType.Dashboards)
    .tags([TAG])
    .tooltip('The other dashboards, with the same choices and time.')
    .asDropdown(true)
    .includeVars(true)
    .keepTime(true)
    .targetBlank(false)
}

/** From left to right, and to the next line when the row is full: the tallest of a line sets its height. */
function place(
  panels: readonly Panel[],
  top: number,
): { readonly panels: readonly Panel[]; readonly bottom: number } {
  let x = 0
  let y = top
  let lineHeight = 0
  const placed = panels.map(panel => {
    const { w = GRID_COLUMNS, h = 1 } = panel.gridPos ?? {}
    if (x + w > GRID_COLUMNS) {
      x = 0
      y += lineHeight
      lineHeight = 0
    }
    const gridPos = { x, y, w, h }
    x += w
    lineHeight = Math.max(lineHeight, h)
    return { ...panel, id: panelId(panel.title ?? ''), gridPos }
  })
  return { panels: placed, bottom: y + lineHeight }
}

/**
 * Derived from the title, so that a link to a panel outlives panels that come and go beside it.
 *
 * @returns 1 to 1,000,000; that no two of a dashboard are the same is tested
 * @see Fowler, Noll & Vo, FNV-1a, 32 bits
 */
export function panelId(title: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(title)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return 1 + (hash % 1_000_000)
}
