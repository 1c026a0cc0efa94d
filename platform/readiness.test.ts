import { describe, expect, test } from '@jest/globals'
import type { LiveObject } from './api-server.ts'
import { readiness, whyNotReady } from './readiness.ts'

const workload = (kind: string, status: object, replicas = 3, generation = 2): LiveObject => ({
  kind,
  metadata: { name: 'it', namespace: 'control', generation },
  spec: { replicas },
  status,
})

describe('readiness()', () => {
  test.each([
    {
      title: 'a Deployment whose new pods all serve is ready',
      object: workload('Deployment', {
        observedGeneration: 2,
        replicas: 3,
        updatedReplicas: 3,
        availableReplicas: 3,
      }),
      expected: { state: 'ready' },
    },
    {
      title: 'a status of the last revision says nothing of this one',
      object: workload('Deployment', {
        observedGeneration: 1,
        replicas: 3,
        updatedReplicas: 3,
        availableReplicas: 3,
      }),
      expected: { state: 'waiting', why: 'not seen yet' },
    },
    {
      title: 'pods of the last revision do not count',
      object: workload('Deployment', {
        observedGeneration: 2,
        replicas: 4,
        updatedReplicas: 1,
        availableReplicas: 3,
      }),
      expected: { state: 'waiting', why: '1/3 pods are new' },
    },
    {
      title: 'a Deployment with pods left over is not there yet',
      object: workload('Deployment', {
        observedGeneration: 2,
        replicas: 4,
        updatedReplicas: 3,
        availableReplicas: 4,
      }),
      expected: { state: 'waiting', why: '1 old pods to go' },
    },
    {
      title: 'a StatefulSet waits for its last member',
      object: workload('StatefulSet', {
        observedGeneration: 2,
        replicas: 3,
        updatedReplicas: 3,
        readyReplicas: 2,
      }),
      expected: { state: 'waiting', why: '2/3 ready' },
    },
    {
      title: 'a DaemonSet is ready when it is on every node',
      object: workload('DaemonSet', {
        observedGeneration: 2,
        desiredNumberScheduled: 7,
        updatedNumberScheduled: 7,
        numberReady: 7,
      }),
      expected: { state: 'ready' },
    },
    { title: 'a new Job runs', object: workload('Job', {}), expected: { state: 'waiting', why: 'running' } },
    {
      title: 'a Job is done when it is complete',
      object: workload('Job', { conditions: [{ type: 'Complete', status: 'True' }] }),
      expected: { state: 'ready' },
    },
    {
      title: 'a Job that failed will not be ready',
      object: workload('Job', { conditions: [{ type: 'Failed', status: 'True', message: 'deadline' }] }),
      expected: { state: 'failed', why: 'deadline' },
    },
  ])('$title', ({ object, expected }) => {
    expect(readiness(object)).toEqual(expected)
  })
})

describe('whyNotReady()', () => {
  const pod = (status: object, deletionTimestamp?: string): LiveObject => ({
    kind: 'Pod',
    metadata: { name: 'it', ...(deletionTimestamp ? { deletionTimestamp } : {}) },
    status,
  })
  const container = (state: object, restartCount = 0) => ({
    containerStatuses: [{ ready: false, restartCount, state }],
  })

  test.each([
    {
      title: 'nothing is wrong with a ready pod',
      given: pod({ conditions: [{ type: 'Ready', status: 'True' }] }),
      expected: undefined,
    },
    {
      title: 'nothing is wrong with a pod that is done',
      given: pod({ phase: 'Succeeded' }),
      expected: undefined,
    },
    {
      title: 'the scheduler says why there is no place',
      given: pod({
        phase: 'Pending',
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            message: '0/7 nodes are available: 7 Insufficient memory. preemption: 0/7',
          },
        ],
      }),
      expected: 'not placed: 0/7 nodes are available: 7 Insufficient memory',
    },
    {
      title: 'a container that is being made needs no more words',
      given: pod(container({ waiting: { reason: 'ContainerCreating', message: 'whatever' } })),
      expected: 'ContainerCreating',
    },
    {
      title: 'a container that ended tells the last line of its log',
      given: pod(
        container({
          terminated: { reason: 'Error', exitCode: 4, message: 'starting\ndatabase unreachable\n' },
        }),
      ),
      expected: 'Error (exit 4): database unreachable',
    },
    {
      title: 'a restarted container says how often',
      given: pod(container({ running: {} }, 2)),
      expected: 'running, not ready, restarted 2 times',
    },
    {
      title: 'a pod that is told to stop is stopping',
      given: pod({ phase: 'Running' }, '2024-01-01T00:00:00Z'),
      expected: 'stopping',
    },
  ])('$title', ({ given, expected }) => {
    expect(whyNotReady(given)).toBe(expected)
  })
})
