/**
 * Settings of the gateway, read once from the environment.
 *
 * | variable | default | meaning |
 * | --- | --- | --- |
 * | GW_UPSTREAM_HOST | required | DNS name with one A record per recommender, `recommender.<namespace>.svc.cluster.local`, or one IPv4 address |
 * | GW_UPSTREAM_PORT | PORTS.recommender | TCP port of every recommender |
 * | GW_LISTEN_HOST | 0.0.0.0 | address to listen on |
 * | GW_LISTEN_PORT | PORTS.gateway | public port: the API, /healthz, /readyz |
 * | GW_METRICS_PORT | PORTS.gatewayMetrics | /metrics, a server of its own |
 * | GW_DNS_REFRESH_MS | 500 | between two look-ups of the endpoints |
 * | GW_CONNECT_TIMEOUT_MS | 200 | to open a connection to an endpoint |
 * | GW_UPSTREAM_IDLE_MS | 20000 | idle upstream connections are closed; below the recommender's keep-alive (75 s) |
 * | GW_UPSTREAM_CONNECTIONS | 32 | most connections to one endpoint; three gateways together ask little more than its 40 threads |
 * | GW_READ_TRY_MS | 300 | a read slower than this is tried elsewhere too |
 * | GW_READ_DEADLINE_MS | 1600 | a read is answered by then, all tries together; above the recommender's 1.5 s, below the edge's 1.9 s for one GET |
 * | GW_WRITE_TRY_MS | 2000 | the same for writes with an Idempotency-Key |
 * | GW_WRITE_DEADLINE_MS | 2300 | below the edge's 2.5 s for one POST, so that the edge gets an answer, not silence |
 * | GW_ABANDON_MS | 5000 | a try that nobody waits for any more counts as in flight until its answer, or that long |
 * | GW_BODY_IDLE_MS | 5000 | an endpoint may be silent that long within a streamed body |
 * | GW_CLIENT_STALL_MS | 30000 | a client may read nothing that long |
 * | GW_CLIENT_IDLE_MS | 30000 | idle client connections are closed; above the edge's own idle time-out (20 s) |
 * | GW_EJECT_MS | 3000 | a failing endpoint is left alone that long, then probed with one request |
 * | GW_EJECT_FAILURES | 3 | consecutive failures until then; one failure to connect is enough |
 * | GW_RETRY_RATIO | 0.1 | budget: repeated requests per first request |
 * | GW_RETRY_BURST | 50 | budget: most tokens saved up, and those at the start |
 * | GW_RETRY_PER_SECOND | 1 | budget: tokens that come with time, for gateways with little traffic |
 * | GW_CONCURRENCY_MIN | 16 | the adaptive limit of requests in flight to the recommender never falls below |
 * | GW_CONCURRENCY_MAX | 64 | ... nor rises above; it starts here |
 * | GW_LATENCY_TARGET_MS | 200 | the limit falls while the median time to the first upstream byte is above |
 * | GW_QUEUE_LENGTH | 64 | requests that may wait for a place |
 * | GW_QUEUE_WAIT_MS | 100 | ... and how long, before they are shed |
 * | GW_BODY_LIMIT_BYTES | 16384 | largest request body |
 * | GW_HOLD_BYTES | 65536 | an answer up to this size is held until it is whole, so that it can be tried again |
 * | GW_DRAIN_NOTICE_MS | 1500 | after SIGTERM /readyz says 503 that long before the port closes; the edge needs 2 x 500 ms |
 * | GW_DRAIN_DEADLINE_MS | 5000 | then open requests get that long to end |
 *
 * The prefix is not GATEWAY_: Kubernetes sets GATEWAY_PORT=tcp://... in every pod beside a Service called gateway.
 */
import { UserError } from '../../platform/errors.ts'
import { PORTS } from '../../platform/topology.ts'

const PREFIX = 'GW_'

type NumberSetting = { readonly fallback: number; readonly min: number; readonly max: number }

/** Whole numbers save those in FRACTIONS; the unit is the end of the name. */
const NUMBERS = {
  GW_UPSTREAM_PORT: { fallback: PORTS.recommender, min: 1, max: 65_535 },
  GW_LISTEN_PORT: { fallback: PORTS.gateway, min: 0, max: 65_535 },
  GW_METRICS_PORT: { fallback: PORTS.gatewayMetrics, min: 0, max: 65_535 },
  GW_DNS_REFRESH_MS: { fallback: 500, min: 10, max: 60_000 },
  GW_CONNECT_TIMEOUT_MS: { fallback: 200, min: 1, max: 10_000 },
  GW_UPSTREAM_IDLE_MS: { fallback: 20_000, min: 100, max: 600_000 },
  GW_UPSTREAM_CONNECTIONS: { fallback: 32, min: 1, max: 10_000 },
  GW_READ_TRY_MS: { fallback: 300, min: 1, max: 60_000 },
  GW_READ_DEADLINE_MS: { fallback: 1600, min: 1, max: 60_000 },
  GW_WRITE_TRY_MS: { fallback: 2000, min: 1, max: 60_000 },
  GW_WRITE_DEADLINE_MS: { fallback: 2300, min: 1, max: 60_000 },
  GW_ABANDON_MS: { fallback: 5000, min: 1, max: 600_000 },
  GW_BODY_IDLE_MS: { fallback: 5000, min: 10, max: 600_000 },
  GW_CLIENT_STALL_MS: { fallback: 30_000, min: 10, max: 600_000 },
  GW_CLIENT_IDLE_MS: { fallback: 30_000, min: 10, max: 600_000 },
  GW_EJECT_MS: { fallback: 3000, min: 1, max: 600_000 },
  GW_EJECT_FAILURES: { fallback: 3, min: 1, max: 1000 },
  GW_RETRY_RATIO: { fallback: 0.1, min: 0, max: 1 },
  GW_RETRY_BURST: { fallback: 50, min: 0, max: 100_000 },
  GW_RETRY_PER_SECOND: { fallback: 1, min: 0, max: 10_000 },
  GW_CONCURRENCY_MIN: { fallback: 16, min: 1, max: 10_000 },
  GW_CONCURRENCY_MAX: { fallback: 64, min: 1, max: 10_000 },
  GW_LATENCY_TARGET_MS: { fallback: 200, min: 1, max: 60_000 },
  GW_QUEUE_LENGTH: { fallback: 64, min: 0, max: 100_000 },
  GW_QUEUE_WAIT_MS: { fallback: 100, min: 1, max: 60_000 },
  GW_BODY_LIMIT_BYTES: { fallback: 16_384, min: 1, max: 1_048_576 },
  GW_HOLD_BYTES: { fallback: 65_536, min: 0, max: 1_048_576 },
  GW_DRAIN_NOTICE_MS: { fallback: 1500, min: 0, max: 60_000 },
  GW_DRAIN_DEADLINE_MS: { fallback: 5000, min: 0, max: 600_000 },
} as const satisfies Record<string, NumberSetting>

const FRACTIONS: ReadonlySet<string> = new Set(['GW_RETRY_RATIO', 'GW_RETRY_PER_SECOND'])
const TEXTS = ['GW_UPSTREAM_HOST', 'GW_LISTEN_HOST'] as const

/** Time limits of one kind of request, milliseconds; 0 < tryMs <= deadlineMs. */
export type Patience = { readonly tryMs: number; readonly deadlineMs: number }

export type GatewayConfig = {
  readonly listen: { readonly host: string; readonly port: number; readonly metricsPort: number }
  readonly upstream: {
    readonly host: string
    readonly port: number
    readonly dnsRefreshMs: number
    readonly connectTimeoutMs: number
    readonly idleMs: number
    readonly connections: number
    readonly bodyIdleMs: number
    readonly abandonMs: number
  }
  readonly patience: { readonly read: Patience; readonly write: Patience }
  readonly breaker: { readonly ejectMs: number; readonly failures: number }
  readonly budget: { readonly ratio: number; readonly burst: number; readonly perSecond: number }
  readonly admission: {
    readonly concurrencyMin: number
    readonly concurrencyMax: number
    readonly latencyTargetMs: number
    readonly queueLength: number
    readonly queueWaitMs: number
  }
  readonly limits: { readonly bodyBytes: number; readonly holdBytes: number }
  readonly client: { readonly stallMs: number; readonly idleMs: number }
  readonly drain: { readonly noticeMs: number; readonly deadlineMs: number }
}

/**
 * Reads the settings from `env`.
 *
 * @throws UserError that lists every problem at once: unknown GW_ variable, not a number, out of range, contradiction
 */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): GatewayConfig {
  const problems: string[] = []
  const known = [...Object.keys(NUMBERS), ...TEXTS]
  for (const name of Object.keys(env)) {
    if (name.startsWith(PREFIX) && !known.includes(name)) problems.push(`${name} is unknown`)
  }

  const number = (name: keyof typeof NUMBERS): number => {
    const { fallback, min, max } = NUMBERS[name]
    const text = env[name]
    if (text === undefined) return fallback
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    const kind = FRACTIONS.has(name) ? 'a number' : 'a whole number'
    const wrongKind = Number.isNaN(value) || (kind === 'a whole number' && !Number.isInteger(value))
    if (wrongKind || value < min || value > max) {
      problems.push(`${name} must be ${kind} from ${min} to ${max}: current value is '${text}'`)
    }
    return value
  }

  const host = env.GW_UPSTREAM_HOST ?? ''
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host)) {
    problems.push(`GW_UPSTREAM_HOST must be a DNS name or an IPv4 address: current value is '${host}'`)
  }
  const patience = (kind: 'READ' | 'WRITE'): Patience => {
    const tryMs = number(`GW_${kind}_TRY_MS`)
    const deadlineMs = number(`GW_${kind}_DEADLINE_MS`)
    if (tryMs > deadlineMs) {
      problems.push(`GW_${kind}_TRY_MS must not be above GW_${kind}_DEADLINE_MS: ${tryMs} > ${deadlineMs}`)
    }
    return { tryMs, deadlineMs }
  }
  const concurrencyMin = number('GW_CONCURRENCY_MIN')
  const concurrencyMax = number('GW_CONCURRENCY_MAX')
  if (concurrencyMin > concurrencyMax) {
    problems.push(
      `GW_CONCURRENCY_MIN must not be above GW_CONCURRENCY_MAX: ${concurrencyMin} > ${concurrencyMax}`,
    )
  }

  const config: GatewayConfig = {
    listen: {
      host: env.GW_LISTEN_HOST ?? '0.0.0.0',
      port: number('GW_LISTEN_PORT'),
      metricsPort: number('GW_METRICS_PORT'),
    },
    upstream: {
      host,
      port: number('GW_UPSTREAM_PORT'),
      dnsRefreshMs: number('GW_DNS_REFRESH_MS'),
      connectTimeoutMs: number('GW_CONNECT_TIMEOUT_MS'),
      idleMs: number('GW_UPSTREAM_IDLE_MS'),
      connections: number('GW_UPSTREAM_CONNECTIONS'),
      bodyIdleMs: number('GW_BODY_IDLE_MS'),
      abandonMs: number('GW_ABANDON_MS'),
    },
    patience: { read: patience('READ'), write: patience('WRITE') },
    breaker: { ejectMs: number('GW_EJECT_MS'), failures: number('GW_EJECT_FAILURES') },
    budget: {
      ratio: number('GW_RETRY_RATIO'),
      burst: number('GW_RETRY_BURST'),
      perSecond: number('GW_RETRY_PER_SECOND'),
    },
    admission: {
      concurrencyMin,
      concurrencyMax,
      latencyTargetMs: number('GW_LATENCY_TARGET_MS'),
      queueLength: number('GW_QUEUE_LENGTH'),
      queueWaitMs: number('GW_QUEUE_WAIT_MS'),
    },
    limits: { bodyBytes: number('GW_BODY_LIMIT_BYTES'), holdBytes: number('GW_HOLD_BYTES') },
    client: { stallMs: number('GW_CLIENT_STALL_MS'), idleMs: number('GW_CLIENT_IDLE_MS') },
    drain: { noticeMs: number('GW_DRAIN_NOTICE_MS'), deadlineMs: number('GW_DRAIN_DEADLINE_MS') },
  }
  if (problems.length > 0) {
    throw new UserError(
      'GATEWAY_CONFIG',
      `Cannot start the gateway: ${problems.join('; ')}`,
      `Known variables: ${known.join(', ')}.`,
    )
  }
  return config
}
