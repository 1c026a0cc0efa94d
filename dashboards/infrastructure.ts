import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard } from './dashboard.ts'
import { growth, IN_GROUP, IN_SCOPE, perSecond, share } from './expressions.ts'
import { disk } from './panels/disk.ts'
import { network } from './panels/network.ts'
import { bars, table, timeSeries } from './panels/panel.ts'

const BY_SERVICE = 'group, service, zone'
const SERVICE = '{{group}} {{service}} {{zone}}'
const NODE = '{{node}}'
/** Containers of pods; without the second part the pod's own total would be added to its containers. */
const CONTAINERS = `${IN_SCOPE},container!=""`

const CPU = [
  timeSeries({
    title: 'CPU of services',
    description: 'Cores that the containers of a service use in a zone.',
    unit: 'cores',
    min: 0,
    queries: [
      { expr: perSecond(`container_cpu_usage_seconds_total{${CONTAINERS}}`, BY_SERVICE), legend: SERVICE },
    ],
  }),
  timeSeries({
    title: 'CPU throttled',
    description:
      'Share of scheduling periods in which a container with a CPU limit was held back. Containers without a limit are not in it: the lab sets none, nor does a CPU attack, so it is empty until a cluster sets limits of its own.',
    unit: 'ratio',
    min: 0,
    queries: [
      {
        expr: share(
          perSecond(`container_cpu_cfs_throttled_periods_total{${CONTAINERS}}`, BY_SERVICE),
          perSecond(`container_cpu_cfs_periods_total{${CONTAINERS}}`, BY_SERVICE),
        ),
        legend: SERVICE,
      },
    ],
  }),
  timeSeries({
    title: 'CPU of nodes',
    description:
      'Share of the time in which the processors of a node were not idle. Nodes of the local cluster share one machine and tell the same.',
    unit: 'ratio',
    min: 0,
    max: 1,
    queries: [
      {
        expr: `1 - avg by (node) (rate(node_cpu_seconds_total{${IN_SCOPE},mode="idle"}[$__rate_interval]))`,
        legend: NODE,
      },
    ],
  }),
  timeSeries({
    title: 'Waiting for CPU',
    description:
      'Share of the time in which some process of a node wanted a processor and got none (pressure stall).',
    unit: 'ratio',
    min: 0,
    queries: [
      { expr: perSecond(`node_pressure_cpu_waiting_seconds_total{${IN_SCOPE}}`, 'node'), legend: NODE },
    ],
  }),
]

const RESTARTED = `increase(kube_pod_container_status_restarts_total{${IN_GROUP}}[$__rate_interval])`
/** Restarts of containers that were out of memory the last time they ended. */
const OUT_OF_MEMORY = [
  `sum by (group, service) (${RESTARTED} * on (namespace, pod, container) group_left ()`,
  `max by (namespace, pod, container) (kube_pod_container_status_last_terminated_reason{${IN_GROUP},reason="OOMKilled"})`,
  `or ${RESTARTED} * 0)`,
].join(' ')

const MEMORY = [
  timeSeries({
    title: 'Memory of services',
    description: 'Working sets of the containers of a service in a zone: what cannot be given back.',
    unit: 'bytes',
    min: 0,
    queries: [
      { expr: `sum by (${BY_SERVICE}) (container_memory_working_set_bytes{${CONTAINERS}})`, legend: SERVICE },
    ],
  }),
  timeSeries({
    title: 'Memory against the limit',
    description: 'Working set of the fullest container as a share of what it may use; at 1 it is killed.',
    unit: 'ratio',
    min: 0,
    max: 1,
    queries: [
      {
        expr: `max by (${BY_SERVICE}) (container_memory_working_set_bytes{${CONTAINERS}} / (container_spec_memory_limit_bytes{${CONTAINERS}} > 0))`,
        legend: SERVICE,
      },
    ],
  }),
  timeSeries({
    title: 'Killed for memory',
    description:
      'Since the last point, because their container was at its limit: containers whose main process the kernel killed, and processes of those that lived on.',
    unit: 'count',
    min: 0,
    queries: [
      { expr: OUT_OF_MEMORY, legend: '{{group}} {{service}}' },
      // Told by the container itself, and gone with it.
      {
        expr: growth(`container_oom_events_total{${CONTAINERS}}`, BY_SERVICE),
        legend: `${SERVICE} processes`,
      },
    ],
  }),
  timeSeries({
    title: 'Memory left on nodes',
    description: 'What a node can still give without swapping. Nodes of the local cluster share one machine.',
    unit: 'bytes',
    min: 0,
    queries: [{ expr: `min by (node) (node_memory_MemAvailable_bytes{${IN_SCOPE}})`, legend: NODE }],
  }),
]

const LIFE = [
  timeSeries({
    title: 'Restarts',
    description: 'Containers that were started again in their pod, since the last point.',
    unit: 'count',
    min: 0,
    queries: [
      {
        expr: growth(`kube_pod_container_status_restarts_total{${IN_GROUP}}`, 'group, service'),
        legend: '{{group}} {{service}}',
      },
    ],
  }),
  timeSeries({
    title: 'Time since the start',
    description:
      'Age of the youngest container of a service in a zone; it falls to 0 when one is shut down and comes back.',
    unit: 'seconds',
    min: 0,
    queries: [
      {
        expr: `time() - max by (${BY_SERVICE}) (container_start_time_seconds{${CONTAINERS}})`,
        legend: SERVICE,
      },
    ],
  }),
  timeSeries({
    title: 'Nodes ready',
    description: 'Nodes of each group that Kubernetes hears of; a zone without power has none.',
    unit: 'count',
    min: 0,
    queries: [
      {
        expr: `sum by (group) (kube_node_status_condition{${IN_GROUP},condition="Ready",status="true"})`,
        legend: '{{group}}',
      },
    ],
  }),
  timeSeries({
    title: 'Processes',
    description: 'Processes in the containers of a service in a zone.',
    unit: 'count',
    min: 0,
    queries: [{ expr: `sum by (${BY_SERVICE}) (container_processes{${CONTAINERS}})`, legend: SERVICE }],
  }),
  timeSeries({
    title: 'Clock offset',
    description:
      'How far the clock that a process or node reads is from the one of Prometheus. It is read while it is scraped: a few milliseconds are the scrape itself.',
    unit: 'seconds',
    queries: [
      { expr: `max by (${BY_SERVICE}) (pod:clock_offset:seconds{${IN_SCOPE}})`, legend: SERVICE },
      { expr: `min by (${BY_SERVICE}) (pod:clock_offset:seconds{${IN_SCOPE}})`, legend: `${SERVICE} least` },
    ],
  }),
  bars({
    title: 'Uptime of nodes',
    description: 'Time since the kernel of a node was started. Nodes of the local cluster share one kernel.',
    unit: 'seconds',
    queries: [{ expr: `time() - max by (node) (node_boot_time_seconds{${IN_SCOPE}})`, legend: NODE }],
  }),
  table({
    title: 'How containers ended last',
    description:
      'Why the container before the one that runs now ended: OOMKilled is the memory limit, Error a kill or a crash.',
    unit: 'count',
    expr: `count by (group, service, container, reason) (kube_pod_container_status_last_terminated_reason{${IN_GROUP}})`,
    columns: { group: 'Group', service: 'Service', container: 'Container', reason: 'Reason' },
    value: 'Containers',
  }),
]

/** What the machines and containers give and lack. */
export function infrastructure(): Dashboard {
  return dashboard({
    uid: 'divergence-infrastructure',
    title: 'Infrastructure',
    description: 'Processor, disk, memory, life and death, clocks and the network of both groups.',
    choices: ['group', 'zone'],
    sections: [
      { title: 'CPU', panels: CPU },
      { title: 'IO and disk', panels: disk() },
      { title: 'Memory', panels: MEMORY },
      { title: 'Shutdown, processes and clock', panels: LIFE },
      { title: 'DNS, latency and packet loss', panels: network() },
    ],
  })
}
