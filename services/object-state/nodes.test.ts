import { describe, expect, test } from '@jest/globals'
import type { V1Node } from '@kubernetes/client-node'
import { renderFamilies } from './family.ts'
import { NODE_FAMILIES, nodeIdentity } from './nodes.ts'

const NODE: V1Node = {
  metadata: { name: 'experiment-b', labels: { group: 'experiment', 'topology.kubernetes.io/zone': 'b' } },
  spec: {
    podCIDR: '10.244.5.0/24',
    unschedulable: true,
    taints: [
      { key: 'group', value: 'experiment', effect: 'NoSchedule' },
      { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' },
    ],
  },
  status: {
    allocatable: { cpu: '1900m', memory: '4Gi', 'ephemeral-storage': '10Gi', pods: '110' },
    addresses: [
      { type: 'Hostname', address: 'experiment-b' },
      { type: 'InternalIP', address: '172.30.77.15' },
    ],
    conditions: [
      { type: 'MemoryPressure', status: 'False' },
      { type: 'Ready', status: 'Unknown' },
    ],
  },
}

const linesOf = (node: V1Node, name: string): readonly string[] =>
  renderFamilies(NODE_FAMILIES, [node], nodeIdentity)
    .split('\n')
    .filter(line => line.startsWith(`${name}{`))
    .map(line => line.slice(name.length))

describe('NODE_FAMILIES', () => {
  test.each([
    ['kube_node_labels', ['label_group="experiment",label_topology_kubernetes_io_zone="b"} 1']],
    [
      'kube_node_status_condition',
      [
        'condition="MemoryPressure",status="true"} 0',
        'condition="MemoryPressure",status="false"} 1',
        'condition="MemoryPressure",status="unknown"} 0',
        'condition="Ready",status="true"} 0',
        'condition="Ready",status="false"} 0',
        'condition="Ready",status="unknown"} 1',
      ],
    ],
    [
      'kube_node_status_allocatable',
      [
        'resource="cpu",unit="core"} 1.9',
        'resource="memory",unit="byte"} 4294967296',
        'resource="ephemeral_storage",unit="byte"} 10737418240',
        'resource="pods",unit="integer"} 110',
      ],
    ],
    [
      'kube_node_spec_taint',
      [
        'key="group",value="experiment",effect="NoSchedule"} 1',
        'key="node.kubernetes.io/unreachable",value="",effect="NoExecute"} 1',
      ],
    ],
  ])('tell %s', (name, expected) => {
    expect(linesOf(NODE, name)).toEqual(
      expected.map(rest => `{node="experiment-b",group="experiment",${rest}`),
    )
  })

  test('tell kube_node_spec_unschedulable of both kinds', () => {
    expect(linesOf(NODE, 'kube_node_spec_unschedulable')).toEqual([
      '{node="experiment-b",group="experiment"} 1',
    ])
    expect(linesOf({ metadata: { name: 'system' } }, 'kube_node_spec_unschedulable')).toEqual([
      '{node="system",group="system"} 0',
    ])
  })

  test('tell kube_node_info with the address inside the cluster', () => {
    expect(linesOf(NODE, 'kube_node_info')[0]).toContain(
      'pod_cidr="10.244.5.0/24",internal_ip="172.30.77.15"} 1',
    )
  })
})
