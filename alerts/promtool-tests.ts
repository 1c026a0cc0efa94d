import { stringify } from 'yaml'
import { type AlertCase, type Carried, STEP_SECONDS, type Told } from './cases/case.ts'
import { type AlertRule, duration, type RecordingRule, type RuleGroup, staticLabels } from './rule.ts'

/** One look at whether an alert fires. Its words stand in the query as a comment, where a failure shows them. */
type Look = { readonly what: string; readonly atSeconds: number; readonly firing: readonly Carried[] }

/** An alert and its cases, ready for promtool. */
export type PromtoolTest = {
  /** The rules: the alert, and of all recorded series those it is made of. The others would only cost time. */
  readonly rules: RuleGroup
  /** For `promtool test rules`, beside `<name of the alert>.yml`. */
  readonly test: string
}

/**
 * The cases of one alert. Prometheus itself tells which alerts fire: the series ALERTS bears all labels of the alert, and
 * nothing but them.
 */
export function promtoolTest(
  rule: AlertRule,
  groups: readonly RuleGroup[],
  cases: readonly AlertCase[],
): PromtoolTest {
  const stepSeconds = cases[0]?.stepSeconds ?? STEP_SECONDS
  const recordings = groups.flatMap(group => group.recordings)
  const needed = neededBy(rule.expr, recordings)
  return {
    rules: {
      name: rule.name,
      recordings: recordings.filter(({ record }) => needed.has(record)),
      alerts: [rule],
    },
    test: stringify(
      {
        rule_files: [`${rule.name}.yml`],
        evaluation_interval: duration(stepSeconds),
        tests: cases.flatMap(each => testsOf(each, rule, stepSeconds)),
      },
      { lineWidth: 0, aliasDuplicateObjects: false },
    ),
  }
}

/** Names of recorded series that `expr` is made of, also by way of others. */
function neededBy(expr: string, recordings: readonly RecordingRule[]): ReadonlySet<string> {
  const needed = new Set<string>()
  const open = [expr]
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    for (const name of new Set(recordings.map(({ record }) => record))) {
      if (needed.has(name) || !text.includes(name)) continue
      needed.add(name)
      open.push(...recordings.filter(({ record }) => record === name).map(each => each.expr))
    }
  }
  return needed
}

function testsOf({ fires, quiet }: AlertCase, rule: AlertRule, stepSeconds: number) {
  const firing = Array.isArray(fires.labels) ? fires.labels : [fires.labels]
  const story: readonly Look[] = [
    ...(fires.notYetSeconds === undefined
      ? []
      : [{ what: 'does not fire yet', atSeconds: fires.notYetSeconds, firing: [] }]),
    { what: 'fires', atSeconds: fires.atSeconds, firing },
    ...(fires.resolvedSeconds === null
      ? []
      : [{ what: 'resolves', atSeconds: fires.resolvedSeconds, firing: [] }]),
  ]
  return [
    test(rule, fires.told, story, stepSeconds),
    ...quiet.map(({ why, told, atSeconds }) =>
      test(rule, told, [{ what: `is quiet: ${why}`, atSeconds, firing: [] }], stepSeconds),
    ),
  ]
}

function test(rule: AlertRule, told: Told, looks: readonly Look[], stepSeconds: number) {
  return {
    interval: duration(stepSeconds),
    input_series: Object.entries(told).map(([series, values]) => ({ series, values })),
    promql_expr_test: looks.map(({ what, atSeconds, firing }) => ({
      expr: `ALERTS{alertname="${rule.name}",alertstate="firing"} # ${rule.name} ${what}`,
      eval_time: atSeconds === 0 ? '0s' : duration(atSeconds),
      exp_samples: firing.map(carried => ({ labels: alertSeries(rule, carried), value: 1 })),
    })),
  }
}

function alertSeries(rule: AlertRule, carried: Carried): string {
  const labels = { ...carried, ...staticLabels(rule), alertname: rule.name, alertstate: 'firing' }
  return `ALERTS{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')}}`
}
