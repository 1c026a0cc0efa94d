import { describe, expect, test } from '@jest/globals'
import { templateReferences } from './template.ts'

const KUBE_1 = 'registry.example:5000/kube:1'
const KUBE_2 = 'registry.example:5000/kube:2'
const PAUSE = 'registry.example:5000/pause:1'
const EDGE_1 = 'registry.example:5000/edge:1'
const EDGE_2 = 'registry.example:5000/edge:2'

describe('templateReferences()', () => {
  test.each([
    { title: 'begins with what is wanted', held: [], wanted: [PAUSE, KUBE_1], expected: [KUBE_1, PAUSE] },
    {
      title: "keeps the cluster's own images when others are published",
      held: [KUBE_1, PAUSE, EDGE_1],
      wanted: [EDGE_2],
      expected: [EDGE_2, KUBE_1, PAUSE],
    },
    {
      title: "keeps what is published when the cluster's own images change",
      held: [KUBE_1, PAUSE, EDGE_1],
      wanted: [KUBE_2, PAUSE],
      expected: [EDGE_1, KUBE_2, PAUSE],
    },
    { title: 'is the same for the same', held: [EDGE_1], wanted: [EDGE_1], expected: [EDGE_1] },
  ])('$title', ({ held, wanted, expected }) => {
    expect(templateReferences(held, wanted)).toEqual(expected)
  })
})
