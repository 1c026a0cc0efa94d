import { GROUP_SERVICES, GROUPS, TOPOLOGY } from '../../platform/topology.ts'
import type { AlertRule, RuleGroup } from '../rule.ts'

/** Where a pod runs; what is told about pods is told from elsewhere and knows no zone. */
const POD_PLACE = 'pod:place:info'

const WHO = 'group, zone, node, service, pod'
const OF_GROUPS = `namespace=~"${GROUPS.join('|')}"`
/** What answers requests. A batch may take all that is idle, so its appetite is no news. */
const SERVING = `${OF_GROUPS},service=~"${GROUP_SERVICES.join('|')}",container!=""`

/** Periods of the scheduler in which a container hit its limit; a period is 100 ms. */
const THROTTLED = { ratio: 0.25, minPeriods: 20 }
/** How much more than it asked for a container takes, while its node has nothing left. */
const HUNGRY = { timesRequest: 2, nodeWaiting: 0.5 }
const MEMORY_NEAR_LIMIT = 0.9
const CRASH_LOOP_RESTARTS = 3

/**
 * Processes of a container beyond which something else runs in it. At rest: edge 1, gateway 1, recommender 2; of the
 * database it is its connections that count, and they have an alert of their own: 120 and a dozen of the server's own.
 */
const MOST_PROCESSES: Readonly<Record<(typeof GROUP_SERVICES)[number], number>> = {
  edge: 3,
  gateway: 3,
  recommender: 4,
  database: 132,
}

/** Containers and pods. */
export function containerRules(): RuleGroup {
  return {
    name: 'containers',
    recordings: [
      {
        record: POD_PLACE,
        expr: [
          `max by (group, service, namespace, pod, node) (kube_pod_info{${OF_GROUPS}})`,
          '* on (node) group_left (zone) max by (node, zone) (',
          'label_replace(kube_node_labels, "zone", "$1", "label_topology_kubernetes_io_zone", "(.*)"))',
        ].join(' '),
      },
    ],
    alerts: [
      cpuThrottled(),
      cpuStarved(),
      memoryNearLimit(),
      oomKilled(),
      containerRestarted(),
      containerCrashLooping(),
      tooManyProcesses(),
      podsPending(),
      replicasMissing(),
    ],
  }
}

/** `expr`, by namespace and pod, with the place of its pod. */
function placed(expr: string): string {
  return `max by (${WHO}) (${expr} * on (namespace, pod) group_left (group, zone, node, service) ${POD_PLACE})`
}

function cpuThrottled(): AlertRule {
  const sum = (metric: string, reduce: string) =>
    `sum by (${WHO}) (${reduce}(container_cpu_cfs_${metric}_total{${OF_GROUPS},container!=""}[1m]))`
  return {
    name: 'CpuThrottled',
    expr: [
      `${sum('throttled_periods', 'rate')} / ${sum('periods', 'rate')} > ${THROTTLED.ratio}`,
      `and ${sum('throttled_periods', 'increase')} >= ${THROTTLED.minPeriods}`,
    ].join(' '),
    guard: { forSeconds: 15, minEvents: THROTTLED.minPeriods },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', '[zone]', 'node', 'service', 'pod'],
    summary: '{{ $labels.pod }} of {{ $labels.group }} is held back by its processor limit',
    description:
      'In {{ $value | humanizePercentage }} of the periods of the last minute it had used up its share.',
  }
}

function cpuStarved(): AlertRule {
  const used = `sum by (namespace, ${WHO}) (rate(container_cpu_usage_seconds_total{${SERVING}}[1m]))`
  const asked = `sum by (namespace, pod) (kube_pod_container_resource_requests{resource="cpu",${OF_GROUPS}})`
  return {
    name: 'CpuStarved',
    expr: [
      `max by (${WHO}) (${used} / on (namespace, pod) group_left () ${asked} > ${HUNGRY.timesRequest})`,
      `and on (node) (node:cpu_waiting:ratio_rate1m > ${HUNGRY.nodeWaiting})`,
    ].join(' '),
    guard: { forSeconds: 15 },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', '[zone]', 'node', 'service', 'pod'],
    summary:
      '{{ $labels.pod }} of {{ $labels.group }} wants far more processor than it asked for, and there is none left',
    description:
      'It takes {{ $value | humanize }} times its request on a node where something waits for a core most of the time. Without a limit nothing throttles it: it slows its neighbours, or somebody works in its place.',
  }
}

function memoryNearLimit(): AlertRule {
  return {
    name: 'MemoryNearLimit',
    expr: `max by (${WHO}) (container_memory_working_set_bytes{${SERVING}} / (container_spec_memory_limit_bytes{${SERVING}} > 0) > ${MEMORY_NEAR_LIMIT})`,
    guard: { forSeconds: 10 },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', '[zone]', 'node', 'service', 'pod'],
    summary:
      '{{ $labels.pod }} of {{ $labels.group }} is close to its memory limit: beyond it the kernel kills',
    description: 'It uses {{ $value | humanizePercentage }} of what it may.',
  }
}

function oomKilled(): AlertRule {
  const seen = `max by (namespace, pod) (increase(container_oom_events_total{${OF_GROUPS}}[5m])) > 0`
  // The counter goes with its container; what Kubernetes remembers of the end stays.
  const remembered = [
    `max by (namespace, pod) (kube_pod_container_status_last_terminated_reason{reason="OOMKilled",${OF_GROUPS}})`,
    `and on (namespace, pod) (max by (namespace, pod) (increase(kube_pod_container_status_restarts_total{${OF_GROUPS}}[5m])) > 0)`,
  ].join(' ')
  return {
    name: 'OomKilled',
    expr: placed(`(${seen} or ${remembered})`),
    // One process killed for want of memory is one too many.
    guard: { minEvents: 1 },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', '[zone]', 'node', 'service', 'pod'],
    summary: 'The kernel killed a process of {{ $labels.pod }} of {{ $labels.group }}: it was out of memory',
    description: 'It happened within the last five minutes.',
  }
}

function restarts(window: string): string {
  return `max by (namespace, pod) (increase(kube_pod_container_status_restarts_total{${OF_GROUPS}}[${window}]))`
}

function containerRestarted(): AlertRule {
  return {
    name: 'ContainerRestarted',
    expr: placed(`(${restarts('5m')} >= 1)`),
    guard: { minEvents: 1 },
    severity: 'info',
    tier: 'cause',
    carries: ['group', '[zone]', 'node', 'service', 'pod'],
    summary: 'A container of {{ $labels.pod }} of {{ $labels.group }} ended and was started again',
    description: '{{ $value | humanize }} times within the last five minutes.',
  }
}

function containerCrashLooping(): AlertRule {
  return {
    name: 'ContainerCrashLooping',
    expr: placed(
      `(${restarts('10m')} >= ${CRASH_LOOP_RESTARTS} or max by (namespace, pod) (kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff",${OF_GROUPS}}) == 1)`,
    ),
    guard: { forSeconds: 10, minEvents: CRASH_LOOP_RESTARTS },
    severity: 'page',
    tier: 'cause',
    carries: ['group', '[zone]', 'node', 'service', 'pod'],
    summary: '{{ $labels.pod }} of {{ $labels.group }} ends again and again',
    description: `At least ${CRASH_LOOP_RESTARTS} restarts within ten minutes, or Kubernetes waits before it tries once more.`,
  }
}

function tooManyProcesses(): AlertRule {
  const beyond = GROUP_SERVICES.map(
    service =>
      `container_processes{${OF_GROUPS},service="${service}",container!=""} > ${MOST_PROCESSES[service]}`,
  )
  return {
    name: 'TooManyProcesses',
    expr: `max by (${WHO}) (${beyond.join(' or ')})`,
    guard: { forSeconds: 10 },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', '[zone]', 'node', 'service', 'pod'],
    summary: 'More runs in {{ $labels.pod }} of {{ $labels.group }} than belongs there',
    description: 'It has {{ $value | humanize }} processes.',
  }
}

function podsPending(): AlertRule {
  return {
    name: 'PodsPending',
    expr: `sum by (group, service) (kube_pod_status_phase{phase="Pending",${OF_GROUPS}}) > 0`,
    guard: { forSeconds: 45 },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', 'service'],
    summary: 'Pods of {{ $labels.service }} of {{ $labels.group }} find no place to run',
    description: '{{ $value | humanize }} have been waiting for at least 45 s.',
  }
}

function replicasMissing(): AlertRule {
  const counts = {
    deployment: 'kube_deployment_status_replicas_available',
    statefulset: 'kube_statefulset_status_replicas_ready',
  }
  const short = TOPOLOGY.services.map(({ service, replicas }) => {
    const metric = service === 'database' ? counts.statefulset : counts.deployment
    return `max by (group, service) (${metric}{${OF_GROUPS},service="${service}"}) < ${replicas}`
  })
  return {
    name: 'ReplicasMissing',
    expr: short.join(' or '),
    guard: { forSeconds: 15 },
    severity: 'ticket',
    tier: 'cause',
    carries: ['group', 'service'],
    summary: '{{ $labels.service }} of {{ $labels.group }} runs with fewer pods than planned',
    description: '{{ $value | humanize }} are ready.',
  }
}
