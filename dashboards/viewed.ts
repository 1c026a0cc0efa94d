import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { parseDashboard } from '../services/oncall/web/panels/dashboard.ts'
import { substitute } from '../services/oncall/web/panels/query.ts'

/** Something that a viewer asks of Prometheus to draw a page. */
export type Asked = {
  /** `dashboard / panel, query`. */
  readonly name: string
  /** PromQL, without variables. */
  readonly query: string
  readonly instant: boolean
}

export type View = {
  /** Unix seconds. */
  readonly fromSeconds: number
  readonly toSeconds: number
  /** Distance of two points, seconds; > 0. */
  readonly stepSeconds: number
  /** Chosen values by variable; those that are missing stand for all of them. */
  readonly chosen?: Readonly<Record<string, readonly string[]>>
}

/** What the console asks when somebody looks at the page: by its own reading of the same JSON that Grafana reads. */
export function askedBy(
  page: Dashboard,
  { fromSeconds, toSeconds, stepSeconds, chosen = {} }: View,
): readonly Asked[] {
  const { title, panels, annotations, variables } = parseDashboard(JSON.parse(JSON.stringify(page)))
  const context = { range: { fromSeconds, toSeconds }, stepSeconds, variables, chosen }
  const ofPanels = panels.flatMap(panel =>
    panel.targets.map(({ refId, expr, instant }) => ({ name: `${panel.title}, ${refId}`, expr, instant })),
  )
  const marks = annotations.map(({ name, expr }) => ({ name, expr, instant: false }))
  return [...ofPanels, ...marks].map(({ name, expr, instant }) => ({
    name: `${title} / ${name}`,
    query: substitute(expr, context),
    instant,
  }))
}
