import { describe, expect, test } from '@jest/globals'
import { judge } from '../judgement/judge.ts'
import { CALM, inputOf, simulate } from '../judgement/simulation.ts'
import { meaning, whatWasDone } from './words.ts'

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

describe('meaning()', () => {
  test('says of an attack that was called off why, where no signal can be placed', () => {
    const input = inputOf(CALM, { aborted: true })
    const { signals, ...verdict } = judge(simulate(CALM), input)
    const open = signals.map(signal => ({ ...signal, outcome: 'undecided' as const }))
    expect(meaning({ ...verdict, verdict: 'diverged', signals: open }, input)).toBe(
      'So many more requests failed than in the untouched group that the attack was called off. The run was aborted before its end.',
    )
  })
})
