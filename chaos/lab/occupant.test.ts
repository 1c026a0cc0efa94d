import { describe, expect, test } from '@jest/globals'
import { occupant } from './occupant.ts'

const deployment = occupant(
  { action: 'occupy', name: 'occupant-x', pods: 4, cpuRequest: 0.25, memoryRequestMiB: 372, priority: 'low' },
  'registry/load:1',
)
const pod = deployment.spec?.template.spec

describe('occupant()', () => {
  test('may only run on nodes of the experimental group', () => {
    expect(deployment.metadata?.namespace).toBe('experiment')
    expect(pod?.nodeSelector).toEqual({ group: 'experiment' })
    expect(pod?.tolerations).toEqual([
      { key: 'group', operator: 'Equal', value: 'experiment', effect: 'NoSchedule' },
    ])
  })

  test('asks for what it was told to, at its priority, and may be deleted by an agent', () => {
    expect(deployment.spec?.replicas).toBe(4)
    expect(pod?.containers[0]?.resources?.requests).toEqual({ cpu: '0.25', memory: '372Mi' })
    expect(pod?.priorityClassName).toBe('divergence-low')
    expect(deployment.metadata?.labels).toMatchObject({ service: 'occupant' })
  })

  test('goes at once', () => {
    expect(pod?.terminationGracePeriodSeconds).toBe(0)
  })
})
