import { describe, expect, test } from '@jest/globals'
import { MachineryError } from '../../errors.ts'
import { run, tryRun } from './shell.ts'

describe('run()', () => {
  test('returns what the program wrote, and tells each line on the way', async () => {
    const lines: string[] = []

    const output = await run('printf', ['one\ntwo\n'], { onLine: line => lines.push(line) })

    expect(output).toBe('one\ntwo')
    expect(lines).toEqual(['one', 'two'])
  })

  test('fails with the exit code, the last lines and the hint', async () => {
    const failing = run('sh', ['-c', 'echo wrong >&2; exit 3'], { hint: 'Do better.' })

    await expect(failing).rejects.toThrow(/exit code 3\nwrong$/)
    await expect(failing).rejects.toMatchObject({ hint: 'Do better.' })
  })

  test('fails also when each line was listened to', async () => {
    await expect(run('sh', ['-c', 'echo wrong; exit 3'], { onLine: () => undefined })).rejects.toThrow(
      'exit code 3',
    )
  })

  test('says that a program is missing', async () => {
    await expect(run('no-such-program-here', [])).rejects.toThrow(MachineryError)
    await expect(run('no-such-program-here', [])).rejects.toThrow('ENOENT')
  })

  test('ends a program that takes too long', async () => {
    await expect(run('sleep', ['30'], { timeoutMs: 50 })).rejects.toThrow('it took longer than 50 ms')
  })

  test('throws the reason of an aborted signal', async () => {
    const stop = new AbortController()
    const running = run('sleep', ['30'], { signal: stop.signal })
    const reason = new Error('changed my mind')
    stop.abort(reason)

    await expect(running).rejects.toBe(reason)
  })

  test('gives the program its input', async () => {
    expect(await run('cat', [], { input: 'hello' })).toBe('hello')
  })
})

describe('tryRun()', () => {
  test('answers undefined for a failure', async () => {
    expect(await tryRun('false', [])).toBeUndefined()
  })
})
