import { stringify } from 'yaml'
import { FORWARDED_PORTS } from '../platform/topology.ts'

/** How urgently a person is wanted: now, today, or only when they look for something else. */
export const SEVERITIES = ['page', 'ticket', 'info'] as const
export type Severity = (typeof SEVERITIES)[number]

/**
 * What an alert speaks of, which decides what silences it: a lost zone explains its nodes, a lost node explains what ran
 * there; what happens to a node that lives is a `cause`. `burn` is what users feel, and nothing silences it; `lab` is the
 * observation itself.
 */
export const TIERS = ['burn', 'zone', 'node', 'cause', 'lab'] as const
export type Tier = (typeof TIERS)[number]

/** Level of the incident that an alert opens by itself, 1 (worst) to 4. */
export type SevLevel = 1 | 2 | 3 | 4

/** What keeps a single odd sample from being an alert. */
export type Guard =
  /** The condition holds that long, seconds; > 0. */
  | { readonly forSeconds: number }
  /** At least so many events are in the window; `expr` compares with this number. */
  | { readonly minEvents: number }
  /** Both. */
  | { readonly forSeconds: number; readonly minEvents: number }
  /** The alert fires always: it shows that alerts arrive. */
  | { readonly always: true }

export type AlertRule = {
  /** Unique; docs/runbooks/<name>.md tells what to do. */
  readonly name: string
  /** PromQL; every series that it returns is one alert. */
  readonly expr: string
  readonly guard: Guard
  readonly severity: Severity
  readonly tier: Tier
  readonly sev?: SevLevel
  /** Labels that are the same on every alert of this rule. */
  readonly labels?: Readonly<Record<string, string>>
  /** Labels that each series of `expr` brings along; those in brackets, `[zone]`, only where there is one. */
  readonly carries: readonly string[]
  /** One sentence that somebody woken up understands; may use templates. */
  readonly summary: string
  /** What is compared with what, and the value; may use templates. */
  readonly description: string
}

export type RecordingRule = {
  /** `level:metric:operations`. */
  readonly record: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
}

/** Rules that are evaluated one after the other, at the same instant; a file of Prometheus holds one group. */
export type RuleGroup = {
  /** Also the name of the file, without `.yml`. */
  readonly name: string
  /** How often, seconds; as often as everything else when it is missing. */
  readonly intervalSeconds?: number
  readonly recordings: readonly RecordingRule[]
  readonly alerts: readonly AlertRule[]
}

/** Folder of the runbooks, from the repository's root. */
export const RUNBOOK_FOLDER = 'docs/runbooks'

/** Path of the runbook of an alert, from the repository's root. */
export function runbookOf(name: string): string {
  return `${RUNBOOK_FOLDER}/${name}.md`
}

/** Where a person opens the console, which serves the runbooks. */
const CONSOLE_ADDRESS = `http://127.0.0.1:${FORWARDED_PORTS.oncall}`

/** Where a person reads the runbook of an alert, wherever he was told of it. */
export function runbookAddress(name: string): string {
  return `${CONSOLE_ADDRESS}/runbooks/${name}`
}

/** Labels that every alert of `rule` has, those of its series not counted. */
export function staticLabels(rule: AlertRule): Readonly<Record<string, string>> {
  return {
    ...rule.labels,
    severity: rule.severity,
    tier: rule.tier,
    ...(rule.sev === undefined ? {} : { sev: String(rule.sev) }),
  }
}

/** A duration as PromQL writes it. @param seconds whole, > 0 */
export function duration(seconds: number): string {
  if (!Number.isInteger(seconds) || seconds <= 0) {
    throw new RangeError(
      `Cannot write a duration: it must be whole seconds above 0, current value is ${seconds}`,
    )
  }
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const) {
    if (seconds % size === 0) return `${seconds / size}${unit}`
  }
  return `${seconds}s`
}

/** The file that Prometheus reads. */
export function ruleFile(group: RuleGroup): string {
  return stringify(
    {
      groups: [
        {
          name: group.name,
          ...(group.intervalSeconds === undefined ? {} : { interval: duration(group.intervalSeconds) }),
          rules: [
            ...group.recordings.map(({ record, expr, labels }) => ({
              record,
              expr,
              ...(labels === undefined ? {} : { labels }),
            })),
            ...group.alerts.map(alertEntry),
          ],
        },
      ],
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  )
}

function alertEntry(rule: AlertRule) {
  const { name, expr, guard, summary, description } = rule
  return {
    alert: name,
    expr,
    ...('forSeconds' in guard ? { for: duration(guard.forSeconds) } : {}),
    labels: staticLabels(rule),
    annotations: { summary, description, runbook_url: runbookAddress(name) },
  }
}
