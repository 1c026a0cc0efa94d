import type { Wanted } from './changes.ts'

/** What is expected of one row of the page. */
export type Expectation =
  | (Wanted & {
      /** Disturbance in which it is looked for. */
      readonly in: string
      /** What moves it: a kind of fault, or `ingest`. */
      readonly by: string
      /** Labels that the series has to have. */
      readonly labels?: Readonly<Record<string, string>>
      /** Why the control group moves as well; absent: it must not. */
      readonly shared?: string
      /** How much longer than others it takes to show, seconds. */
      readonly laterSeconds?: number
    })
  | {
      /** Why nothing that may be done to the lab moves it. */
      readonly unmoved: string
    }

const ONE_MACHINE = 'one machine carries all nodes of the local lab'
const ONE_MACHINE_BUSY = 'the batch and all nodes share the processors of one machine'

const moves =
  (name: string) =>
  (by: string, direction: Wanted['direction'], least: number, more: object = {}): Expectation => ({
    in: name,
    by,
    direction,
    least,
    ...more,
  })

const work = moves('work')
const silence = moves('silence')
const names = moves('names')
const failover = moves('failover')

/** By what the row of the page is called. */
export const EXPECTATIONS: Readonly<Record<string, Expectation>> = {
  CPU: work('cpu', 'rises', 0.3),
  'CPU, held back': {
    unmoved:
      'no container of the lab has a CPU limit, so none is held back and the kernel counts nothing: there is no series',
  },
  'CPU of nodes': work('cpu', 'rises', 0.2, { shared: ONE_MACHINE }),
  Memory: work('memory', 'rises', 0.2),
  'Memory, killed for': work('memory', 'rises', 0.5),
  Disk: names('disk-fill', 'rises', 0.004, { shared: ONE_MACHINE }),
  IO: work('io', 'rises', 0.1, { shared: ONE_MACHINE }),
  'IO, bytes': work('io', 'rises', 2_000_000, { shared: ONE_MACHINE }),
  'Shutdown of containers': work('kill-container', 'rises', 0.5, { labels: { service: 'gateway' } }),
  'Shutdown of nodes and zones': failover('zone-outage', 'falls', 1),
  'Shutdown, since when': failover('zone-outage', 'ends', 20),
  Processes: work('cpu', 'rises', 3, { labels: { service: 'gateway' } }),
  'Clock time': work('clock-skew', 'rises', 60),
  'DNS, failing': names('dns', 'rises', 0.3),
  'DNS, slow': names('dns', 'rises', 0.15, { labels: { zone: 'b' } }),
  'DNS, from each zone': failover('zone-outage', 'ends', 20),
  'Latency between zones': failover('zone-outage', 'ends', 20),
  'Latency to pods': names('latency', 'rises', 0.05),
  'Latency of requests': names('latency', 'rises', 0.05, { shared: ONE_MACHINE_BUSY }),
  'Packet loss': names('loss', 'rises', 0.1),
  'Pipeline: success': silence('slow-database', 'falls', 0.02),
  'Pipeline: gateway full': silence('slow-database', 'rises', 0.5),
  'Pipeline: gateway retries': silence('pause', 'rises', 0.5),
  'Pipeline: gateway breaker': silence('pause', 'rises', 1),
  'Pipeline: recommender': silence('slow-database', 'rises', 1),
  'Pipeline: database primary': failover('zone-outage', 'falls', 1),
  'Pipeline: database failover': failover('kill-primary', 'rises', 1),
  'Pipeline: database replicas': failover('partition', 'rises', 50_000, { isKnown: true }),
  'Pipeline: database synchronous replica': failover('kill-primary', 'falls', 1),
  'Pipeline: database connections': work('connection-exhaustion', 'rises', 0.3),
  'Pipeline: batch late': names('ingest', 'rises', 5),
  'Pipeline: batch failed': names('ingest', 'rises', 1),
  'Capacity: pods without room': names('oversubscribe', 'rises', 1, { labels: { phase: 'Pending' } }),
  'Capacity: replicas': failover('zone-outage', 'rises', 1),
  'Capacity: closed nodes': names('drain', 'rises', 1),
  'Capacity: oversubscription': names('oversubscribe', 'rises', 0.3),
  'Alerting: alerts': silence('slow-database', 'rises', 1),
  'Alerting: delivery': {
    unmoved: 'attacks reach the experimental group only, and neither Prometheus nor those whom it tells',
  },
  'Alerting: notification': {
    unmoved: 'attacks reach the experimental group only, and neither Alertmanager nor the on-call service',
  },
  'SEV: burn': silence('slow-database', 'rises', 1, { labels: { slo: 'gateway-availability' } }),
  'SEV: month': silence('slow-database', 'rises', 0.05, {
    labels: { slo: 'gateway-availability' },
    // It is recorded once a minute, over five minutes.
    laterSeconds: 90,
  }),
  'SEV: no primary': failover('zone-outage', 'rises', 1),
  'Events, stack traces, context, breadcrumbs': silence('slow-database', 'rises', 1),
  Traces: silence('surge', 'rises', 0.5),
  Attacks: silence('slow-database', 'rises', 1, { labels: { kind: 'slow-database' } }),
  Load: names('latency', 'rises', 0.05),
  'Observation itself': failover('zone-outage', 'falls', 0.1),
  'Observation itself: rules': {
    unmoved:
      'attacks do not reach Prometheus, and a rule that cannot be evaluated is refused before it is loaded',
  },
}

/** How long after a disturbance all of it has shown, seconds. */
export function laterOf(name: string): number {
  const later = Object.values(EXPECTATIONS).map(expected =>
    'in' in expected && expected.in === name ? (expected.laterSeconds ?? 0) : 0,
  )
  return Math.max(0, ...later)
}
