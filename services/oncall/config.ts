/**
 * Settings of oncall, read once from the environment.
 *
 * | variable | default | meaning |
 * | --- | --- | --- |
 * | OC_LISTEN_HOST | 0.0.0.0 | address to listen on |
 * | OC_PORT | 8070 | API, console, /metrics, /healthz, /readyz |
 * | OC_DATABASE_HOST | required | host of its own Postgres |
 * | OC_DATABASE_PORT | 5432 | |
 * | OC_DATABASE_NAME | oncall | |
 * | OC_DATABASE_USER | oncall | owner of the schema: it applies the migrations |
 * | OC_SECRETS_DIR | /etc/oncall/secrets | folder with one file for each of SECRETS |
 * | OC_EVENT_KEY | required | public key of the DSN, letters and digits: it only tells whose events these are and is no secret |
 * | OC_PROMETHEUS_URL | required | Prometheus inside the cluster, without a final slash |
 * | OC_ZIPKIN_URL | none | Zipkin as a browser reaches it, for links |
 * | OC_PUBLIC_URL | none | where a browser reaches oncall; with https the session cookie is `Secure` |
 * | OC_DASHBOARDS_DIR | none | folder of `<uid>.json`, the dashboards as Grafana takes them |
 * | OC_POLICY_FILE | none | promises, rules and panels (weekly/policy.ts); without it nothing is known of what users felt |
 * | OC_EVALUATION_SECONDS | 5 | Prometheus' evaluation interval: rows of one alert within two of them merge |
 * | OC_RESEND_SECONDS | 60 | Prometheus' --rules.alert.resend-delay: silence of four of them ends an alert |
 * | OC_REFIRE_SECONDS | 300 | an alert that fires again within this time is the same event |
 * | OC_ABANDONED_SECONDS | 60 | a run whose runner was silent that long is abandoned |
 * | OC_EVENTS_PER_GROUP | 200 | error events kept with details; the oldest go |
 * | OC_EVENT_GROUPS | 2000 | groups kept; those not seen for longest go |
 * | OC_EVENT_BODY_BYTES | 1048576 | largest envelope, inflated |
 * | OC_EVENTS_PER_SECOND | 50 | of one service of a group; above it its SDK is told to wait; a burst of ten seconds' worth passes |
 * | OC_RETENTION_DAYS | 90 | error events and runs older than this go; alert events stay |
 * | OC_FACTS_DAYS | 7 | raw facts older than this go: a hundred thousand a day while thirty alerts fire; their events stay |
 *
 * The prefix is not ONCALL_: Kubernetes sets ONCALL_PORT=tcp://... in every pod beside a Service called oncall.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../platform/errors.ts'

const PREFIX = 'OC_'

/** Files of OC_SECRETS_DIR; a final line end does not count. */
export const SECRETS = [
  /** Password of OC_DATABASE_USER. */
  'database',
  /** Bearer token of Prometheus and of Alertmanager's webhook. */
  'recorder',
  /** `x-divergence-token` of the runner: mirrors a run, halts everything. */
  'runner',
  /** What a person signs in with. */
  'console',
  /** Signs session cookies. */
  'session',
] as const
export type SecretName = (typeof SECRETS)[number]

/** Shorter ones can be guessed. */
const FEWEST_SECRET_CHARACTERS = 16

const NUMBERS = {
  OC_PORT: { fallback: 8070, min: 0, max: 65_535 },
  OC_DATABASE_PORT: { fallback: 5432, min: 1, max: 65_535 },
  OC_EVALUATION_SECONDS: { fallback: 5, min: 1, max: 3600 },
  OC_RESEND_SECONDS: { fallback: 60, min: 1, max: 3600 },
  OC_REFIRE_SECONDS: { fallback: 300, min: 0, max: 86_400 },
  OC_ABANDONED_SECONDS: { fallback: 60, min: 1, max: 3600 },
  OC_EVENTS_PER_GROUP: { fallback: 200, min: 1, max: 100_000 },
  OC_EVENT_GROUPS: { fallback: 2000, min: 1, max: 100_000 },
  OC_EVENT_BODY_BYTES: { fallback: 1_048_576, min: 1024, max: 104_857_600 },
  OC_EVENTS_PER_SECOND: { fallback: 50, min: 1, max: 10_000 },
  OC_FACTS_DAYS: { fallback: 7, min: 1, max: 3650 },
  OC_RETENTION_DAYS: { fallback: 90, min: 1, max: 3650 },
} as const satisfies Record<string, { fallback: number; min: number; max: number }>

const TEXTS = [
  'OC_LISTEN_HOST',
  'OC_DATABASE_HOST',
  'OC_DATABASE_NAME',
  'OC_DATABASE_USER',
  'OC_SECRETS_DIR',
  'OC_EVENT_KEY',
  'OC_PROMETHEUS_URL',
  'OC_ZIPKIN_URL',
  'OC_PUBLIC_URL',
  'OC_DASHBOARDS_DIR',
  'OC_POLICY_FILE',
] as const

export type OncallConfig = {
  readonly listen: { readonly host: string; readonly port: number }
  readonly database: {
    readonly host: string
    readonly port: number
    readonly name: string
    readonly user: string
  }
  readonly secrets: Readonly<Record<SecretName, string>>
  readonly prometheusUrl: string
  readonly zipkinUrl: string | null
  readonly publicUrl: string | null
  readonly dashboardsFolder: string | null
  readonly policyFile: string | null
  readonly alerts: {
    readonly evaluationSeconds: number
    readonly resendSeconds: number
    readonly refireSeconds: number
  }
  readonly runs: { readonly abandonedSeconds: number }
  readonly events: {
    readonly key: string
    readonly keptPerGroup: number
    readonly groups: number
    readonly bodyBytes: number
    readonly perSecond: number
  }
  readonly factsDays: number
  readonly retentionDays: number
}

/**
 * Reads the settings from `env` and the secrets from their files.
 *
 * @throws UserError that lists every problem at once; it never tells a secret
 */
export function parseConfig(
  env: Readonly<Record<string, string | undefined>>,
  readSecret: (path: string) => string = path => readFileSync(path, 'utf8'),
): OncallConfig {
  const problems: string[] = []
  const known: readonly string[] = [...Object.keys(NUMBERS), ...TEXTS]
  for (const name of Object.keys(env)) {
    if (name.startsWith(PREFIX) && !known.includes(name)) problems.push(`${name} is unknown`)
  }
  const number = (name: keyof typeof NUMBERS): number => {
    const { fallback, min, max } = NUMBERS[name]
    const text = env[name]
    if (text === undefined) return fallback
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (Number.isNaN(value) || value < min || value > max) {
      problems.push(`${name} must be a whole number from ${min} to ${max}: current value is '${text}'`)
    }
    return value
  }
  const url = (name: 'OC_PROMETHEUS_URL' | 'OC_ZIPKIN_URL' | 'OC_PUBLIC_URL'): string | null => {
    const text = env[name]
    if (text === undefined || text === '') return null
    const parsed = URL.parse(text)
    if (parsed === null || !['http:', 'https:'].includes(parsed.protocol) || parsed.username !== '') {
      problems.push(`${name} must be an http or https URL without credentials`)
    }
    return text.replace(/\/$/, '')
  }
  const required = (
    name: 'OC_DATABASE_HOST' | 'OC_PROMETHEUS_URL' | 'OC_EVENT_KEY',
    value: string | null | undefined,
  ) => {
    if (!value) problems.push(`${name} is missing`)
    return value ?? ''
  }

  if (env.OC_EVENT_KEY !== undefined && !/^[A-Za-z0-9]+$/.test(env.OC_EVENT_KEY)) {
    problems.push('OC_EVENT_KEY must be letters and digits')
  }

  const config: OncallConfig = {
    listen: { host: env.OC_LISTEN_HOST ?? '0.0.0.0', port: number('OC_PORT') },
    database: {
      host: required('OC_DATABASE_HOST', env.OC_DATABASE_HOST),
      port: number('OC_DATABASE_PORT'),
      name: env.OC_DATABASE_NAME ?? 'oncall',
      user: env.OC_DATABASE_USER ?? 'oncall',
    },
    secrets: readSecrets(env.OC_SECRETS_DIR ?? '/etc/oncall/secrets', readSecret, problems),
    prometheusUrl: required('OC_PROMETHEUS_URL', url('OC_PROMETHEUS_URL')),
    zipkinUrl: url('OC_ZIPKIN_URL'),
    publicUrl: url('OC_PUBLIC_URL'),
    dashboardsFolder: env.OC_DASHBOARDS_DIR || null,
    policyFile: env.OC_POLICY_FILE || null,
    alerts: {
      evaluationSeconds: number('OC_EVALUATION_SECONDS'),
      resendSeconds: number('OC_RESEND_SECONDS'),
      refireSeconds: number('OC_REFIRE_SECONDS'),
    },
    runs: { abandonedSeconds: number('OC_ABANDONED_SECONDS') },
    events: {
      key: required('OC_EVENT_KEY', env.OC_EVENT_KEY),
      keptPerGroup: number('OC_EVENTS_PER_GROUP'),
      groups: number('OC_EVENT_GROUPS'),
      bodyBytes: number('OC_EVENT_BODY_BYTES'),
      perSecond: number('OC_EVENTS_PER_SECOND'),
    },
    factsDays: number('OC_FACTS_DAYS'),
    retentionDays: number('OC_RETENTION_DAYS'),
  }
  if (problems.length > 0) {
    throw new UserError(
      'ONCALL_CONFIG',
      `Cannot start oncall: ${problems.join('; ')}`,
      `Known variables: ${known.join(', ')}.`,
    )
  }
  return config
}

function readSecrets(
  folder: string,
  readSecret: (path: string) => string,
  problems: string[],
): Readonly<Record<SecretName, string>> {
  const entries = SECRETS.map(name => {
    try {
      const secret = readSecret(join(folder, name)).replace(/\r?\n$/, '')
      if (secret.length < FEWEST_SECRET_CHARACTERS) {
        problems.push(`secret '${name}' must have at least ${FEWEST_SECRET_CHARACTERS} characters`)
      }
      return [name, secret]
    } catch (error) {
      problems.push(`secret '${name}' cannot be read: ${error instanceof Error ? error.message : error}`)
      return [name, '']
    }
  })
  return Object.fromEntries(entries) as Readonly<Record<SecretName, string>>
}
