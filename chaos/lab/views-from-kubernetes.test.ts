import { describe, expect, test } from '@jest/globals'
import { nodeView, podView } from './views-from-kubernetes.ts'

describe('nodeView()', () => {
  const node = {
    metadata: {
      name: 'experiment-b',
      uid: 'u',
      labels: { group: 'experiment', 'topology.kubernetes.io/zone': 'b' },
    },
    spec: {
      taints: [
        { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' },
        { key: 'group', value: 'experiment', effect: 'NoSchedule' },
      ],
    },
    status: { conditions: [{ type: 'Ready', status: 'Unknown' }] },
  }

  test('takes Unknown for not ready, and leaves out the taints that Kubernetes puts on by itself', () => {
    expect(nodeView(node)).toEqual({
      name: 'experiment-b',
      uid: 'u',
      group: 'experiment',
      zone: 'b',
      ready: false,
      cordoned: false,
      taints: ['group=experiment:NoSchedule'],
    })
  })

  test('gives no group to a node without the label', () => {
    expect(nodeView({ metadata: { name: 'x' } })).toMatchObject({ group: null, zone: null, ready: false })
  })
})

describe('podView()', () => {
  const database = (role?: string) => ({
    metadata: {
      name: 'database-0',
      labels: { group: 'experiment', service: 'database', ...(role ? { role } : {}) },
    },
  })

  test.each([
    ['master', 'primary'],
    ['replica', 'replica'],
    ['promoted', 'replica'],
    [undefined, null],
  ])('takes the Patroni role %s for %s', (role, expected) => {
    expect(podView(database(role)).role).toBe(expected)
  })

  test('gives no role to what is not a database', () => {
    const pod = { metadata: { name: 'x', labels: { service: 'gateway', role: 'master' } } }
    expect(podView(pod).role).toBeNull()
  })

  test('sees that a pod was told to go, and that a job is over', () => {
    const deletionTimestamp = new Date(0)
    expect(podView({ metadata: { deletionTimestamp } }).terminating).toBe(true)
    expect(podView({ status: { phase: 'Succeeded' } }).finished).toBe(true)
  })
})
