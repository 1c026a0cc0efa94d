import { describe, expect, test } from '@jest/globals'
import { ZONES } from '../../platform/topology.ts'
import { examplePlan, planOf, primaryIn, withPods } from './example-plans.ts'

describe('killPod', () => {
  test('kills the pods of the services in the zone, at once and by their uid', () => {
    const fault = planOf('kill-pod', { services: ['gateway', 'recommender'], zone: 'b' })
    expect(fault.begin).toEqual(
      ['gateway', 'recommender'].map(service => ({
        action: 'delete-pod',
        namespace: 'experiment',
        name: `${service}-b`,
        uid: `experiment-${service}-b`,
        graceSeconds: 0,
      })),
    )
    expect(fault.end).toEqual([])
    expect(fault.proofs).toMatchObject([
      { proof: 'pod-replaced', uid: 'experiment-gateway-b', zone: 'b', before: ['experiment-gateway-b'] },
      { proof: 'pod-replaced', uid: 'experiment-recommender-b', zone: 'b' },
    ])
  })

  test('proves each in its own zone when they are in several', () => {
    const fault = planOf('kill-pod', { services: ['gateway'], onePerZone: true })
    expect(fault.zone).toBeNull()
    expect(fault.proofs).toMatchObject(ZONES.map(zone => ({ zone, uid: `experiment-gateway-${zone}` })))
  })
})

describe('killPrimary', () => {
  test('kills the one that leads, wherever it is', () => {
    const fault = examplePlan('kill-primary', primaryIn('c'))
    expect(fault.targets).toEqual(['database-c'])
    expect(fault.proofs).toMatchObject([
      { proof: 'pod-gone', uid: 'experiment-database-c' },
      { proof: 'primary-moved', uidBefore: 'experiment-database-c' },
    ])
  })

  test('takes the one that answers for the primary while a dead one still says it is', () => {
    const view = withPods(pod => {
      if (pod.group !== 'experiment' || pod.service !== 'database') return pod
      return { ...pod, role: 'primary', ready: pod.name === 'database-b' }
    })
    expect(examplePlan('kill-primary', view).targets).toEqual(['database-b'])
  })
})

describe('evict', () => {
  test('asks, and counts the pod gone however long it took', () => {
    const fault = examplePlan('evict')
    expect(fault.begin).toMatchObject([{ action: 'evict-pod', uid: 'experiment-gateway-b' }])
    expect(fault.proofs).toMatchObject([{ proof: 'pod-gone', uid: 'experiment-gateway-b' }])
  })
})
