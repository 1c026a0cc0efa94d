import { describe, expect, test } from '@jest/globals'
import { CALM, inputOf } from '../judgement/simulation.ts'
import { whatWasDone } from './words.ts'

describe('whatWasDone()', () => {
  test('does not call the load of both groups the same where one had a surge', () => {
    const input = inputOf(CALM)
    const surge = {
      group: 'experiment',
      factor: 3,
      startSeconds: 60,
      durationSeconds: 20,
      inside: { control: 2000, experiment: 6000 },
    } as const
    const text = whatWasDone({ ...input, load: { ...input.load, surges: [surge] } })

    expect(text).toContain('but for the surge: 3.00 times as many for 20 s for the experimental group')
    expect(whatWasDone(input)).not.toContain('surge')
  })
})
