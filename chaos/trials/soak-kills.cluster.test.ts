import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { play, roundsOf } from './soak.ts'
import { remember, spreadPods } from './trial.ts'
import { connectTrialLab, keepAsking, type TrialLab } from './trial-lab.ts'

/* On the running local lab. The long form is `npm run soak:kills -- --count 200 --seed 1`. */

jest.setTimeout(5 * 60_000)

const KILLS = 10
const SEED = 20261121

let lab: TrialLab
const asking = new AbortController()

beforeAll(async () => {
  lab = await connectTrialLab()
  await spreadPods(lab, await remember(lab))
  void keepAsking(5, asking.signal)
})

afterAll(() => {
  asking.abort()
  lab.agents.close()
})

describe('random kills of runner and agents', () => {
  test.each(roundsOf(KILLS, SEED).map((round, index) => ({ round, number: index + 1 })))(
    'round $number leaves nothing behind',
    async ({ round }) => {
      expect(await play(lab, round)).toMatchObject({ residue: [] })
    },
  )
})
