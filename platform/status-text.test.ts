import { describe, expect, test } from '@jest/globals'
import type { LabState } from './lab-status.ts'
import { addressesOf, statusText, statusValue } from './status-text.ts'

const local = addressesOf({ facts: { kind: 'local', storageClassName: 'x', nodes: [] } })
const pod = (name: string, node: string) => ({ name, node, ready: true, restarts: 0 })
const state: LabState = {
  nodes: [
    { name: 'control-a', group: 'control', ready: true },
    { name: 'experiment-a', group: 'experiment', ready: false },
  ],
  groups: {
    control: {
      services: [
        {
          service: 'database',
          desired: 1,
          ready: 1,
          pods: [{ ...pod('database-0', 'control-a'), role: 'primary' }],
        },
      ],
      jobs: [],
    },
    experiment: {
      services: [
        {
          service: 'gateway',
          desired: 2,
          ready: 1,
          pods: [
            pod('gateway-1', 'experiment-b'),
            { ...pod('gateway-2', 'experiment-a'), ready: false, why: 'node lost' },
          ],
        },
      ],
      jobs: [],
    },
  },
  shared: [],
  ready: false,
}

describe('statusText()', () => {
  test('says where whole services run, what keeps others, and which nodes are lost', () => {
    expect(statusText(state, local, '/k')).toBe(
      [
        'group       service   ready  where',
        'control     database  1/1    control-a (primary)',
        'experiment  gateway   1/2    gateway-2: node lost',
        '',
        'Not ready: experiment-a',
        'control     http://127.0.0.1:30081',
        'experiment  http://127.0.0.1:30082',
        'console     http://127.0.0.1:30070',
        'prometheus  http://127.0.0.1:30090',
        'traces      http://127.0.0.1:30411',
        'kubectl     KUBECONFIG=/k',
      ].join('\n'),
    )
  })

  test('tells how to open a cluster that brings no addresses here', () => {
    const remote = addressesOf({ facts: { kind: 'context', storageClassName: 'x', nodes: [] } })
    const text = statusText(state, remote, '/k')
    expect(text).toContain('kubectl -n control port-forward service/edge 30081:8080\n')
    expect(text).toContain('kubectl -n observability port-forward service/oncall 30070:8070\n')
  })
})

describe('statusValue()', () => {
  test('says beside the state of each group where it is opened', () => {
    const { groups, kubeconfig, prometheus, ready } = statusValue(state, local, '/k')
    expect({ kubeconfig, prometheus, ready }).toEqual({
      kubeconfig: '/k',
      prometheus: 'http://127.0.0.1:30090',
      ready: false,
    })
    expect(groups.control).toEqual({ gateway: 'http://127.0.0.1:30081', ...state.groups.control })
    expect(groups.experiment.gateway).toBe('http://127.0.0.1:30082')
  })
})
