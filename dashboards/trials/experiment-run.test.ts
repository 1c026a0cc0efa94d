import { describe, expect, test } from '@jest/globals'
import type { JournalEntry } from '../../chaos/journal-entry.ts'
import { stretchesOf, unprovenIn } from './experiment-run.ts'

const phase = (name: 'baseline' | 'attack' | 'recovery', atSeconds: number): JournalEntry => ({
  atMs: atSeconds * 1000,
  entry: 'phase',
  phase: name,
})

describe('stretchesOf()', () => {
  test('is calm to the last scrape before the attack, and attacked a little beyond its end', () => {
    const entries = [phase('baseline', 100), phase('attack', 130), phase('recovery', 200)]
    expect(stretchesOf(entries)).toEqual({
      before: { fromSeconds: 100, untilSeconds: 125 },
      during: { fromSeconds: 130, untilSeconds: 220 },
    })
  })

  test('cannot tell of a run that did not come to its recovery', () => {
    expect(() => stretchesOf([phase('baseline', 1), phase('attack', 2)])).toThrow("in 'recovery'")
  })
})

describe('unprovenIn()', () => {
  test('names only what was not seen', () => {
    const effect = (fault: number, proven: boolean): JournalEntry => ({
      atMs: 1,
      entry: 'fault-effect',
      fault,
      proven,
      detail: 'seen',
    })
    expect(unprovenIn([effect(0, true), effect(1, false)])).toEqual(['fault 1: seen'])
  })
})
