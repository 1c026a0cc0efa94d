import { describe, expect, test } from '@jest/globals'
import { wholeLab } from '../lab/recording.ts'
import type { NodeView, PodView } from '../lab/view.ts'
import { nodeChange, podChange } from './changes.ts'

const { nodes, pods } = wholeLab()
const node = nodes.find(({ name }) => name === 'experiment-b') as NodeView
const pod = pods.find(({ uid }) => uid === 'experiment-database-b') as PodView

describe('nodeChange()', () => {
  test('tells that a node became NotReady, with group and zone', () => {
    expect(nodeChange(node, { ...node, ready: false }, 5)).toEqual([
      {
        atMs: 5,
        source: 'cluster',
        group: 'experiment',
        zone: 'b',
        service: 'node',
        text: 'node experiment-b NotReady',
      },
    ])
  })

  test.each([
    ['a heartbeat', node, node],
    ['a node seen for the first time', null, node],
  ])('is silent about %s', (_title, before, after) => {
    expect(nodeChange(before, after, 0)).toEqual([])
  })
})

describe('podChange()', () => {
  const texts = (before: PodView | null, after: PodView | null) =>
    podChange(before, after, nodes, 0).map(({ text }) => text)

  test.each<[string, PodView | null, PodView | null, string[]]>([
    ['a promotion', pod, { ...pod, role: 'primary' }, ['database-b is the Postgres primary']],
    ['a demotion', { ...pod, role: 'primary' }, pod, ['database-b is no longer the Postgres primary']],
    ['a pod that fails its probe', pod, { ...pod, ready: false }, ['pod database-b not ready']],
    ['a pod that is back', { ...pod, ready: false }, pod, ['pod database-b ready']],
    ['a deletion', pod, { ...pod, terminating: true }, ['pod database-b terminating']],
    ['the end of a pod', pod, null, ['pod database-b gone']],
    ['a replacement', null, { ...pod, ready: false, nodeName: null }, ['pod database-b created']],
    ['nothing new', pod, { ...pod }, []],
    ['a finished job', pod, { ...pod, finished: true, ready: false }, []],
  ])('tells of %s', (_title, before, after, expected) => {
    expect(texts(before, after)).toEqual(expected)
  })
})
