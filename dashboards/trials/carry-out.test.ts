import { beforeEach, describe, expect, test } from '@jest/globals'
import { carryOut } from './carry-out.ts'

let done: string[]
/** Steps that fail, by what they say when they are done. */
let failing: readonly string[]
let comesToAttack: boolean

beforeEach(() => {
  done = []
  failing = []
  comesToAttack = true
})

const step = (name: string) => async () => {
  // Time passes in each: one that is not waited for would be done too late.
  await new Promise(resolve => setTimeout(resolve, 1))
  done.push(name)
  if (failing.includes(name)) throw new Error(`${name} failed`)
}

const run = {
  untilAttack: async () => {
    await step('attack')()
    return comesToAttack
  },
  untilOver: step('over'),
}
const batch = { begin: step('begin'), repair: step('repair') }
const carriedOut = (one: typeof batch | null = batch) =>
  carryOut(run, { batch: one, spreadPods: step('spread') })

describe('carryOut()', () => {
  test('begins the batch in the attack, and undoes all when the run is over', async () => {
    await carriedOut()
    expect(done).toEqual(['attack', 'begin', 'over', 'repair', 'spread'])
  })

  test('waits for the run though the batch could not be begun, and repairs what may be there', async () => {
    failing = ['begin']
    await expect(carriedOut()).rejects.toThrow('begin failed')
    expect(done).toEqual(['attack', 'begin', 'over', 'repair', 'spread'])
  })

  test.each([
    { title: 'where there is to be none', one: null, expected: ['over', 'spread'] },
    { title: 'when the run came to no attack', one: batch, expected: ['attack', 'over', 'spread'] },
  ])('repairs no batch $title', async ({ one, expected }) => {
    comesToAttack = false
    await carriedOut(one)
    expect(done).toEqual(expected)
  })

  test('spreads the pods though nothing else went well, and tells all of it, the first thing first', async () => {
    failing = ['over', 'repair', 'spread']
    const failure = carriedOut()
    await expect(failure).rejects.toBeInstanceOf(AggregateError)
    await expect(failure).rejects.toThrow('over failed; then: repair failed; then: spread failed')
    expect(done.at(-1)).toBe('spread')
  })
})
