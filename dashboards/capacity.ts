import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard, type Section } from './dashboard.ts'
import { IN_GROUP } from './expressions.ts'
import { type Step, stat, table, timeSeries, type Unit } from './panels/panel.ts'

/** Pods that have ended hold nothing any more, but their requests are still told. */
const HOLDING =
  'on (namespace, pod) group_left () (max by (namespace, pod) (kube_pod_status_phase{phase=~"Pending|Running"}) == 1)'
const BY_NODE_GROUP = 'by (node, group)'

const NOT_YET_FULL: readonly Step[] = [
  { from: null, color: 'green' },
  { from: 0.8, color: 'orange' },
  { from: 1, color: 'red' },
]
const NONE_IS_GOOD: readonly Step[] = [
  { from: null, color: 'green' },
  { from: 1, color: 'red' },
]

/** What the nodes of the chosen groups can give. Their group is the node's own, not that of the pods on them. */
const allocatable = (resource: string) =>
  `max ${BY_NODE_GROUP} (kube_node_status_allocatable{${IN_GROUP},resource="${resource}"})`

/** What pods on those nodes ask for, or may take at most. */
const held = (kind: 'requests' | 'limits', resource: string) =>
  `sum by (node) (kube_pod_container_resource_${kind}{resource="${resource}",node!=""} * ${HOLDING}) * on (node) group_right () (0 * ${allocatable(resource)} + 1)`

function section(title: string, resource: 'cpu' | 'memory', unit: Unit, used: string): Section {
  return {
    title,
    panels: [
      timeSeries({
        title: `${title} requested`,
        description:
          'What the pods on a node ask for, as a share of what it can give. No pod is placed beyond 1.',
        unit: 'ratio',
        min: 0,
        queries: [{ expr: `(${held('requests', resource)}) / ${allocatable(resource)}`, legend: '{{node}}' }],
      }),
      timeSeries({
        title: `${title} allocatable, requested and used`,
        description:
          'All nodes of a group together: the room there is, what is promised of it, and what is really used.',
        unit,
        min: 0,
        queries: [
          { expr: `sum by (group) (${allocatable(resource)})`, legend: '{{group}} allocatable' },
          { expr: `sum by (group) (${held('requests', resource)})`, legend: '{{group}} requested' },
          { expr: used, legend: '{{group}} used' },
        ],
      }),
      timeSeries({
        title: `${title} asked for by services`,
        description: 'Who asks for it. An occupant is a pod of an experiment that only takes up room.',
        unit,
        min: 0,
        stacked: true,
        queries: [
          {
            expr: `sum by (group, service) (kube_pod_container_resource_requests{${IN_GROUP},resource="${resource}"} * ${HOLDING})`,
            legend: '{{group}} {{service}}',
          },
        ],
      }),
    ],
  }
}

const cpu = section(
  'CPU',
  'cpu',
  'cores',
  `sum by (group) (rate(container_cpu_usage_seconds_total{${IN_GROUP},container!=""}[$__rate_interval]))`,
)
const memory = section(
  'Memory',
  'memory',
  'bytes',
  `sum by (group) (container_memory_working_set_bytes{${IN_GROUP},container!=""})`,
)
const memoryLimits = timeSeries({
  title: 'Memory promised at most',
  description:
    'Sum of the memory limits on a node as a share of what it has: above 1 it is oversubscribed, and all limits cannot be used at once.',
  unit: 'ratio',
  min: 0,
  queries: [{ expr: `(${held('limits', 'memory')}) / ${allocatable('memory')}`, legend: '{{node}}' }],
})

/** Is there room, and who found none? */
export function capacity(): Dashboard {
  return dashboard({
    uid: 'divergence-capacity',
    title: 'Kubernetes capacity',
    description:
      'What pods request against what nodes can give, pods that found no room, and how many more may be disturbed.',
    choices: ['group'],
    sections: [
      {
        title: 'Now',
        panels: [
          stat({
            title: 'Fullest node, CPU',
            description: 'Requested share of the CPU of the node that has least left.',
            unit: 'ratio',
            steps: NOT_YET_FULL,
            queries: [{ expr: `max((${held('requests', 'cpu')}) / ${allocatable('cpu')})`, legend: 'CPU' }],
          }),
          stat({
            title: 'Fullest node, memory',
            description: 'Requested share of the memory of the node that has least left.',
            unit: 'ratio',
            steps: NOT_YET_FULL,
            queries: [
              { expr: `max((${held('requests', 'memory')}) / ${allocatable('memory')})`, legend: 'memory' },
            ],
          }),
          stat({
            title: 'Pods pending',
            description: 'Pods that do not run yet: no room, no image, or no disk.',
            unit: 'count',
            steps: NONE_IS_GOOD,
            queries: [{ expr: `sum(kube_pod_status_phase{${IN_GROUP},phase="Pending"})`, legend: 'pending' }],
          }),
          stat({
            title: 'Nodes closed',
            description: 'Nodes that take no new pods because they were cordoned.',
            unit: 'count',
            steps: NONE_IS_GOOD,
            queries: [{ expr: `sum(kube_node_spec_unschedulable{${IN_GROUP}})`, legend: 'closed' }],
          }),
        ],
      },
      cpu,
      { ...memory, panels: [...memory.panels, memoryLimits] },
      {
        title: 'Pods',
        panels: [
          timeSeries({
            title: 'Pods by phase',
            description: 'Pods of a group. Pending that does not pass is a pod without room.',
            unit: 'count',
            min: 0,
            queries: [
              {
                expr: `sum by (group, phase) (kube_pod_status_phase{${IN_GROUP}})`,
                legend: '{{group}} {{phase}}',
              },
            ],
          }),
          timeSeries({
            title: 'Pods without a node',
            description: 'Pods for which the scheduler found no node.',
            unit: 'count',
            min: 0,
            queries: [
              {
                expr: `sum by (group) (kube_pod_status_scheduled{${IN_GROUP},condition="false"})`,
                legend: '{{group}}',
              },
            ],
          }),
          timeSeries({
            title: 'Replicas missing',
            description: 'Replicas that a Deployment or StatefulSet should have and does not have ready.',
            unit: 'count',
            min: 0,
            queries: [
              {
                expr: `sum by (group, service) (kube_deployment_spec_replicas{${IN_GROUP}} - kube_deployment_status_replicas_available{${IN_GROUP}})`,
                legend: '{{group}} {{service}}',
              },
              {
                expr: `sum by (group, service) (kube_statefulset_replicas{${IN_GROUP}} - kube_statefulset_status_replicas_ready{${IN_GROUP}})`,
                legend: '{{group}} {{service}} (set)',
              },
            ],
          }),
          timeSeries({
            title: 'Disruptions allowed',
            description:
              'How many pods of a service may be evicted now without falling below its disruption budget.',
            unit: 'count',
            min: 0,
            queries: [
              {
                expr: `min by (group, poddisruptionbudget) (kube_poddisruptionbudget_status_pod_disruptions_allowed{${IN_GROUP}})`,
                legend: '{{group}} {{poddisruptionbudget}}',
              },
            ],
          }),
          table({
            title: 'Why pods wait',
            description: 'Containers that do not run, and the reason Kubernetes gives.',
            unit: 'count',
            span: 16,
            expr: `count by (group, service, container, reason) (kube_pod_container_status_waiting_reason{${IN_GROUP}})`,
            columns: { group: 'Group', service: 'Service', container: 'Container', reason: 'Reason' },
            value: 'Containers',
          }),
        ],
      },
    ],
  })
}
