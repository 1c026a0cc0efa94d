import { describe, expect, test } from '@jest/globals'
import type { LiveObject } from './api-server.ts'
import { describeLab, type LiveLab } from './lab-status.ts'

const READY = { conditions: [{ type: 'Ready', status: 'True' }] }
const NODES: readonly LiveObject[] = [
  {
    kind: 'Node',
    metadata: { name: 'experiment-b', labels: { group: 'experiment', 'topology.kubernetes.io/zone': 'b' } },
    status: READY,
  },
  {
    kind: 'Node',
    metadata: { name: 'experiment-a', labels: { group: 'experiment', 'topology.kubernetes.io/zone': 'a' } },
    status: {},
  },
]

const workload = (kind: string, namespace: string, service: string, replicas: number): LiveObject => ({
  kind,
  metadata: { name: service, namespace, labels: { service } },
  spec: { replicas },
})

const pod = (name: string, service: string, nodeName: string, status: object, role?: string): LiveObject => ({
  kind: 'Pod',
  metadata: { name, namespace: 'experiment', labels: { service, ...(role ? { role } : {}) } },
  spec: { nodeName },
  status,
})

const LAB: LiveLab = {
  nodes: NODES,
  workloads: [
    workload('StatefulSet', 'experiment', 'database', 2),
    workload('Deployment', 'control', 'gateway', 1),
  ],
  jobs: [
    {
      kind: 'Job',
      metadata: { name: 'ingest-small-1', namespace: 'experiment', labels: { service: 'ingest' } },
      status: { conditions: [{ type: 'Complete', status: 'True' }] },
    },
  ],
  pods: [
    pod('database-0', 'database', 'experiment-b', READY, 'master'),
    pod('database-1', 'database', 'experiment-a', { phase: 'Pending' }, 'replica'),
  ],
}

describe('describeLab()', () => {
  test('tells each service with its pods in the order of their zones, and who the primary is', () => {
    const { groups, nodes } = describeLab(LAB)

    expect(groups.experiment).toEqual({
      primary: 'database-0',
      services: [
        {
          service: 'database',
          desired: 2,
          ready: 1,
          pods: [
            {
              name: 'database-1',
              node: 'experiment-a',
              zone: 'a',
              ready: false,
              restarts: 0,
              why: 'pending',
              role: 'replica',
            },
            {
              name: 'database-0',
              node: 'experiment-b',
              zone: 'b',
              ready: true,
              restarts: 0,
              role: 'primary',
            },
          ],
        },
      ],
      jobs: [{ service: 'ingest', name: 'ingest-small-1', state: 'complete' }],
    })
    expect(nodes).toEqual([
      { name: 'experiment-a', group: 'experiment', zone: 'a', ready: false },
      { name: 'experiment-b', group: 'experiment', zone: 'b', ready: true },
    ])
  })

  test('is ready only when every service has all its pods', () => {
    expect(describeLab(LAB).ready).toBe(false)
    expect(describeLab({ nodes: [], workloads: [], jobs: [], pods: [] }).ready).toBe(false)
  })

  test('has no primary while the one there was is not ready', () => {
    const pods = [pod('database-0', 'database', 'experiment-b', { phase: 'Running' }, 'master')]

    expect(describeLab({ ...LAB, pods }).groups.experiment).not.toHaveProperty('primary')
  })
})
