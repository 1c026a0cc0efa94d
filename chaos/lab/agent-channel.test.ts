import { beforeEach, describe, expect, test } from '@jest/globals'
import { MachineryError } from '../../platform/errors.ts'
import { AgentChannel } from './agent-channel.ts'
import { AgentRefusal } from './agent-refusal.ts'

let sent: { seq: number; op: string }[] = []
let closed = 0
let channel = new AgentChannel('experiment-a')

beforeEach(() => {
  sent = []
  closed = 0
  channel = new AgentChannel('experiment-a')
  channel.attach({
    send: text => void sent.push(JSON.parse(text)),
    close: () => void closed++,
  })
})

const answer = (seq: number, value: unknown) => `${JSON.stringify({ seq, ok: true, value })}\n`

describe('AgentChannel', () => {
  test('pairs answers with questions, in whatever order they come', async () => {
    const first = channel.ask({ op: 'status' }, 1000)
    const second = channel.ask({ op: 'hello' }, 1000)
    channel.receive(answer(2, 'hello') + answer(1, 'status'))
    expect(await Promise.all([first, second])).toEqual(['status', 'hello'])
    expect(sent.map(({ op }) => op)).toEqual(['status', 'hello'])
  })

  test('reads answers however they are cut', async () => {
    const asked = channel.ask({ op: 'status' }, 1000)
    const text = answer(1, 'whole')
    for (const character of text) channel.receive(character)
    expect(await asked).toBe('whole')
  })

  test('tells what the agent refuses, with its code', async () => {
    const asked = channel.ask({ op: 'begin', id: 'f' }, 1000)
    channel.receive(`${JSON.stringify({ seq: 1, ok: false, code: 'HALTED', message: 'halted' })}\n`)
    await expect(asked).rejects.toBeInstanceOf(AgentRefusal)
    await expect(asked).rejects.toMatchObject({ code: 'HALTED', hint: expect.stringContaining('--release') })
  })

  test('is broken by an answer that does not come, and closes its pipe', async () => {
    await expect(channel.ask({ op: 'status' }, 5)).rejects.toThrow("no answer to 'status' within 0.005 s")
    expect(channel.isBroken).toBe(true)
    expect(closed).toBe(1)
    await expect(channel.ask({ op: 'status' }, 5)).rejects.toBeInstanceOf(MachineryError)
  })

  test('ends every question when it breaks', async () => {
    const asked = [channel.ask({ op: 'status' }, 1000), channel.ask({ op: 'hello' }, 1000)]
    channel.break(new MachineryError('the connection ended', ''))
    const results = await Promise.allSettled(asked)
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  test.each(['not JSON', '{"ok":true}', '[]'])('does not take %s for an answer', async line => {
    const asked = channel.ask({ op: 'status' }, 1000)
    channel.receive(`${line}\n`)
    await expect(asked).rejects.toThrow('it answered what is no answer')
  })

  test('closes a pipe that comes after it broke', () => {
    const late = new AgentChannel('experiment-a')
    late.break(new Error('too late'))
    late.attach({ send: () => undefined, close: () => void closed++ })
    expect(closed).toBe(1)
  })
})
