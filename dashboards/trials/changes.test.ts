import { describe, expect, test } from '@jest/globals'
import { alertStates, changeOf, ownerOf, type Series } from './changes.ts'

const BEFORE = { fromSeconds: 100, untilSeconds: 120 }
const DURING = { fromSeconds: 125, untilSeconds: 160 }

/** Values every five seconds from 100 s on; null: no value. */
const series = (values: readonly (number | null)[], labels: Series['labels'] = {}): Series => ({
  labels,
  points: values.flatMap((value, index) => (value === null ? [] : [[100 + 5 * index, value] as const])),
})

const CALM = [1, 2, 1, 3, 2]

describe('changeOf()', () => {
  test.each([
    {
      title: 'a value that rises beyond all that was seen before by what counts',
      values: [...CALM, 2, 8, 3],
      wanted: { direction: 'rises', least: 5 },
      expected: { before: 2, during: 8, moved: true },
    },
    {
      title: 'a value that rises by less',
      values: [...CALM, 2, 7.9, 3],
      wanted: { direction: 'rises', least: 5 },
      expected: { before: 2, during: 7.9, moved: false },
    },
    {
      title: 'a value whose middle lies between two that were seen',
      values: [1, 2, null, 4, 8, 2, 20],
      wanted: { direction: 'rises', least: 5 },
      expected: { before: 3, during: 20, moved: true },
    },
    {
      title: 'a series that the attack made',
      values: [null, null, null, null, null, null, 6],
      wanted: { direction: 'rises', least: 5 },
      expected: { before: null, during: 6, moved: true },
    },
    {
      title: 'a value that falls',
      values: [...CALM, -4, 2],
      wanted: { direction: 'falls', least: 5 },
      expected: { before: 2, during: -4, moved: true },
    },
    {
      title: 'a value that ends is not one that falls',
      values: CALM,
      wanted: { direction: 'falls', least: 0.1 },
      expected: { before: 2, during: null, moved: false },
    },
    {
      title: 'a series that is silent for long enough',
      values: [...CALM, 1, null, null, null, null, 1, 1, 1],
      wanted: { direction: 'ends', least: 25 },
      expected: { before: 2, during: null, moved: true },
    },
    {
      title: 'a series that is silent to the end',
      values: [...CALM, 1, 1],
      wanted: { direction: 'ends', least: 30 },
      expected: { before: 2, during: null, moved: true },
    },
    {
      title: 'a series that is silent for a moment only',
      values: [...CALM, 1, null, 1, 1, 1, 1, 1, 1],
      wanted: { direction: 'ends', least: 15 },
      expected: { before: 2, during: 1, moved: false },
    },
  ] as const)('tells of $title', ({ values, wanted, expected }) => {
    expect(changeOf([series(values)], BEFORE, DURING, wanted)).toEqual({ of: '', ...expected })
  })

  test('names the series that moved the most, without its group', () => {
    const two = [
      series([1, 1, 1, 1, 1, 5], { group: 'experiment', service: 'gateway', zone: 'a' }),
      series([1, 1, 1, 1, 1, 9], { group: 'experiment', service: 'gateway', zone: 'b' }),
    ]
    expect(changeOf(two, BEFORE, DURING, { direction: 'rises', least: 1 })).toMatchObject({
      of: 'gateway b',
      during: 9,
    })
  })

  test('names a pod, and not what follows from it', () => {
    const labels = { pod: 'database-0', instance: '10.0.0.1:1', job: 'database', zone: 'a', reason: 'x' }
    expect(changeOf([series(CALM, labels)], BEFORE, DURING, { direction: 'falls', least: 1 })).toMatchObject({
      of: 'database-0 x',
    })
  })

  test('leaves out what the attack made, where only what was known counts', () => {
    const both = [series([...CALM, 1, 4], { of: 'old' }), series([null, null, null, null, null, null, 99])]
    expect(changeOf(both, BEFORE, DURING, { direction: 'rises', least: 1, isKnown: true })).toMatchObject({
      of: 'old',
      during: 4,
    })
  })

  test('leaves out what happened before, between and after the two stretches', () => {
    const points = [90, 122, 170].map(atSeconds => [atSeconds, 99] as const)
    const one = { labels: {}, points: [...points, [110, 1], [130, 1]] as const }
    expect(changeOf([one], BEFORE, DURING, { direction: 'rises', least: 1 })).toMatchObject({ moved: false })
  })

  test('knows nothing of what has no value', () => {
    const wanted = { direction: 'rises', least: 0 } as const
    expect(changeOf([series([])], BEFORE, DURING, wanted)).toBeNull()
    expect(changeOf([], BEFORE, DURING, wanted)).toBeNull()
  })
})

describe('ownerOf()', () => {
  test.each([
    [{ group: 'control' }, 'x', 'control'],
    [{ group: 'system' }, 'x', 'lab'],
    [{ node: 'experiment-b' }, 'x', 'experiment'],
    [{ node: 'system' }, 'x', 'lab'],
    [{}, 'sum(x{group="experiment"})', 'experiment'],
    [{}, 'sum(x)', 'lab'],
    [{}, 'x{group="experiment"} - x{group="control"}', null],
  ] as const)('%j of %s is of %s', (labels, query, owner) => {
    expect(ownerOf(labels, query)).toBe(owner)
  })
})

describe('alertStates()', () => {
  const alert = (alertname: string, alertstate: string, values: readonly (number | null)[]) =>
    series(values, { alertname, alertstate })
  const NONE = [null, null, null, null, null]

  test('tells the strongest state of each alert in the attack, and whether it fired before', () => {
    const states = alertStates(
      [
        alert('Pending', 'pending', [...NONE, 1]),
        alert('Fires', 'pending', [...NONE, 1]),
        alert('Fires', 'firing', [...NONE, null, 1]),
        alert('FiresOn', 'firing', [1, 1, 1, 1, 1, 1]),
        alert('Over', 'firing', [1, 1, 1]),
      ],
      BEFORE,
      DURING,
    )
    expect(states).toEqual({ Fires: 'fires', FiresOn: 'fires on', Pending: 'pending' })
  })
})
