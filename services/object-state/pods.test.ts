import { describe, expect, test } from '@jest/globals'
import type { V1Pod } from '@kubernetes/client-node'
import { renderFamilies } from './family.ts'
import { POD_FAMILIES, podIdentity } from './pods.ts'

const POD: V1Pod = {
  metadata: {
    namespace: 'experiment',
    name: 'gateway-7c9f-x2x4z',
    uid: 'u1',
    labels: { group: 'experiment', service: 'gateway', 'pod-template-hash': '7c9f' },
    ownerReferences: [
      { apiVersion: 'v1', kind: 'Other', name: 'other', uid: 'o0' },
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'gateway-7c9f', uid: 'o1', controller: true },
    ],
  },
  spec: {
    nodeName: 'experiment-a',
    containers: [
      {
        name: 'gateway',
        resources: { requests: { cpu: '100m', memory: '96Mi' }, limits: { memory: '320Mi' } },
      },
    ],
  },
  status: {
    phase: 'Running',
    hostIP: '172.30.77.11',
    podIP: '10.244.1.7',
    conditions: [
      { type: 'PodScheduled', status: 'True' },
      { type: 'Ready', status: 'False' },
    ],
    containerStatuses: [
      {
        name: 'gateway',
        image: 'i',
        imageID: 'i',
        ready: false,
        restartCount: 3,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
      },
    ],
  },
}

const linesOf = (pod: V1Pod, name: string): readonly string[] =>
  renderFamilies(POD_FAMILIES, [pod], podIdentity)
    .split('\n')
    .filter(line => line.startsWith(`${name}{`))
    .map(line => line.slice(name.length))

const WHICH = 'namespace="experiment",pod="gateway-7c9f-x2x4z",uid="u1",group="experiment"'

describe('POD_FAMILIES', () => {
  test.each([
    [
      'kube_pod_info',
      [
        'host_ip="172.30.77.11",pod_ip="10.244.1.7",node="experiment-a",created_by_kind="ReplicaSet",created_by_name="gateway-7c9f",priority_class="",host_network="false"} 1',
      ],
    ],
    ['kube_pod_labels', ['label_group="experiment",label_service="gateway"} 1']],
    [
      'kube_pod_status_phase',
      [
        'phase="Pending"} 0',
        'phase="Succeeded"} 0',
        'phase="Failed"} 0',
        'phase="Unknown"} 0',
        'phase="Running"} 1',
      ],
    ],
    ['kube_pod_status_ready', ['condition="true"} 0', 'condition="false"} 1', 'condition="unknown"} 0']],
    ['kube_pod_status_scheduled', ['condition="true"} 1', 'condition="false"} 0', 'condition="unknown"} 0']],
    ['kube_pod_container_status_restarts_total', ['container="gateway"} 3']],
    ['kube_pod_container_status_waiting_reason', ['container="gateway",reason="CrashLoopBackOff"} 1']],
    ['kube_pod_container_status_terminated_reason', []],
    ['kube_pod_container_status_last_terminated_reason', ['container="gateway",reason="OOMKilled"} 1']],
    [
      'kube_pod_container_resource_requests',
      [
        'container="gateway",node="experiment-a",resource="cpu",unit="core"} 0.1',
        'container="gateway",node="experiment-a",resource="memory",unit="byte"} 100663296',
      ],
    ],
    [
      'kube_pod_container_resource_limits',
      ['container="gateway",node="experiment-a",resource="memory",unit="byte"} 335544320'],
    ],
  ])('tell %s', (name, expected) => {
    expect(linesOf(POD, name)).toEqual(expected.map(rest => `{${WHICH},${rest}`))
  })

  test('count a pod of nobody to the system', () => {
    expect(podIdentity({ metadata: { namespace: 'observability', name: 'p', uid: 'u' } }).group).toBe(
      'system',
    )
  })

  test('say of a pod that has no status yet only what is known', () => {
    const bare: V1Pod = { metadata: { namespace: 'control', name: 'p', uid: 'u' } }
    expect(linesOf(bare, 'kube_pod_status_ready')).toEqual([])
    expect(linesOf(bare, 'kube_pod_status_phase').filter(line => line.endsWith(' 1'))).toEqual([
      '{namespace="control",pod="p",uid="u",group="system",phase="Unknown"} 1',
    ])
  })
})
