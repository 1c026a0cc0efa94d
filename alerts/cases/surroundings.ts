import { GROUPS } from '../../platform/topology.ts'
import { type AlertCase, counts, hold, silent, then } from './case.ts'

const PLACE = 'group="experiment",zone="a"'
const GATEWAY = `${PLACE},node="experiment-a",service="gateway",pod="gateway-1"`
const OF_GATEWAY = {
  group: 'experiment',
  zone: 'a',
  node: 'experiment-a',
  service: 'gateway',
  pod: 'gateway-1',
}
const OF_ZONE = { group: 'experiment', zone: 'a', service: 'network' }

/** promtool's time begins at 0: a right clock tells the seconds since then. */
const clock = (values: string, metric = 'process_clock_seconds') => ({
  [`${metric}{job="gateway",instance="1",${GATEWAY}}`]: values,
})
const scrape = (seconds: number, values = hold(seconds, 600), job = 'gateway') => ({
  [`scrape_duration_seconds{job="${job}",instance="1",${GATEWAY}}`]: values,
})
const patroni = (values: string) => ({
  [`patroni_dcs_last_seen{job="database",instance="2",${PLACE},node="experiment-a",service="database",pod="database-0"}`]:
    values,
})
const OF_DATABASE = { ...OF_GATEWAY, service: 'database', pod: 'database-0' }

const dnsProbe = (metric: string, values: string, more = '') => ({
  [`${metric}{job="probe-dns",${PLACE},service="network",from="a"${more}}`]: values,
})
const echo = (metric: string, values: string, from = 'b', more = '') => ({
  [`${metric}{job="probe-icmp-zones",${PLACE},service="network",from="${from}"${more}}`]: values,
})
const RTT = ',phase="rtt"'
/** One of eight echoes does not come back. */
const lossy = (seconds: number) => Array.from({ length: seconds / 40 }, () => '1 1 1 0 1 1 1 1').join(' ')

export const CLOCK_CASES: readonly AlertCase[] = [
  {
    alert: 'ClockOffset',
    fires: {
      // Two probers ask the same name, under the same address: they are no scrapes of a clock.
      told: {
        ...clock(then('0+5x11', '61.5+5x11', '120+5x20')),
        ...scrape(0.1),
        'scrape_duration_seconds{job="probe-dns",instance="names",zone="a"}': hold(3, 600),
        'scrape_duration_seconds{job="probe-dns",instance="names",zone="b"}': hold(3, 600),
      },
      notYetSeconds: 60,
      atSeconds: 90,
      labels: OF_GATEWAY,
      resolvedSeconds: 140,
    },
    quiet: [
      {
        why: 'it was asked late: the scrape took four seconds',
        told: { ...clock('2+5x40'), ...scrape(4), ...scrape(3.9, hold(3.9, 200), 'probe-icmp') },
        atSeconds: 100,
      },
      {
        why: 'it is off by less than a second',
        told: { ...clock('0.9+5x40'), ...scrape(0.05) },
        atSeconds: 100,
      },
    ],
  },
  {
    alert: 'ClockOffset',
    fires: {
      // Behind, and a node's.
      told: { ...clock(then('0+5x11', '58.5+5x11', '120+5x20'), 'node_time_seconds'), ...scrape(0.1) },
      atSeconds: 90,
      labels: OF_GATEWAY,
      resolvedSeconds: 140,
    },
    quiet: [],
  },
  {
    alert: 'ClockOffset',
    fires: {
      told: patroni(then('0+5x11', '61.5+5x11', '119+5x20')),
      notYetSeconds: 60,
      atSeconds: 90,
      labels: OF_DATABASE,
      resolvedSeconds: 140,
    },
    quiet: [
      {
        why: 'a member cannot reach the API server: its news are old, its clock is right',
        told: patroni(then('0+5x11', hold(55, 120))),
        atSeconds: 120,
      },
      { why: 'its last round was three seconds ago', told: patroni('-3+5x40'), atSeconds: 120 },
      { why: 'it is ahead by less than a second', told: patroni('0.9+5x40'), atSeconds: 120 },
    ],
  },
  {
    alert: 'ClockOffset',
    fires: {
      told: patroni(then('0+5x11', '55+5x11', '119+5x20')),
      notYetSeconds: 60,
      atSeconds: 100,
      labels: OF_DATABASE,
      resolvedSeconds: 150,
    },
    quiet: [],
  },
]

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
      notYetSeconds: 95,
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
      notYetSeconds: 125,
      atSeconds: 150,
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
        why: 'the machine was busy, and one echo in ten quick',
        told: echo(
          'probe_icmp_duration_seconds',
          Array.from({ length: 5 }, () => '0.001 0.1x8').join(' '),
          'b',
          RTT,
        ),
        atSeconds: 200,
      },
    ],
  },
]

const up = (job: string, group: string, values: string) => ({
  [`up{job="${job}",group="${group}"}`]: values,
})
/** Every target that is wanted, but of one job. */
const allBut = (missing: string) => {
  const perGroup = ['edge', 'gateway', 'recommender', 'database', 'postgres', 'probe-icmp-zones', 'probe-dns']
  const targets = [
    ...GROUPS.flatMap(group => perGroup.map(job => [job, group] as const)),
    ...[...GROUPS, 'system'].flatMap(group => [
      ['node-exporter', group] as const,
      ['containers', group] as const,
    ]),
    ...['alertmanager', 'object-state', 'oncall', 'zipkin'].map(job => [job, 'system'] as const),
  ]
  return Object.assign(
    {},
    ...targets
      .filter(([job, group]) => `${job} ${group}` !== missing)
      .map(([job, group]) => up(job, group, hold(1, 600))),
  ) as Record<string, string>
}

const failures = (metric: string, stretches: Parameters<typeof counts>[0]) => ({
  [metric]: counts(stretches),
})

export const OBSERVATION_CASES: readonly AlertCase[] = [
  {
    alert: 'Watchdog',
    fires: { told: { up: hold(1, 60) }, atSeconds: 0, labels: {}, resolvedSeconds: null },
    quiet: [],
  },
  {
    alert: 'TargetDown',
    fires: {
      told: {
        [`up{job="gateway",instance="1",${GATEWAY}}`]: then(hold(1, 30), hold(0, 60), hold(1, 60)),
        'up{job="containers",instance="2",group="experiment",zone="b",node="experiment-b"}': then(
          hold(1, 30),
          hold(0, 60),
          hold(1, 60),
        ),
      },
      notYetSeconds: 40,
      atSeconds: 60,
      labels: [
        { ...OF_GATEWAY, job: 'gateway' },
        { group: 'experiment', zone: 'b', node: 'experiment-b', service: 'kubelet', job: 'containers' },
      ],
      resolvedSeconds: 110,
    },
    quiet: [
      {
        why: 'the prober that asks it does not answer',
        told: { [`up{job="probe-icmp",instance="1",${GATEWAY}}`]: hold(0, 90) },
        atSeconds: 60,
      },
      {
        why: 'two scrapes failed',
        told: { [`up{job="gateway",instance="1",${GATEWAY}}`]: then(hold(1, 30), '0 0', hold(1, 60)) },
        atSeconds: 45,
      },
    ],
  },
  {
    alert: 'TargetAbsent',
    fires: {
      told: {
        ...allBut('recommender experiment'),
        ...up('recommender', 'experiment', then(hold(1, 30), 'stale', silent(85), hold(1, 60))),
      },
      notYetSeconds: 55,
      atSeconds: 80,
      labels: { group: 'experiment', job: 'recommender', service: 'recommender' },
      resolvedSeconds: 140,
    },
    quiet: [
      {
        why: 'all are there, and one of them is down',
        told: { ...allBut('edge control'), ...up('edge', 'control', hold(0, 120)) },
        atSeconds: 100,
      },
    ],
  },
  {
    alert: 'RuleEvaluationFailing',
    fires: {
      told: failures('prometheus_rule_evaluation_failures_total{rule_group="/etc/nodes.yml;nodes"}', [
        [60, 0],
        [20, 0.2],
        [600, 0],
      ]),
      notYetSeconds: 65,
      atSeconds: 100,
      labels: { rule_group: '/etc/nodes.yml;nodes' },
      resolvedSeconds: 500,
    },
    quiet: [
      {
        why: 'two evaluations failed',
        told: {
          'prometheus_rule_evaluation_failures_total{rule_group="x"}': then(hold(0, 60), hold(2, 120)),
        },
        atSeconds: 150,
      },
    ],
  },
  {
    alert: 'RuleEvaluationLate',
    fires: {
      told: failures('prometheus_rule_group_iterations_missed_total{rule_group="x"}', [
        [60, 0],
        [20, 0.2],
        [600, 0],
      ]),
      notYetSeconds: 65,
      atSeconds: 100,
      labels: { rule_group: 'x' },
      resolvedSeconds: 500,
    },
    quiet: [
      {
        why: 'two were left out while the machine stood still',
        told: {
          'prometheus_rule_group_iterations_missed_total{rule_group="x"}': then(hold(0, 60), hold(2, 120)),
        },
        atSeconds: 150,
      },
    ],
  },
  {
    alert: 'AlertmanagersMissing',
    fires: {
      told: {
        prometheus_notifications_alertmanagers_discovered: then(hold(2, 30), hold(1, 60), hold(2, 60)),
      },
      notYetSeconds: 55,
      atSeconds: 80,
      labels: {},
      resolvedSeconds: 110,
    },
    quiet: [
      {
        why: 'both are known',
        told: { prometheus_notifications_alertmanagers_discovered: hold(2, 120) },
        atSeconds: 100,
      },
    ],
  },
  {
    alert: 'NotificationsFailing',
    fires: {
      told: {
        'prometheus_notifications_errors_total{alertmanager="http://oncall:8070/api/v2/alerts"}': counts([
          [60, 0],
          [20, 0.2],
          [600, 0],
        ]),
      },
      notYetSeconds: 65,
      atSeconds: 100,
      labels: { alertmanager: 'http://oncall:8070/api/v2/alerts' },
      resolvedSeconds: 500,
    },
    quiet: [
      {
        why: 'two attempts failed',
        told: {
          'prometheus_notifications_errors_total{alertmanager="x"}': then(hold(0, 60), hold(2, 120)),
          prometheus_notifications_dropped_total: hold(0, 180),
        },
        atSeconds: 150,
      },
    ],
  },
  {
    alert: 'NotificationsFailing',
    fires: {
      told: {
        prometheus_notifications_dropped_total: counts([
          [60, 0],
          [60, 0.2],
          [600, 0],
        ]),
      },
      atSeconds: 100,
      labels: {},
      resolvedSeconds: 500,
    },
    quiet: [],
  },
  {
    alert: 'DeliveryFailing',
    fires: {
      told: {
        'alertmanager_notifications_failed_total{integration="webhook"}': counts([
          [60, 0],
          [20, 0.2],
          [600, 0],
        ]),
      },
      notYetSeconds: 65,
      atSeconds: 100,
      labels: { integration: 'webhook' },
      resolvedSeconds: 500,
    },
    quiet: [
      {
        why: 'two attempts failed',
        told: {
          'alertmanager_notifications_failed_total{integration="webhook"}': then(hold(0, 60), hold(2, 120)),
        },
        atSeconds: 150,
      },
    ],
  },
]
