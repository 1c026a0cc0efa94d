import { type AlertCase, counts, hold, then } from './case.ts'

const POD = 'namespace="experiment",pod="gateway-1",service="gateway"'
const AT = 'group="experiment",zone="a",node="experiment-a"'
const WHO = { group: 'experiment', zone: 'a', node: 'experiment-a', service: 'gateway', pod: 'gateway-1' }

/** Of a container, as the kubelet tells it. */
const container = (metric: string, values: string, more = '') => ({
  [`${metric}{${AT},${POD},container="gateway"${more}}`]: values,
})
/** Of a pod, as the API server tells it. */
const object = (metric: string, values: string, more = '') => ({
  [`${metric}{group="experiment",node="system",${POD},container="gateway"${more}}`]: values,
})
const PLACE = {
  [`kube_pod_info{group="experiment",node="experiment-a",${POD}}`]: hold(1, 1200),
  'kube_node_labels{group="experiment",node="experiment-a",label_topology_kubernetes_io_zone="a"}': hold(
    1,
    1200,
  ),
}
const waiting = (perSecond: number) => ({
  [`node_pressure_cpu_waiting_seconds_total{${AT}}`]: counts([[600, perSecond]]),
  'node_cpu_seconds_total{group="experiment",zone="a",node="experiment-a",cpu="0",mode="idle"}': counts([
    [600, 0],
  ]),
})
const RESTARTS = 'kube_pod_container_status_restarts_total'
const processes = (service: string, values: string) => ({
  [`container_processes{${AT},namespace="experiment",pod="${service}-0",service="${service}",container="${service}"}`]:
    values,
})
const replicas = (service: string, metric: string, values: string) => ({
  [`${metric}{group="experiment",namespace="experiment",service="${service}"}`]: values,
})

export const CONTAINER_CASES: readonly AlertCase[] = [
  {
    alert: 'CpuThrottled',
    fires: {
      told: {
        ...container('container_cpu_cfs_periods_total', counts([[300, 10]])),
        ...container(
          'container_cpu_cfs_throttled_periods_total',
          counts([
            [60, 0],
            [90, 3.5],
            [150, 0],
          ]),
        ),
      },
      notYetSeconds: 110,
      atSeconds: 140,
      labels: WHO,
      resolvedSeconds: 230,
    },
    quiet: [
      {
        why: 'in a fifth of the periods',
        told: {
          ...container('container_cpu_cfs_periods_total', counts([[300, 10]])),
          ...container('container_cpu_cfs_throttled_periods_total', counts([[300, 2]])),
        },
        atSeconds: 200,
      },
      {
        why: 'in half of them, but it hardly ran',
        told: {
          ...container('container_cpu_cfs_periods_total', counts([[300, 0.4]])),
          ...container('container_cpu_cfs_throttled_periods_total', counts([[300, 0.2]])),
        },
        atSeconds: 200,
      },
    ],
  },
  {
    alert: 'CpuThrottled',
    fires: {
      // It seldom runs: half of its few periods are twenty-four.
      told: {
        ...container('container_cpu_cfs_periods_total', counts([[400, 0.8]])),
        ...container(
          'container_cpu_cfs_throttled_periods_total',
          counts([
            [60, 0],
            [120, 0.4],
            [220, 0],
          ]),
        ),
      },
      atSeconds: 170,
      labels: WHO,
      resolvedSeconds: 300,
    },
    quiet: [],
  },
  {
    alert: 'CpuStarved',
    fires: {
      told: {
        ...container(
          'container_cpu_usage_seconds_total',
          counts([
            [60, 0.1],
            [90, 0.6],
            [200, 0.1],
          ]),
        ),
        ...object('kube_pod_container_resource_requests', hold(0.2, 600), ',resource="cpu",unit="core"'),
        ...waiting(0.8),
      },
      notYetSeconds: 105,
      atSeconds: 140,
      labels: WHO,
      resolvedSeconds: 260,
    },
    quiet: [
      {
        why: 'the node has time left',
        told: {
          ...container('container_cpu_usage_seconds_total', counts([[300, 0.8]])),
          ...object('kube_pod_container_resource_requests', hold(0.2, 600), ',resource="cpu",unit="core"'),
          ...waiting(0.3),
        },
        atSeconds: 200,
      },
      {
        why: 'it takes less than twice its request',
        told: {
          ...container('container_cpu_usage_seconds_total', counts([[300, 0.38]])),
          ...object('kube_pod_container_resource_requests', hold(0.2, 600), ',resource="cpu",unit="core"'),
          ...waiting(0.9),
        },
        atSeconds: 200,
      },
    ],
  },
  {
    alert: 'MemoryNearLimit',
    fires: {
      told: {
        ...container('container_memory_working_set_bytes', then(hold(50, 30), hold(95, 60), hold(50, 60))),
        ...container('container_spec_memory_limit_bytes', hold(100, 300)),
      },
      notYetSeconds: 35,
      atSeconds: 60,
      labels: WHO,
      resolvedSeconds: 110,
    },
    quiet: [
      {
        why: 'eighty-nine of a hundred',
        told: {
          ...container('container_memory_working_set_bytes', hold(89, 120)),
          ...container('container_spec_memory_limit_bytes', hold(100, 120)),
        },
        atSeconds: 90,
      },
      {
        why: 'it has no limit',
        told: {
          ...container('container_memory_working_set_bytes', hold(95, 120)),
          ...container('container_spec_memory_limit_bytes', hold(0, 120)),
        },
        atSeconds: 90,
      },
    ],
  },
  {
    alert: 'OomKilled',
    fires: {
      told: { ...container('container_oom_events_total', then(hold(0, 60), hold(1, 600))), ...PLACE },
      notYetSeconds: 50,
      atSeconds: 70,
      labels: WHO,
      resolvedSeconds: 400,
    },
    quiet: [
      {
        why: 'it was long ago',
        told: { ...container('container_oom_events_total', hold(3, 600)), ...PLACE },
        atSeconds: 500,
      },
      {
        why: 'it restarted for another reason',
        told: {
          ...object(RESTARTS, then(hold(0, 60), hold(1, 300))),
          ...object('kube_pod_container_status_last_terminated_reason', hold(1, 300), ',reason="Error"'),
          ...PLACE,
        },
        atSeconds: 100,
      },
    ],
  },
  {
    alert: 'OomKilled',
    fires: {
      // The whole container went, and its counter with it.
      told: {
        ...object(RESTARTS, then(hold(2, 60), hold(3, 600))),
        ...object('kube_pod_container_status_last_terminated_reason', hold(1, 660), ',reason="OOMKilled"'),
        ...PLACE,
      },
      notYetSeconds: 50,
      atSeconds: 70,
      labels: WHO,
      resolvedSeconds: 400,
    },
    quiet: [],
  },
  {
    alert: 'ContainerRestarted',
    fires: {
      told: { ...object(RESTARTS, then(hold(4, 60), hold(5, 600))), ...PLACE },
      notYetSeconds: 50,
      atSeconds: 70,
      labels: WHO,
      resolvedSeconds: 400,
    },
    quiet: [
      { why: 'it restarted long ago', told: { ...object(RESTARTS, hold(7, 600)), ...PLACE }, atSeconds: 500 },
    ],
  },
  {
    alert: 'ContainerCrashLooping',
    fires: {
      told: {
        ...object(RESTARTS, then(hold(0, 60), hold(1, 60), hold(2, 60), hold(3, 900))),
        ...PLACE,
      },
      notYetSeconds: 185,
      atSeconds: 200,
      labels: WHO,
      resolvedSeconds: 900,
    },
    quiet: [
      {
        why: 'it ended twice',
        told: { ...object(RESTARTS, then(hold(0, 60), hold(1, 60), hold(2, 480))), ...PLACE },
        atSeconds: 300,
      },
    ],
  },
  {
    alert: 'ContainerCrashLooping',
    fires: {
      told: {
        ...object(
          'kube_pod_container_status_waiting_reason',
          then(hold(1, 60), 'stale'),
          ',reason="CrashLoopBackOff"',
        ),
        ...PLACE,
      },
      atSeconds: 40,
      labels: WHO,
      resolvedSeconds: 80,
    },
    quiet: [
      {
        why: 'it waits for its image',
        told: {
          ...object('kube_pod_container_status_waiting_reason', hold(1, 120), ',reason="ContainerCreating"'),
          ...PLACE,
        },
        atSeconds: 60,
      },
    ],
  },
  {
    alert: 'TooManyProcesses',
    fires: {
      told: container('container_processes', then(hold(1, 30), hold(4, 60), hold(1, 60))),
      notYetSeconds: 35,
      atSeconds: 60,
      labels: WHO,
      resolvedSeconds: 110,
    },
    quiet: [
      { why: 'a probe runs beside it', told: container('container_processes', hold(3, 120)), atSeconds: 60 },
      {
        why: 'the database has a process for each connection',
        told: {
          'container_processes{group="experiment",zone="a",node="experiment-a",namespace="experiment",pod="database-0",service="database",container="database"}':
            hold(130, 120),
        },
        atSeconds: 60,
      },
    ],
  },
  {
    alert: 'TooManyProcesses',
    fires: {
      told: {
        ...processes('edge', then(hold(4, 60), hold(3, 60))),
        ...processes('recommender', then(hold(5, 60), hold(4, 60))),
        ...processes('database', then(hold(140, 60), hold(130, 60))),
      },
      atSeconds: 40,
      labels: ['edge', 'recommender', 'database'].map(service => ({ ...WHO, service, pod: `${service}-0` })),
      resolvedSeconds: 80,
    },
    quiet: [],
  },
  {
    alert: 'PodsPending',
    fires: {
      told: {
        'kube_pod_status_phase{group="experiment",namespace="experiment",service="gateway",pod="gateway-2",phase="Pending"}':
          then(hold(0, 30), hold(1, 90), hold(0, 60)),
      },
      notYetSeconds: 65,
      atSeconds: 90,
      labels: { group: 'experiment', service: 'gateway' },
      resolvedSeconds: 130,
    },
    quiet: [
      {
        why: 'it found its place after half a minute',
        told: {
          'kube_pod_status_phase{group="experiment",namespace="experiment",service="gateway",pod="gateway-2",phase="Pending"}':
            then(hold(1, 30), hold(0, 60)),
        },
        atSeconds: 50,
      },
    ],
  },
  {
    alert: 'ReplicasMissing',
    fires: {
      told: {
        ...replicas(
          'gateway',
          'kube_deployment_status_replicas_available',
          then(hold(3, 30), hold(2, 60), hold(3, 60)),
        ),
        ...replicas('database', 'kube_statefulset_status_replicas_ready', hold(3, 200)),
      },
      notYetSeconds: 40,
      atSeconds: 60,
      labels: { group: 'experiment', service: 'gateway' },
      resolvedSeconds: 110,
    },
    quiet: [
      {
        why: 'there is only one edge by design',
        told: replicas('edge', 'kube_deployment_status_replicas_available', hold(1, 120)),
        atSeconds: 60,
      },
    ],
  },
  {
    alert: 'ReplicasMissing',
    fires: {
      told: {
        ...replicas('edge', 'kube_deployment_status_replicas_available', then(hold(0, 60), hold(1, 60))),
        ...replicas(
          'recommender',
          'kube_deployment_status_replicas_available',
          then(hold(2, 60), hold(3, 60)),
        ),
        ...replicas('database', 'kube_statefulset_status_replicas_ready', then(hold(2, 60), hold(3, 60))),
      },
      atSeconds: 40,
      labels: ['edge', 'recommender', 'database'].map(service => ({ group: 'experiment', service })),
      resolvedSeconds: 80,
    },
    quiet: [],
  },
]
