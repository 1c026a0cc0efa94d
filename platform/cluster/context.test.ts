import { describe, expect, test } from '@jest/globals'
import type { V1Node } from '@kubernetes/client-node'
import { missingNodes } from './context.ts'

function node(group: string | undefined, zone: string, ready = true): V1Node {
  return {
    metadata: { labels: { ...(group ? { group } : {}), 'topology.kubernetes.io/zone': zone } },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  } as V1Node
}

const whole = ['control', 'experiment'].flatMap(group =>
  ['eu-1a', 'eu-1b', 'eu-1c'].map(zone => node(group, zone)),
)

describe('missingNodes()', () => {
  test('finds nothing missing when both groups have a Ready node in three zones, whatever the zones are called', () => {
    expect(missingNodes(whole)).toEqual([])
  })

  test.each([
    { title: 'counts zones, not nodes', nodes: [...whole.slice(1), node('control', 'eu-1b')] },
    {
      title: 'does not count a node that is not Ready',
      nodes: [node('control', 'eu-1a', false), ...whole.slice(1)],
    },
    { title: 'does not count a node without a group', nodes: [node(undefined, 'eu-1a'), ...whole.slice(1)] },
  ])('$title', ({ nodes }) => {
    expect(missingNodes(nodes)).toEqual(["group 'control' has Ready nodes in 2 of 3 zones"])
  })
})
