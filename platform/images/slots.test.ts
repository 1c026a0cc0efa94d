import { describe, expect, test } from '@jest/globals'
import { Slots } from './slots.ts'

describe('Slots.use()', () => {
  test('lets no more than its number go on at a time, in the order they came', async () => {
    const slots = new Slots(2)
    const order: number[] = []
    let running = 0
    let most = 0
    const work = (index: number) =>
      slots.use(0, async () => {
        order.push(index)
        running += 1
        most = Math.max(most, running)
        await new Promise(resolve => setImmediate(resolve))
        running -= 1
        return index
      })
    expect(await Promise.all([0, 1, 2, 3, 4].map(work))).toEqual([0, 1, 2, 3, 4])
    expect(order).toEqual([0, 1, 2, 3, 4])
    await Promise.all([5, 6, 7, 8].map(work))
    expect(most).toBe(2)
  })

  test('gives the slot of a failed work to the next', async () => {
    const slots = new Slots(1)
    const failed = slots.use(0, () => Promise.reject(new Error('no')))
    const next = slots.use(0, async () => 'next')
    await expect(failed).rejects.toThrow('no')
    expect(await next).toBe('next')
  })

  test('lets a lower rank go first', async () => {
    const slots = new Slots(1)
    const order: string[] = []
    const work = (name: string, rank: number) => slots.use(rank, async () => void order.push(name))
    await Promise.all([
      work('first', 9),
      work('late', 2),
      work('early', 1),
      work('late too', 2),
      work('soon', 0),
    ])
    expect(order).toEqual(['first', 'soon', 'early', 'late', 'late too'])
  })
})
