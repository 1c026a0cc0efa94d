import { describe, expect, test } from '@jest/globals'
import type { V1Node, V1Pod } from '@kubernetes/client-node'
import { TARGET_NAMES, targetGroups } from './targets.ts'

const node = (name: string, labels: Record<string, string>, address: string): V1Node => ({
  metadata: { name, labels },
  status: {
    addresses: [
      { type: 'Hostname', address: name },
      { type: 'InternalIP', address },
    ],
  },
})

const NODES = [
  node('system', { group: 'system' }, '172.30.77.9'),
  node('experiment-b', { group: 'experiment', 'topology.kubernetes.io/zone': 'b' }, '172.30.77.15'),
]

const pod = (
  service: string,
  changes: Partial<V1Pod> & { readonly labels?: Record<string, string> } = {},
): V1Pod => ({
  metadata: {
    name: `${service}-1`,
    namespace: 'experiment',
    labels: { 'app.kubernetes.io/part-of': 'divergence', group: 'experiment', service, ...changes.labels },
  },
  spec: changes.spec ?? { nodeName: 'experiment-b', containers: [] },
  status: changes.status ?? { phase: 'Running', podIP: '10.244.5.7' },
})

describe('targetGroups()', () => {
  test('tells a pod of a service with its metrics port, group, zone and node', () => {
    const groups = targetGroups('gateway', [pod('gateway'), pod('recommender')], NODES)

    expect(groups).toEqual([
      {
        targets: ['10.244.5.7:9464'],
        labels: {
          group: 'experiment',
          zone: 'b',
          service: 'gateway',
          namespace: 'experiment',
          pod: 'gateway-1',
          node: 'experiment-b',
        },
      },
    ])
  })

  test('leaves out the zone outside the zones', () => {
    const edge = pod('edge', { spec: { nodeName: 'system', containers: [] } })

    expect(targetGroups('edge', [edge], NODES)[0]?.labels).not.toHaveProperty('zone')
  })

  test('gives a pod on the network of its host the group of the node', () => {
    const exporter = pod('node-exporter', {
      labels: { group: 'system' },
      spec: { nodeName: 'experiment-b', hostNetwork: true, containers: [] },
    })

    expect(targetGroups('node-exporter', [exporter], NODES)[0]?.labels).toMatchObject({ group: 'experiment' })
  })

  test('tells a prober, which has a network of its own on every node, under the group of its node', () => {
    const prober = pod('blackbox', { labels: { group: 'system' } })

    expect(targetGroups('blackbox', [prober], NODES)).toMatchObject([
      { targets: ['10.244.5.7:9115'], labels: { group: 'experiment', zone: 'b', service: 'blackbox' } },
    ])
  })

  test.each([
    { title: 'has no address yet', changes: { status: { phase: 'Running' } } },
    { title: 'has ended', changes: { status: { phase: 'Succeeded', podIP: '10.244.5.7' } } },
    { title: 'is not ours', changes: { labels: { 'app.kubernetes.io/part-of': 'something' } } },
  ])('passes over a pod that $title', ({ changes }) => {
    expect(targetGroups('gateway', [pod('gateway', changes)], NODES)).toEqual([])
  })

  test('tells every node as a kubelet', () => {
    expect(targetGroups('kubelet', [], NODES)).toEqual([
      { targets: ['172.30.77.9:10250'], labels: { group: 'system', node: 'system' } },
      { targets: ['172.30.77.15:10250'], labels: { group: 'experiment', zone: 'b', node: 'experiment-b' } },
    ])
  })

  test('knows every service that is deployed and has metrics', () => {
    expect(TARGET_NAMES).toEqual([
      'kubelet',
      'edge',
      'gateway',
      'recommender',
      'database',
      'postgres',
      'prometheus',
      'alertmanager',
      'node-exporter',
      'blackbox',
      'object-state',
      'zipkin',
      'oncall',
      'probe-http',
      'probe-icmp',
      'probe-icmp-zones',
      'probe-dns',
    ])
  })
})
