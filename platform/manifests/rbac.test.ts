import { describe, expect, test } from '@jest/globals'
import { OBJECTS as ALL_OBJECTS } from './planned-pods.ts'

// What the agent may do stands in a test of its own.
const OBJECTS = ALL_OBJECTS.filter(({ metadata }) => metadata.labels.service !== 'agent')

describe('roles', () => {
  test('let nobody read Secrets, and nobody do anything cluster-wide but look at nodes and metrics', () => {
    type Rule = { resources?: string[]; nonResourceURLs?: string[]; verbs: string[] }
    const rules = (kind: string) =>
      OBJECTS.filter(object => object.kind === kind).flatMap(object => object.rules as Rule[])

    expect(
      [...rules('Role'), ...rules('ClusterRole')].filter(rule => rule.resources?.includes('secrets')),
    ).toEqual([])
    expect(
      rules('ClusterRole').map(({ resources, nonResourceURLs, verbs }) => [
        resources ?? nonResourceURLs,
        verbs,
      ]),
    ).toEqual([
      [['nodes'], ['get', 'list', 'watch']],
      [['nodes/metrics'], ['get']],
      [['/metrics'], ['get']],
      [['nodes'], ['list', 'watch']],
    ])
  })

  test('let oncall make and lift the halt, and touch nothing else', () => {
    const rules = OBJECTS.filter(
      ({ kind, metadata }) => kind === 'Role' && metadata.labels.service === 'oncall',
    ).flatMap(role => (role.rules as object[]).map(rule => ({ namespace: role.metadata.namespace, ...rule })))
    const look = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }
    const halt = { namespace: 'chaos', apiGroups: [''], resources: ['configmaps'] }

    expect(rules).toEqual([
      ...['control', 'experiment', 'observability', 'chaos'].map(namespace => ({ namespace, ...look })),
      { ...halt, verbs: ['create'] },
      { ...halt, resourceNames: ['halt'], verbs: ['get', 'delete'] },
    ])
  })
})
