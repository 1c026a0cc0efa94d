import { PanelBuilder as BarGaugeBuilder } from '@grafana/grafana-foundation-sdk/bargauge'
import type * as cog from '@grafana/grafana-foundation-sdk/cog'
import {
  AxisPlacement,
  BarGaugeDisplayMode,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphGradientMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  type DynamicConfigValue,
  type Panel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard'
import {
  PanelBuilder as HeatmapBuilder,
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { DATASOURCE } from '../variables.ts'

/** Units by what is meant; the values are Grafana's identifiers, and all that a viewer has to know. */
export const UNITS = {
  seconds: 's',
  ratio: 'percentunit',
  perSecond: 'cps',
  requestsPerSecond: 'reqps',
  bytes: 'bytes',
  bytesPerSecond: 'Bps',
  cores: 'suffix: cores',
  count: 'short',
  factor: 'suffix:x',
  yesNo: 'bool_yes_no',
} as const
export type Unit = keyof typeof UNITS

/** Columns of Grafana's grid. */
export const GRID_COLUMNS = 24

/** Width in columns, height in rows of the grid. */
const SIZE = { chart: { span: 8, height: 8 }, stat: { span: 6, height: 4 }, table: { span: 24, height: 8 } }

export type Query = {
  readonly expr: string
  /** What a line is called; `{{label}}` puts a label of the series. */
  readonly legend: string
  /** Marks single requests, each with its trace, on the chart. */
  readonly exemplars?: true
}

/** What every panel says about itself. */
export type About = {
  readonly title: string
  /** What it shows, and what it means when it moves: one or two sentences. */
  readonly description: string
  readonly unit: Unit
  /** Columns of the grid, 1 to 24. */
  readonly span?: number
  /** Rows of the grid; > 0. */
  readonly height?: number
}

export type Chart = About & {
  readonly queries: readonly [Query, ...Query[]]
  /** Fixed bounds of the axis, in the unit. */
  readonly min?: number
  readonly max?: number
  readonly stacked?: true
  /** Properties of lines by their names. */
  readonly lines?: Readonly<Record<string, readonly DynamicConfigValue[]>>
}

/** Lines over time. */
export function timeSeries(chart: Chart): Panel {
  const { queries, min, max, stacked, lines = {} } = chart
  const builder = new TimeSeriesBuilder()
    .fillOpacity(stacked ? 25 : 0)
    .lineWidth(1)
    .gradientMode(GraphGradientMode.None)
    .showPoints(VisibilityMode.Never)
    .spanNulls(false)
    .stacking(new StackingConfigBuilder().mode(stacked ? StackingMode.Normal : StackingMode.None))
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .calcs([]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .targets(queries.map((query, index) => rangeQuery(query, index)))
  if (min !== undefined) builder.min(min)
  if (max !== undefined) builder.max(max)
  for (const [name, properties] of Object.entries(lines)) builder.overrideByName(name, [...properties])
  return finish(builder, chart, SIZE.chart)
}

export type Stat = About & {
  readonly queries: readonly [Query, ...Query[]]
  /** Colours by value, ascending; the first step has no value. */
  readonly steps?: readonly Step[]
}

export type Step = { readonly from: number | null; readonly color: 'green' | 'orange' | 'red' | 'blue' }

/** The newest value, large. */
export function stat(one: Stat): Panel {
  const builder = new StatBuilder()
    .colorMode(one.steps === undefined ? BigValueColorMode.None : BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.None)
    .textMode(
      one.queries.length > 1 || one.queries[0].legend.includes('{{')
        ? BigValueTextMode.ValueAndName
        : BigValueTextMode.Value,
    )
    .reduceOptions(lastValue())
    .thresholds(thresholds(one.steps))
    .targets(one.queries.map((query, index) => instantQuery(query, index, PromQueryFormat.TimeSeries)))
  return finish(builder, one, SIZE.stat)
}

/** The newest value of each series, as bars. */
export function bars(chart: Omit<Chart, 'stacked' | 'lines'> & { readonly steps?: readonly Step[] }): Panel {
  const builder = new BarGaugeBuilder()
    .displayMode(BarGaugeDisplayMode.Basic)
    .orientation(VizOrientation.Horizontal)
    .reduceOptions(lastValue())
    .thresholds(thresholds(chart.steps))
    .targets(chart.queries.map((query, index) => instantQuery(query, index, PromQueryFormat.TimeSeries)))
  builder.min(chart.min ?? 0)
  if (chart.max !== undefined) builder.max(chart.max)
  return finish(builder, chart, SIZE.chart)
}

/** How a histogram is spread, over time; `expr` gives one series for each bucket `le`. */
export function heatmap(about: About & { readonly expr: string }): Panel {
  const target = rangeQuery({ expr: about.expr, legend: '{{le}}' }, 0).format(PromQueryFormat.Heatmap)
  const builder = new HeatmapBuilder()
    .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme('Blues').steps(64))
    .yAxis(new YAxisConfigBuilder().unit(UNITS[about.unit]).axisPlacement(AxisPlacement.Left))
    .cellGap(1)
    .targets([target])
  return finish(builder, about, SIZE.chart)
}

export type Table = About & {
  readonly expr: string
  /** Label of the series -> heading, in the order of the columns. */
  readonly columns: Readonly<Record<string, string>>
  /** Heading of the value, or null to leave it out. */
  readonly value: string | null
}

/** What is, now: a row for each series. */
export function table(about: Table): Panel {
  const labels = Object.keys(about.columns)
  const shown = about.value === null ? labels : [...labels, 'Value']
  const target = instantQuery({ expr: about.expr, legend: '' }, 0, PromQueryFormat.Table)
  const builder = new TableBuilder()
    .showHeader(true)
    .filterable(true)
    .targets([target])
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true, ...(about.value === null ? { Value: true } : {}) },
        indexByName: Object.fromEntries(shown.map((label, index) => [label, index])),
        renameByName: { ...about.columns, ...(about.value === null ? {} : { Value: about.value }) },
      },
    })
  return finish(builder, about, SIZE.table)
}

type Builder = cog.Builder<Panel> & {
  title(title: string): Builder
  description(description: string): Builder
  datasource(datasource: typeof DATASOURCE): Builder
  unit(unit: string): Builder
  span(span: number): Builder
  height(height: number): Builder
}

function finish(
  builder: Builder,
  about: About,
  size: { readonly span: number; readonly height: number },
): Panel {
  return builder
    .title(about.title)
    .description(about.description)
    .datasource(DATASOURCE)
    .unit(UNITS[about.unit])
    .span(about.span ?? size.span)
    .height(about.height ?? size.height)
    .build()
}

function rangeQuery(query: Query, index: number): DataqueryBuilder {
  return dataQuery(query, index)
    .range()
    .exemplar(query.exemplars ?? false)
}

function instantQuery(query: Query, index: number, format: PromQueryFormat): DataqueryBuilder {
  return dataQuery(query, index).instant().format(format)
}

function dataQuery({ expr, legend }: Query, index: number): DataqueryBuilder {
  const builder = new DataqueryBuilder().datasource(DATASOURCE).refId(refId(index)).expr(expr)
  return legend === '' ? builder : builder.legendFormat(legend)
}

/** A, B, C ... as Grafana counts. */
function refId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index)
}

function lastValue() {
  return new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false).fields('')
}

function thresholds(steps: readonly Step[] = [{ from: null, color: 'blue' }]) {
  const list: Threshold[] = steps.map(({ from, color }) => ({ value: from, color }))
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(list)
}
