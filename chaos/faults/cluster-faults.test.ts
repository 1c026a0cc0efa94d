import { describe, expect, test } from '@jest/globals'
import { agentActions, codeOf, examplePlan, LASTING, planOf, primaryIn } from './example-plans.ts'

describe('oversubscribe', () => {
  test('asks for more than the nodes have, among pods of equal size', () => {
    // 3 nodes of 2 cores and 2972 MiB; 150 % of it among 12 pods.
    expect(examplePlan('oversubscribe').begin).toEqual([
      {
        action: 'occupy',
        name: 'occupy-run1',
        pods: 12,
        cpuRequest: 0.75,
        memoryRequestMiB: 1115,
        priority: 'low',
      },
    ])
  })

  test('takes away what it made', () => {
    const fault = examplePlan('oversubscribe')
    expect(fault.end).toEqual([
      { action: 'api-undo', undo: { undo: 'delete-deployment', name: 'occupy-run1' } },
    ])
    expect(fault.proofs).toEqual([{ proof: 'pods-pending' }])
  })
})

describe('scaleDown', () => {
  test('takes replicas away and gives back as many as there were', () => {
    const fault = planOf('scale-down', { services: ['database'] }, { ...LASTING, replicas: 2 })
    const what = { resource: 'statefulsets', name: 'database' }
    expect(fault.begin).toEqual([{ action: 'scale', ...what, replicas: 2 }])
    expect(fault.end).toEqual([{ action: 'api-undo', undo: { undo: 'scale', ...what, replicas: 3 } }])
    expect(fault.proofs).toEqual([{ proof: 'replicas-at-most', service: 'database', replicas: 2 }])
  })

  test('refuses what would take nothing away', () => {
    const work = () => planOf('scale-down', { services: ['gateway'] }, { ...LASTING, replicas: 3 })
    expect(codeOf(work)).toBe('NOT_SMALLER')
  })
})

describe('slowDatabase and connectionExhaustion', () => {
  test('go to the primary, unless replicas are asked for', () => {
    expect(examplePlan('slow-database', primaryIn('c')).targets).toEqual(['database-c/database'])
    expect(planOf('connection-exhaustion', { role: 'replica' }, LASTING).targets).toEqual([
      'database-b/database',
      'database-c/database',
    ])
  })

  test('say what the sessions do', () => {
    expect(agentActions(examplePlan('slow-database'))).toEqual([
      [{ action: 'sql', mode: 'slow-queries', sessions: 4 }],
    ])
    expect(agentActions(planOf('slow-database', {}, { ...LASTING, mode: 'lock', table: 'plays' }))).toEqual([
      [{ action: 'sql', mode: 'lock', sessions: 1, table: 'plays' }],
    ])
    expect(agentActions(examplePlan('connection-exhaustion'))).toEqual([
      [{ action: 'sql', mode: 'connections', sessions: 120 }],
    ])
  })
})

describe('surge', () => {
  test('tells the factor, and proves it by arrivals', () => {
    const fault = examplePlan('surge')
    expect(fault.begin).toEqual([{ action: 'surge', factor: 3 }])
    expect(fault.proofs).toEqual([{ proof: 'load-factor', factor: 3 }])
  })
})
