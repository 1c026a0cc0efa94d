import { describe, expect, test } from '@jest/globals'
import { hasReadyPod, isReady } from './kubernetes.ts'

const node = (status: string, lastHeartbeatTime: string) => ({
  metadata: { name: 'system' },
  status: { conditions: [{ type: 'Ready', status, lastHeartbeatTime }] },
})
const noon = Date.parse('2026-01-01T12:00:00Z')

describe('isReady()', () => {
  test.each([
    { title: 'believes a word of now', nodes: [node('True', '2026-01-01T12:00:01Z')], expected: true },
    // Kubernetes tells whole seconds: 12:00:00 may be said at 12:00:00.9.
    {
      title: 'believes a word of the same second',
      nodes: [node('True', '2026-01-01T12:00:00Z')],
      expected: true,
    },
    {
      title: 'does not believe a word from before',
      nodes: [node('True', '2026-01-01T11:59:59Z')],
      expected: false,
    },
    {
      title: 'hears that it is not ready',
      nodes: [node('Unknown', '2026-01-01T12:00:01Z')],
      expected: false,
    },
    { title: 'waits for a node that has not joined', nodes: [], expected: false },
  ])('$title', ({ nodes, expected }) => {
    expect(isReady(nodes, 'system', noon + 900)).toBe(expected)
  })
})

describe('hasReadyPod()', () => {
  const pod = (ready: boolean, startedAt: string, nodeName = 'system') => ({
    spec: { nodeName },
    status: { containerStatuses: [{ ready, state: { running: { startedAt } } }] },
  })

  test.each([
    { title: 'sees one that was started since', pods: [pod(true, '2026-01-01T12:00:00Z')], expected: true },
    {
      title: 'does not believe one from before the node was started',
      pods: [pod(true, '2026-01-01T11:59:59Z')],
      expected: false,
    },
    {
      title: 'hears that it is not ready',
      pods: [pod(false, '2026-01-01T12:00:01Z')],
      expected: false,
    },
    {
      title: 'takes none of another node',
      pods: [pod(true, '2026-01-01T12:00:01Z', 'control-a')],
      expected: false,
    },
    {
      title: 'waits for one that has not begun',
      pods: [{ spec: { nodeName: 'system' }, status: {} }],
      expected: false,
    },
  ])('$title', ({ pods, expected }) => {
    expect(hasReadyPod(pods, 'system', noon + 900)).toBe(expected)
  })
})
