import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Admission, type AdmissionLimits } from './admission.ts'

const LIMITS: AdmissionLimits = {
  concurrencyMin: 2,
  concurrencyMax: 10,
  latencyTargetMs: 100,
  queueLength: 2,
  queueWaitMs: 50,
}

/** A door, a clock that jest's timers follow, and visitors that note what becomes of them. */
function doorOf(limits: Partial<AdmissionLimits>) {
  const admission = new Admission({ ...LIMITS, ...limits }, () => Date.now())
  const fates: string[] = []
  const visit = (name: string) =>
    admission.enter({
      run: () => fates.push(`${name} runs`),
      shed: reason => fates.push(`${name} ${reason}`),
    })
  /** One window of equal samples, with `inside` requests at the door meanwhile. */
  const window = (firstByteMs: number, inside = 0) => {
    const leaves = Array.from({ length: inside }, () => admission.enter({ run: () => {}, shed: () => {} }))
    for (let sample = 0; sample < 20; sample++) admission.learn(firstByteMs)
    jest.advanceTimersByTime(250)
    admission.learn(firstByteMs)
    for (const leave of leaves) leave()
  }
  return { admission, fates, visit, window }
}

beforeEach(() => {
  jest.useFakeTimers()
})
afterEach(() => {
  jest.useRealTimers()
})

describe('Admission', () => {
  test('lets the limit in, keeps a queue, and sheds the rest at once', () => {
    const { fates, visit } = doorOf({ concurrencyMax: 2 })
    for (const name of ['a', 'b', 'c', 'd', 'e']) visit(name)
    expect(fates).toEqual(['a runs', 'b runs', 'e queue_full'])
  })

  test('lets the longest waiting in when one leaves, and counts a leaving once', () => {
    const { fates, visit } = doorOf({ concurrencyMax: 2, queueLength: 3 })
    const leave = visit('a')
    for (const name of ['b', 'c', 'd']) visit(name)
    leave()
    leave()
    expect(fates).toEqual(['a runs', 'b runs', 'c runs'])
  })

  test('sheds who waited too long, each at its own time', () => {
    const { fates, visit } = doorOf({ concurrencyMax: 2 })
    visit('a')
    visit('b')
    visit('c')
    jest.advanceTimersByTime(30)
    visit('d')
    jest.advanceTimersByTime(20)
    expect(fates).toEqual(['a runs', 'b runs', 'c queue_wait'])
    jest.advanceTimersByTime(30)
    expect(fates).toEqual(['a runs', 'b runs', 'c queue_wait', 'd queue_wait'])
  })

  test('forgets who left the queue', () => {
    const { fates, visit } = doorOf({ concurrencyMax: 2 })
    const leaveFirst = visit('a')
    visit('b')
    const leaveQueued = visit('c')
    visit('d')
    leaveQueued()
    leaveFirst()
    jest.advanceTimersByTime(100)
    expect(fates).toEqual(['a runs', 'b runs', 'd runs'])
  })

  test('gives the place back of one who ran from the queue', () => {
    const { fates, visit } = doorOf({ concurrencyMax: 2 })
    const leaveFirst = visit('a')
    visit('b')
    const leaveQueued = visit('c')
    leaveFirst()
    leaveQueued()
    visit('d')
    expect(fates).toEqual(['a runs', 'b runs', 'c runs', 'd runs'])
  })

  test('lowers the limit while the median is above the target, down to the least', () => {
    const { admission, window } = doorOf({})
    window(101)
    // floor(10 * 0.9)
    expect(admission.limit).toBe(9)
    window(150)
    // floor(9 * 100 / 150)
    expect(admission.limit).toBe(6)
    window(5000)
    // 6 * 0.5
    expect(admission.limit).toBe(3)
    for (let round = 0; round < 20; round++) window(101)
    expect(admission.limit).toBe(2)
  })

  test('keeps the limit when less than half is slow: then something is broken, not overloaded', () => {
    const { admission } = doorOf({})
    for (let round = 0; round < 10; round++) {
      for (let sample = 0; sample < 20; sample++) admission.learn(sample % 3 === 0 ? 2000 : 10)
      jest.advanceTimersByTime(250)
      admission.learn(10)
    }
    expect(admission.limit).toBe(10)
  })

  test('raises the limit again when it was reached and answers are quick', () => {
    const { admission, window } = doorOf({})
    for (let round = 0; round < 20; round++) window(101)
    window(10)
    expect(admission.limit).toBe(2)
    window(10, 2)
    // 2 + ceil(sqrt(2))
    expect(admission.limit).toBe(4)
    for (let round = 0; round < 20; round++) window(10, admission.limit)
    expect(admission.limit).toBe(10)
  })
})
