import { describe, expect, jest, test } from '@jest/globals'
import { elapsedLines, Steps } from './steps.ts'

function recorder() {
  const lines: string[] = []
  let nowMs = 0
  const output = {
    stream: { write: (text: string) => lines.push(text) },
    interactive: false,
    nowMs: () => (nowMs += 100),
  }
  return { lines, output }
}

describe('elapsedLines()', () => {
  test('begins each line with the seconds since the first', () => {
    const { lines, output } = recorder()
    const told = elapsedLines(output)
    told('one')
    told('two')
    expect(lines).toEqual(['    0.1s  one\n', '    0.2s  two\n'])
  })
})

describe('Steps', () => {
  test('run() starts a step only when the steps it needs are done, and hands their results on', async () => {
    const { output } = recorder()
    const order: string[] = []
    const steps = new Steps(output, new AbortController().signal)
    const first = steps.add('first', [], async () => {
      await Promise.resolve()
      order.push('first')
      return 20
    })
    const second = steps.add('second', [first], async () => {
      order.push('second')
      return (await first) + 1
    })
    await steps.run()
    expect(order).toEqual(['first', 'second'])
    await expect(second).resolves.toBe(21)
  })

  test('run() throws the first failure, aborts the others and never starts what needed the failed step', async () => {
    const { output, lines } = recorder()
    const steps = new Steps(output, new AbortController().signal)
    let stopped = false
    let started = false
    const bad = steps.add('bad', [], async () => {
      throw new Error('disk full')
    })
    steps.add(
      'long',
      [],
      () =>
        new Promise((_, reject) => {
          steps.signal.addEventListener('abort', () => {
            stopped = true
            reject(steps.signal.reason)
          })
        }),
    )
    steps.add('dependent', [bad], async () => {
      started = true
    })
    await expect(steps.run()).rejects.toThrow('disk full')
    expect({ stopped, started }).toEqual({ stopped: true, started: false })
    expect(lines.filter(line => line.includes('bad: failed: disk full'))).toHaveLength(1)
    expect(lines.some(line => line.includes('dependent: started'))).toBe(false)
  })

  test('run() says what goes on when nothing was told for long', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] })
    try {
      const lines: string[] = []
      const stream = { write: (text: string) => lines.push(text.trim()) }
      const steps = new Steps(
        { stream, interactive: false, nowMs: () => Date.now() },
        new AbortController().signal,
      )
      steps.add('quick', [], async () => undefined)
      steps.add('slow', [], async progress => {
        progress('compiling')
        await new Promise(resolve => setTimeout(resolve, 70_000))
      })
      const ran = steps.run()
      await jest.advanceTimersByTimeAsync(70_000)
      await ran

      expect(lines.filter(line => line.includes('still'))).toEqual([
        '30.0s  slow: still: compiling',
        '60.0s  slow: still: compiling',
      ])
    } finally {
      jest.useRealTimers()
    }
  })

  test('run() stops with the reason of the signal of its caller', async () => {
    const { output } = recorder()
    const steps = new Steps(output, AbortSignal.abort(new Error('interrupted')))
    steps.add('never', [], async () => undefined)
    await expect(steps.run()).rejects.toThrow('interrupted')
  })
})
