import { describe, expect, test } from '@jest/globals'
import type { V1PodSpec } from '@kubernetes/client-node'
import { OBJECTS, PODS } from './planned-pods.ts'

const own = OBJECTS.filter(({ metadata }) => metadata.labels.service === 'agent')
const [pod, ...others] = PODS.filter(({ labels }) => labels.service === 'agent')
const spec = pod?.spec as V1PodSpec

describe('agent()', () => {
  test('is one DaemonSet, in a namespace of its own', () => {
    expect(others).toEqual([])
    expect(pod?.title).toBe('DaemonSet chaos/agent')
  })

  test('selects nodes of the experimental group and tolerates no other taint', () => {
    expect(spec.nodeSelector).toEqual({ group: 'experiment' })
    expect(spec.tolerations).toEqual([
      { key: 'group', operator: 'Equal', value: 'experiment', effect: 'NoSchedule' },
    ])
    expect(spec.nodeName).toBeUndefined()
  })

  test('is privileged, with files that nobody changes but in its own places', () => {
    const [container] = spec.containers

    expect(spec.hostPID).toBe(true)
    expect(spec.hostNetwork).toBeUndefined()
    expect(container?.securityContext).toMatchObject({ privileged: true, readOnlyRootFilesystem: true })
    expect(container?.ports).toBeUndefined()
    expect(spec.volumes?.flatMap(({ hostPath }) => hostPath?.path ?? [])).toEqual([
      '/var/lib/divergence-agent',
    ])
  })

  test('may look at pods of the experimental group only, and change what its undos need', () => {
    type Rule = { resources: string[]; resourceNames?: string[]; verbs: string[] }
    const roles = own
      .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
      .flatMap(({ metadata, rules }) =>
        (rules as Rule[]).map(({ resources, resourceNames = [], verbs }) =>
          [`${metadata.namespace ?? '*'}:`, ...verbs, ...resources, ...resourceNames].join(' '),
        ),
      )

    expect(roles).toEqual([
      '*: get patch nodes',
      '*: get endpointslices kubernetes',
      'experiment: get list pods',
      'experiment: patch deployments/scale statefulsets/scale',
      'experiment: delete deployments',
      'observability: delete jobs',
      'chaos: list watch delete leases',
      'chaos: list watch configmaps halt',
    ])
  })

  test('is bound to policies that deny', () => {
    const policies = own.filter(({ kind }) => kind === 'ValidatingAdmissionPolicy')
    const bindings = own.filter(({ kind }) => kind === 'ValidatingAdmissionPolicyBinding')

    expect(bindings.map(({ spec: binding }) => binding)).toEqual(
      policies.map(({ metadata }) => ({ policyName: metadata.name, validationActions: ['Deny'] })),
    )
    expect(policies.map(({ spec: policy }) => (policy as { failurePolicy: string }).failurePolicy)).toEqual([
      'Fail',
      'Fail',
      'Fail',
    ])
  })
})
