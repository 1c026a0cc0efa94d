import { PassThrough } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { burn } from './power-fuse.ts'

function fixture(failures = 0, seconds = 3600) {
  const input = new PassThrough()
  const output = new PassThrough()
  const told: string[] = []
  const calls = { powerOn: 0 }
  const burning = burn({
    input,
    output,
    seconds,
    powerOn: async () => {
      calls.powerOn++
      if (calls.powerOn <= failures) throw new Error('the engine does not answer')
    },
    sleep: async () => undefined,
    tell: async message => void told.push(message),
  })
  return { input, output, told, calls, burning }
}

describe('burn()', () => {
  test('says that it waits before the power may go', async () => {
    const { input, output, burning } = fixture()
    expect(String(output.read())).toBe('ready\n')
    input.end('done\n')
    await burning
  })

  test('does nothing when the runner has given the power back', async () => {
    const { input, calls, burning } = fixture()
    input.end('done\n')
    expect(await burning).toBe('defused')
    expect(calls.powerOn).toBe(0)
  })

  test('gives the power back when the runner dies, and looks again: its last order may come late', async () => {
    const { input, told, calls, burning } = fixture()
    input.end()
    expect(await burning).toBe('lit')
    expect(calls.powerOn).toBe(3)
    expect(told).toEqual(['giving the power back: the runner is gone', 'the power is on'])
  })

  test('gives the power back when the pipe breaks', async () => {
    const { input, burning } = fixture()
    input.destroy(new Error('EPIPE'))
    expect(await burning).toBe('lit')
  })

  test('gives the power back when the time is over, 5 s after the fault', async () => {
    const { burning } = fixture(0, -4.99)
    expect(await burning).toBe('lit')
  })

  test('goes on until the engine answers', async () => {
    const { input, told, calls, burning } = fixture(4)
    input.end()
    expect(await burning).toBe('lit')
    expect(calls.powerOn).toBe(7)
    expect(told.filter(message => message.includes('does not answer'))).toHaveLength(4)
  })
})
