import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { UserError } from '../../platform/errors.ts'
import { ZONES } from '../../platform/topology.ts'
import { wholeLab } from '../lab/recording.ts'
import type { LabView, PodView } from '../lab/view.ts'
import { type PodSelect, podSelect, selectNode, selectPods } from './select.ts'

const GATEWAYS = ZONES.map(zone => `gateway-${zone}`)

function pick(select: object, view: LabView = wholeLab(), seed = 1): readonly string[] {
  const whole: PodSelect = podSelect.parse({ group: 'experiment', services: ['gateway'], ...select })
  return selectPods(whole, view, seed).map(pod => pod.name)
}

function withPods(change: (pod: PodView) => PodView | null): LabView {
  const lab = wholeLab()
  return { ...lab, pods: lab.pods.flatMap(pod => change(pod) ?? []) }
}

/** The lab with one pod of the experiment changed. */
const changed = (name: string, change: Partial<PodView>) =>
  withPods(pod => (pod.group === 'experiment' && pod.name === name ? { ...pod, ...change } : pod))

/** The lab with a second gateway in zone b. */
const twoInB = () => withExtra({ name: 'gateway-b2', uid: 'experiment-gateway-b2', nodeName: 'experiment-b' })

function withExtra(change: Partial<PodView>): LabView {
  const lab = wholeLab()
  const first = lab.pods.find(pod => pod.uid === 'experiment-gateway-b')
  return { ...lab, pods: [...lab.pods, { ...(first as PodView), ...change }] }
}

const seeds = Array.from({ length: 30 }, (_, seed) => seed)

describe('selectPods()', () => {
  test.each<[string, object, readonly string[]]>([
    ['all, when no number is given', {}, GATEWAYS],
    ['those of a zone', { zone: 'b' }, ['gateway-b']],
    ["those of the primary's zone", { zone: 'primary' }, ['gateway-a']],
    [
      'each service by itself',
      { services: ['recommender', 'gateway'], zone: 'c' },
      ['recommender-c', 'gateway-c'],
    ],
    ['a service that is named twice once', { services: ['gateway', 'gateway'], zone: 'c' }, ['gateway-c']],
    ['the primary', { services: ['database'], role: 'primary' }, ['database-a']],
    ['the replicas', { services: ['database'], role: 'replica' }, ['database-b', 'database-c']],
    ['one in each zone', { onePerZone: true }, GATEWAYS],
    ['as many as there are', { count: 3 }, GATEWAYS],
    ['all of them as a share', { percent: 100 }, GATEWAYS],
  ])('picks %s', (_title, select, expected) => {
    expect(pick(select)).toEqual(expected)
  })

  test.each([
    [1, 1],
    [33, 1],
    [34, 2],
    [66, 2],
    [67, 3],
  ])('rounds a share up: %s %% of three are %s', (percent, count) => {
    expect(pick({ percent })).toHaveLength(count)
  })

  test('picks any of them, the same ones for the same seed, whatever order the API server gives', () => {
    const picks = seeds.map(seed => pick({ count: 1 }, wholeLab(), seed)[0])
    expect([...new Set(picks)].sort()).toEqual(GATEWAYS)
    const lab = wholeLab()
    const reversed = { ...lab, pods: [...lab.pods].reverse() }
    expect(seeds.map(seed => pick({ count: 1 }, reversed, seed)[0])).toEqual(picks)
  })

  test('picks of each service without regard to the others', () => {
    for (const seed of seeds) {
      const both = pick({ services: ['recommender', 'gateway'], count: 1 }, wholeLab(), seed)
      expect(both).toContain(pick({ count: 1 }, wholeLab(), seed)[0])
    }
  })

  test('picks any one of a zone when it is to be one in each', () => {
    const picks = seeds.map(seed => pick({ onePerZone: true }, twoInB(), seed))
    expect(picks.every(names => names.length === 3)).toBe(true)
    expect(new Set(picks.map(names => names[1]))).toEqual(new Set(['gateway-b', 'gateway-b2']))
  })

  test.each<[string, Partial<PodView>]>([
    ['is told to go', { terminating: true }],
    ['has finished', { finished: true }],
    ['is nowhere yet', { nodeName: null }],
    ['is on a node of the control group', { nodeName: 'control-b' }],
    ['is in the namespace of the control group', { namespace: 'control' }],
    ['is labelled as of the control group', { group: 'control' }],
  ])('leaves out a pod that %s', (_title, change) => {
    expect(pick({}, changed('gateway-b', change))).toEqual(['gateway-a', 'gateway-c'])
  })

  test.each<[string, object, LabView, string]>([
    ['nothing is there', { zone: 'b' }, changed('gateway-b', { terminating: true }), 'gateway in zone b'],
    [
      'one of several services has nothing there',
      { services: ['recommender', 'gateway'], zone: 'b' },
      changed('gateway-b', { terminating: true }),
      'gateway in zone b',
    ],
    ['fewer are there than were asked for', { count: 4 }, wholeLab(), '4 pods of gateway'],
    [
      'nobody has the role there',
      { services: ['database'], role: 'primary', zone: 'b' },
      wholeLab(),
      'database primary in zone b',
    ],
  ])('is an error when %s', (_title, select, view, words) => {
    const work = () => pick(select, view)
    expect(work).toThrow(UserError)
    expect(work).toThrow(`Cannot select ${words} of the experiment group`)
  })

  describe('says how pods come back to a zone', () => {
    const hint = (view: LabView, select: object) => {
      try {
        return `picked ${pick(select, view)}`
      } catch (error) {
        return (error as UserError).hint
      }
    }
    /** As a drain leaves it: the gateway of zone c was put into zone b. */
    const emptied = changed('gateway-c', { nodeName: 'experiment-b' })
    const twoPods = { ...emptied, pods: emptied.pods.filter(({ uid }) => uid !== 'experiment-gateway-a') }
    const ofZoneC = (change: object): LabView => ({
      ...emptied,
      nodes: emptied.nodes.map(node => (node.name === 'experiment-c' ? { ...node, ...change } : node)),
    })
    const STATUS = "See what is there with 'divergence status'."

    test('that was emptied, by one of the pods that share another', () => {
      expect(hint(emptied, { zone: 'c' })).toBe(
        'kubectl -n experiment delete pod gateway-b: the scheduler puts it back into zone c.',
      )
    })

    test.each<[string, LabView, object]>([
      ['there are fewer pods than zones', twoPods, { zone: 'c' }],
      ['its node takes no pods', ofZoneC({ cordoned: true }), { zone: 'c' }],
      ['its node is gone', ofZoneC({ ready: false }), { zone: 'c' }],
      [
        'it has pods, but none with the role',
        withExtra({ name: 'database-b2', uid: 'x', service: 'database' }),
        { services: ['database'], role: 'primary', zone: 'c' },
      ],
    ])('but not when %s', (_title, view, select) => {
      expect(hint(view, select)).toBe(STATUS)
    })
  })

  test('picks as many as were asked for, each once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.nat({ max: 2 ** 32 - 1 }), (count, seed) => {
        const names = pick({ count }, twoInB(), seed)
        expect(new Set(names).size).toBe(count)
      }),
    )
  })
})

describe('selectNode()', () => {
  test('is an error when there is none', () => {
    const view = { ...wholeLab(), nodes: [] }
    expect(() => selectNode({ group: 'experiment', zone: 'b' }, view, 1)).toThrow('a node in zone b')
  })
})
