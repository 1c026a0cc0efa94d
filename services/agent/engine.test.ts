import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { Command } from './actions/action.ts'
import { AgentError } from './agent-error.ts'
import { begun, endFakeTime, type FakeNode, request, startFakeNode, stateOf } from './engine-fixture.ts'

let node: FakeNode

beforeEach(() => {
  node = startFakeNode()
})

afterEach(endFakeTime)

describe('Engine.prepare()', () => {
  test('touches nothing and says how it would be done', async () => {
    const status = await node.started().prepare(request())

    expect(status).toMatchObject({ state: 'prepared', means: ['freeze by freezer'], begunAtMs: null })
    expect(node.doings).toEqual([])
  })

  test('refuses what the node lacks', async () => {
    const engine = node.started({}, name => name !== 'freezer')

    await expect(engine.prepare(request())).rejects.toMatchObject({
      code: 'CAPABILITY_MISSING',
      message: 'Cannot do freeze on this node: it needs freezer',
    })
  })

  test('refuses an action that cannot be done to this kind of target', async () => {
    node.resolved = {
      kind: 'node',
      node: 'experiment-a',
      network: { ref: { of: 'node' }, interfaceName: 'eth0', address: '10.0.0.1' },
      apiServerAddresses: [],
    }

    await expect(node.started().prepare(request())).rejects.toMatchObject({ code: 'CANNOT_BE_DONE' })
  })

  test('gives each action of a fault an id of its own', async () => {
    const marks: string[] = []
    const executor = {
      execute: async (_: unknown, mark: string) => {
        marks.push(mark)
        return 'done' as const
      },
    }
    const engine = node.started({ executor })

    await begun(engine, { actions: [{ action: 'freeze' }, { action: 'freeze' }] })
    await engine.end('f1')

    expect(marks).toEqual(['f1a', 'f1b', 'f1b', 'f1a'])
  })

  test('holds 32 faults at most', async () => {
    const engine = node.started()
    for (let index = 0; index < 32; index++) await engine.prepare(request({ id: `f${index}` }))

    await expect(engine.prepare(request({ id: 'more' }))).rejects.toMatchObject({ code: 'CANNOT_BE_DONE' })
  })

  test('forgets a fault that nobody begins', async () => {
    const engine = node.started()
    await engine.prepare(request())

    await node.pass(121)

    await expect(engine.begin('f1')).rejects.toMatchObject({ code: 'UNKNOWN_FAULT' })
  })
})

describe('Engine.begin()', () => {
  test('has the undo on the disk before anything is done', async () => {
    await begun(node.started())

    expect(node.doings).toEqual(['disk: f1 to be undone', 'FROZEN'])
    expect(node.disk.records.get('f1')?.end).toEqual([
      {
        mark: 'f1a',
        command: { do: 'write', path: '/cgroup/freezer/freezer.state', text: 'THAWED', mayBeGone: true },
      },
    ])
  })

  test('does nothing when the undo cannot be written', async () => {
    node.disk.isFull = true

    await expect(begun(node.started())).rejects.toThrow('no space left')

    expect(node.doings).not.toContain('FROZEN')
  })

  test('begins a fault at most once, also after a restart', async () => {
    const engine = node.started()
    await begun(engine)
    await engine.end('f1')

    await expect(engine.begin('f1')).rejects.toMatchObject({ code: 'ALREADY_BEGUN' })
    await expect(engine.prepare(request())).rejects.toMatchObject({ code: 'ALREADY_BEGUN' })
    const next = node.started()
    await expect(next.prepare(request())).rejects.toMatchObject({ code: 'ALREADY_BEGUN' })
    expect(node.doings.filter(each => each === 'FROZEN')).toHaveLength(1)
  })

  test('begins once when asked twice at the same time', async () => {
    const engine = node.started()
    await engine.prepare(request())

    const answers = await Promise.allSettled([engine.begin('f1'), engine.begin('f1')])

    expect(answers.map(each => each.status)).toEqual(['fulfilled', 'rejected'])
    expect(node.doings.filter(each => each === 'FROZEN')).toHaveLength(1)
  })

  test('undoes what had begun when a command fails', async () => {
    node.failing.add('FROZEN')
    const engine = node.started()

    await expect(begun(engine)).rejects.toMatchObject({
      code: 'FAILED',
      message: 'Cannot begin pause: cannot FROZEN',
    })

    expect(node.doings).toEqual(['disk: f1 to be undone', 'FROZEN', 'THAWED', 'disk: f1 over'])
    expect(stateOf(engine)).toMatchObject({ state: 'ended', endedBy: 'begin-failed' })
  })

  test('looks at the target again right before it acts', async () => {
    const engine = node.started()
    await engine.prepare(request())
    node.confirm = async () => {
      throw new AgentError('TARGET_NOT_EXPERIMENTAL', 'its label changed')
    }

    await expect(engine.begin('f1')).rejects.toMatchObject({ code: 'TARGET_NOT_EXPERIMENTAL' })

    expect(node.doings).toEqual([])
  })

  test('begins nothing that was ended while its target was looked at', async () => {
    const engine = node.started()
    await engine.prepare(request())
    node.confirm = async () => void (await engine.end('f1'))

    await expect(engine.begin('f1')).rejects.toMatchObject({ code: 'UNKNOWN_FAULT' })

    expect(node.doings).toEqual([])
  })

  test('begins nothing when a halt comes while its target is looked at', async () => {
    const engine = node.started()
    await engine.prepare(request())
    node.confirm = async () => void (await engine.halt())

    await expect(engine.begin('f1')).rejects.toMatchObject({ code: 'HALTED' })

    expect(node.doings).toEqual([])
  })
})

describe('a fault that is ended while it begins', () => {
  test('begins nothing more, and is undone after what had begun', async () => {
    const slow = Promise.withResolvers<void>()
    const executor = {
      execute: async (command: Command) => {
        const text = command.do === 'write' ? command.text : command.do
        if (text === 'FROZEN') await slow.promise
        node.doings.push(text)
        return 'done' as const
      },
    }
    const engine = node.started({ executor })
    await engine.prepare(request({ actions: [{ action: 'freeze' }, { action: 'freeze' }] }))
    const beginning = expect(engine.begin('f1')).rejects.toThrow('it was ended meanwhile')
    await jest.advanceTimersByTimeAsync(0)
    const ending = engine.end('f1')
    await jest.advanceTimersByTimeAsync(600)
    expect(node.doings).toEqual(['disk: f1 to be undone'])

    slow.resolve()
    await Promise.all([beginning, ending])

    expect(node.doings).toEqual(['disk: f1 to be undone', 'FROZEN', 'THAWED', 'THAWED', 'disk: f1 over'])
  })
})
