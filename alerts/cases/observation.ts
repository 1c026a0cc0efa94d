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

const up = (job: string, group: string, values: string) => ({
  [`up{job="${job}",group="${group}"}`]: values,
})
/** Every target that is wanted, but for those of `job group`. */
const allBut = (...missing: readonly string[]) => {
  const probes = ['probe-http', 'probe-icmp', 'probe-icmp-zones', 'probe-dns']
  const perGroup = ['edge', 'gateway', 'recommender', 'database', 'postgres', ...probes]
  const targets = [
    ...GROUPS.flatMap(group => perGroup.map(job => [job, group] as const)),
    ...[...GROUPS, 'system'].flatMap(group => [
      ['node-exporter', group] as const,
      ['containers', group] as const,
      ['blackbox', group] as const,
    ]),
    ...['alertmanager', 'object-state', 'oncall', 'zipkin'].map(job => [job, 'system'] as const),
  ]
  return Object.assign(
    {},
    ...targets
      .filter(([job, group]) => !missing.includes(`${job} ${group}`))
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
        // A prober that hangs: what it is asked to ask fails too, under the names of others.
        'up{job="blackbox",instance="3",group="system",node="system",service="blackbox",pod="blackbox-1"}':
          then(hold(1, 30), hold(0, 60), hold(1, 60)),
        [`up{job="probe-icmp",instance="3->1",${GATEWAY}}`]: then(hold(1, 30), hold(0, 60), hold(1, 60)),
      },
      notYetSeconds: 40,
      atSeconds: 60,
      labels: [
        { ...OF_GATEWAY, job: 'gateway' },
        { group: 'experiment', zone: 'b', node: 'experiment-b', service: 'kubelet', job: 'containers' },
        { group: 'system', node: 'system', service: 'blackbox', pod: 'blackbox-1', job: 'blackbox' },
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
        why: 'the API server did not answer one scrape, which are half a minute apart',
        told: {
          'up{job="apiserver",instance="4",group="system",node="control-plane",service="apiserver"}': then(
            '1 _ _ _ _ _ 0 _ _ _ _ _ 1',
            silent(60),
          ),
        },
        atSeconds: 55,
      },
      {
        why: 'two scrapes failed',
        told: { [`up{job="gateway",instance="1",${GATEWAY}}`]: then(hold(1, 30), '0 0', hold(1, 60)) },
        atSeconds: 45,
      },
    ],
  },
  {
    alert: 'TargetDown',
    fires: {
      told: {
        'up{job="apiserver",instance="4",group="system",node="control-plane",service="apiserver"}':
          '1 _ _ _ _ _ 0 _ _ _ _ _ 0 _ _ _ _ _ 0 _ _ _ _ _ 1 _ _ _ _ _ 1',
      },
      notYetSeconds: 60,
      atSeconds: 100,
      labels: { group: 'system', node: 'control-plane', service: 'apiserver', job: 'apiserver' },
      resolvedSeconds: 125,
    },
    quiet: [],
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
    alert: 'TargetAbsent',
    fires: {
      // The prober of the system node is gone, and with it everything that is asked from there.
      told: {
        ...allBut('probe-icmp experiment', 'probe-http experiment', 'blackbox system'),
        ...up('probe-icmp', 'experiment', then(hold(1, 30), 'stale', silent(85), hold(1, 60))),
        ...up('probe-http', 'experiment', then(hold(1, 30), 'stale', silent(85), hold(1, 60))),
        ...up('blackbox', 'system', then(hold(1, 30), 'stale', silent(85), hold(1, 60))),
      },
      notYetSeconds: 55,
      atSeconds: 80,
      labels: [
        { group: 'experiment', job: 'probe-icmp', service: 'network' },
        { group: 'experiment', job: 'probe-http', service: 'network' },
        { group: 'system', job: 'blackbox', service: 'blackbox' },
      ],
      resolvedSeconds: 140,
    },
    quiet: [],
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
