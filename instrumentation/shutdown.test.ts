import { describe, expect, test } from '@jest/globals'
import { withinLimit } from './shutdown.ts'

describe('withinLimit()', () => {
  test('waits for all and says what failed', async () => {
    const done: string[] = []
    const troubles = await withinLimit(
      [
        async () => {
          throw new Error('store is away')
        },
        async () => done.push('sent'),
      ],
      1000,
    )

    expect(done).toEqual(['sent'])
    expect(troubles).toEqual(['Error: store is away'])
  })

  test('waits no longer than its limit', async () => {
    const startedAtMs = performance.now()
    const troubles = await withinLimit([() => new Promise(() => {})], 20)

    expect(troubles).toEqual(['not done within 20 ms'])
    expect(performance.now() - startedAtMs).toBeLessThan(1000)
  })
})
