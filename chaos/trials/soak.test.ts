import { describe, expect, test } from '@jest/globals'
import { faultSchema } from '../faults/catalogue.ts'
import { conflicts } from '../faults/overlap.ts'
import { allBatches, MOMENTARY, nameOf } from './batches.ts'
import { roundsOf } from './soak.ts'

describe('roundsOf()', () => {
  const rounds = roundsOf(200, 1)

  test('has exactly as many kills as were asked for', () => {
    expect(rounds.flatMap(({ kills }) => kills)).toHaveLength(200)
  })

  test('kills runner and agents, in the attack and before it, one fault and several', () => {
    const victims = new Set(rounds.flatMap(({ kills }) => kills.map(({ victim }) => victim)))
    expect([...victims].sort()).toEqual(['a', 'b', 'c', 'runner'])
    expect(new Set(rounds.map(({ from }) => from)).size).toBe(2)
    expect(new Set(rounds.map(({ batch }) => batch.faults.length)).size).toBeGreaterThan(2)
    expect(rounds.every(({ batch }) => batch.faults.length > 0)).toBe(true)
  })

  test('is the same for the same seed, and another for another', () => {
    expect(roundsOf(20, 7)).toEqual(roundsOf(20, 7))
    expect(roundsOf(20, 7)).not.toEqual(roundsOf(20, 8))
  })

  test('makes only faults that there are', () => {
    for (const { batch } of rounds) for (const fault of batch.faults) faultSchema.parse(fault)
  })

  test('has nothing else where it drains, and nothing on pods that it takes away', () => {
    for (const { batch } of rounds) {
      const faults = batch.faults as readonly {
        kind: string
        select: { zone?: string; services?: readonly string[] }
      }[]
      const kinds = faults.map(({ kind }) => kind)
      const others = faults.filter(({ kind }) => kind !== 'drain' && kind !== 'scale-down')
      if (kinds.includes('drain')) expect(others.filter(({ select }) => select.zone === 'c')).toEqual([])
      if (kinds.includes('scale-down')) {
        expect(others.filter(({ select }) => select.services?.includes('recommender'))).toEqual([])
      }
    }
  })
})

/** A runner refuses what cannot go on side by side. */
const conflictsIn = (faults: readonly object[]) => conflicts(faults.map(fault => faultSchema.parse(fault)))

test.each([...allBatches(10), MOMENTARY].map(({ name, faults }) => ({ name, faults })))(
  'the batch $name has only faults that can be on at the same time, and no name twice',
  ({ faults }) => {
    expect(conflictsIn(faults)).toEqual([])
    expect(new Set(faults.map(nameOf)).size).toBe(faults.length)
  },
)

test('so has every round', () => {
  for (const { batch } of roundsOf(400, 3)) expect(conflictsIn(batch.faults)).toEqual([])
})

describe('allBatches()', () => {
  test('makes only faults that there are', () => {
    for (const { faults } of [...allBatches(10), MOMENTARY]) {
      for (const fault of faults) faultSchema.parse(fault)
    }
  })
})
