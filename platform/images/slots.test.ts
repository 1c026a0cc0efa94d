import { describe, expect, test } from '@jest/globals'
import { Slots } from './slots.ts'

describe('Slots.use()', () => {
  test('lets no more than its number go on at a time, in the order they came', async () => {
    const slots = new Slots(2)
    const order: number[] = []
    let running = 0
    let most = 0
    const work = (index: number) =>
      slots.use(async () => {
        order.push(index)
        running += 1
        most = Math.max(most, running)
        await new Promise(resolve => setImmediate(resolve))
        running -= 1
        return index
      })
    expect(await Promise.all([0, 1, 2, 3, 4].map(work))).toEqual([0, 1, 2, 3, 4])
    expect(order).toEqual([0, 1, 2, 3, 4])
    expect(most).toBe(2)
  })

  test('gives the slot of a failed work to the next', async () => {
    const slots = new Slots(1)
    const failed = slots.use(() => Promise.reject(new Error('no')))
    const next = slots.use(async () => 'next')
    await expect(failed).rejects.toThrow('no')
    expect(await next).toBe('next')
  })
})
