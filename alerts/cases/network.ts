import { type AlertCase, counts, hold, then } from './case.ts'

const PLACE = 'group="experiment",zone="a"'
const GATEWAY = `${PLACE},node="experiment-a",service="gateway",pod="gateway-1"`
const OF_ZONE = { group: 'experiment', zone: 'a', service: 'network' }

const dnsProbe = (metric: string, values: string, more = '') => ({
  [`${metric}{job="probe-dns",${PLACE},service="network",from="a"${more}}`]: values,
})
const echo = (metric: string, values: string, from = 'b', more = '') => ({
  [`${metric}{job="probe-icmp-zones",${PLACE},service="network",from="${from}"${more}}`]: values,
})
const RTT = ',phase="rtt"'
/** One of eight echoes does not come back. */
const lossy = (seconds: number) => Array.from({ length: seconds / 40 }, () => '1 1 1 0 1 1 1 1').join(' ')

export const NETWORK_CASES: readonly AlertCase[] = [
  {
    alert: 'DnsFailing',
    fires: {
      told: dnsProbe('probe_success', then(hold(1, 60), hold(0, 30), hold(1, 180))),
      notYetSeconds: 65,
      atSeconds: 80,
      labels: OF_ZONE,
      resolvedSeconds: 160,
    },
    quiet: [
      {
        why: 'two of twelve got lost',
        told: dnsProbe('probe_success', then(hold(1, 60), '0 0', hold(1, 180))),
        atSeconds: 90,
      },
      {
        why: 'an echo failed, not a name',
        told: echo('probe_success', hold(0, 120)),
        atSeconds: 90,
      },
    ],
  },
  {
    alert: 'DnsFailing',
    fires: {
      told: {
        [`gateway_lookups_total{${GATEWAY},outcome="failed"}`]: counts([
          [60, 0],
          [20, 0.2],
          [220, 0],
        ]),
      },
      notYetSeconds: 60,
      atSeconds: 90,
      labels: { group: 'experiment', zone: 'a', service: 'gateway' },
      resolvedSeconds: 200,
    },
    quiet: [
      {
        why: 'two failed',
        told: {
          [`gateway_lookups_total{${GATEWAY},outcome="failed"}`]: counts([
            [60, 0],
            [10, 0.2],
            [220, 0],
          ]),
        },
        atSeconds: 90,
      },
      {
        why: 'all were answered',
        told: { [`gateway_lookups_total{${GATEWAY},outcome="ok"}`]: counts([[300, 2]]) },
        atSeconds: 200,
      },
    ],
  },
  {
    alert: 'DnsSlow',
    fires: {
      told: dnsProbe(
        'probe_dns_duration_seconds',
        then(hold(0.001, 60), hold(0.35, 90), hold(0.001, 60)),
        ',phase="request"',
      ),
      notYetSeconds: 90,
      atSeconds: 130,
      labels: OF_ZONE,
      resolvedSeconds: 170,
    },
    quiet: [
      {
        why: 'a fifth of a second',
        told: {
          ...dnsProbe('probe_dns_duration_seconds', hold(0.2, 120), ',phase="request"'),
          [`gateway_lookup_duration_seconds{${GATEWAY}}`]: hold(0.2, 120),
        },
        atSeconds: 100,
      },
      {
        why: 'one answer in five was quick',
        told: dnsProbe(
          'probe_dns_duration_seconds',
          '0.5 0.5 0.001 0.5 0.5 0.5 0.5 0.001 0.5 0.5 0.5 0.5 0.001 0.5',
          ',phase="request"',
        ),
        atSeconds: 65,
      },
    ],
  },
  {
    alert: 'DnsSlow',
    fires: {
      told: {
        [`gateway_lookup_duration_seconds{${GATEWAY}}`]: then(
          hold(0.002, 60),
          hold(0.35, 90),
          hold(0.002, 60),
        ),
      },
      atSeconds: 130,
      labels: { group: 'experiment', zone: 'a', service: 'gateway' },
      resolvedSeconds: 170,
    },
    quiet: [],
  },
  {
    alert: 'PacketLoss',
    fires: {
      told: {
        ...echo('probe_success', then(hold(1, 100), lossy(200), hold(1, 300)), 'b'),
        ...echo('probe_success', hold(1, 600), 'c'),
      },
      notYetSeconds: 120,
      atSeconds: 200,
      labels: OF_ZONE,
      resolvedSeconds: 450,
    },
    quiet: [
      {
        why: 'two of twenty-four: chance',
        told: echo('probe_success', then(hold(1, 100), '0', hold(1, 30), '0', hold(1, 200))),
        atSeconds: 160,
      },
      {
        why: 'three of a hundred',
        told: {
          ...echo('probe_success', then(hold(1, 100), '0 0 0', hold(1, 200)), 'b'),
          ...echo('probe_success', hold(1, 300), 'c'),
          ...echo('probe_success', hold(1, 300), 'd'),
          ...echo('probe_success', hold(1, 300), 'e'),
        },
        atSeconds: 160,
      },
    ],
  },
  {
    alert: 'NetworkLatencyHigh',
    fires: {
      told: echo(
        'probe_icmp_duration_seconds',
        then(hold(0.0002, 60), hold(0.03, 120), hold(0.0002, 60)),
        'b',
        RTT,
      ),
      notYetSeconds: 90,
      atSeconds: 105,
      labels: OF_ZONE,
      resolvedSeconds: 200,
    },
    quiet: [
      {
        why: 'fifteen milliseconds',
        told: echo('probe_icmp_duration_seconds', hold(0.015, 200), 'b', RTT),
        atSeconds: 150,
      },
      {
        why: 'the machine was busy, and one echo in five quick',
        told: echo(
          'probe_icmp_duration_seconds',
          Array.from({ length: 9 }, () => '0.001 0.1x3').join(' '),
          'b',
          RTT,
        ),
        atSeconds: 170,
      },
    ],
  },
]
