import { describe, expect, test } from '@jest/globals'
import type { KubernetesObject } from './object.ts'
import { OBJECTS } from './planned-pods.ts'

const deploymentsWith = (strategy: unknown): readonly string[] =>
  OBJECTS.filter(({ kind }) => kind === 'Deployment')
    .filter(
      ({ spec }) => JSON.stringify((spec as { strategy: unknown }).strategy) === JSON.stringify(strategy),
    )
    .map(({ metadata }: KubernetesObject) => metadata.labels.service ?? '')

describe('deployment()', () => {
  test('puts the new pod beside the old one where a request must always find one', () => {
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }

    expect(deploymentsWith(strategy)).toEqual([
      ...['recommender', 'gateway', 'edge'],
      ...['recommender', 'gateway', 'edge'],
    ])
  })

  test('ends the old pod first where two would count twice or share a volume', () => {
    expect(deploymentsWith({ type: 'Recreate' })).toEqual([
      'prometheus',
      'alertmanager',
      'object-state',
      'zipkin',
      'oncall',
    ])
  })
})
