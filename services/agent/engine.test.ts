import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { Command } from './actions/action.ts'
import { AgentError } from './agent-error.ts'
import type { Engine } from './engine.ts'
import { FakeNode, request } from './engine-fixture.ts'

let node: FakeNode

beforeEach(() => {
  jest.useFakeTimers()
  node = new FakeNode()
})

afterEach(() => {
  jest.clearAllTimers()
  jest.useRealTimers()
})

async function begun(engine: Engine, changes = {}): Promise<void> {
  const fault = request(changes)
  await engine.prepare(fault)
  await engine.begin(fault.id)
}

const stateOf = (engine: Engine, id = 'f1') => engine.status().find(each => each.id === id)

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

describe('a fault that is on', () => {
  test('goes on as long as the run is alive, and ends at its duration', async () => {
    const engine = node.started()
    await begun(engine, { durationSeconds: 20 })

    for (let second = 0; second < 19; second++) {
      await node.pass(1)
      engine.heartbeat('run')
    }
    expect(stateOf(engine)?.state).toBe('active')
    await node.pass(1.5)

    expect(stateOf(engine)).toMatchObject({ state: 'ended', endedBy: 'duration' })
    expect(node.isFrozen).toBe(false)
  })

  test('ends when nobody renews its lease', async () => {
    const engine = node.started()
    await begun(engine)

    await node.pass(7.5)
    expect(node.isFrozen).toBe(true)
    await node.pass(1)

    expect(node.isFrozen).toBe(false)
    expect(stateOf(engine)).toMatchObject({ state: 'ended', endedBy: 'lease' })
  })

  test('does not live on the heartbeats of another run', async () => {
    const engine = node.started()
    await begun(engine)

    for (let second = 0; second < 9; second++) {
      await node.pass(1)
      engine.heartbeat('other')
    }

    expect(node.isFrozen).toBe(false)
  })

  test('has its fuses renewed every second, however long its effect takes to be read', async () => {
    const read = jest.fn<() => Promise<string>>().mockResolvedValueOnce('{"nftables":[]}')
    read.mockReturnValue(new Promise(() => undefined))
    const engine = node.started({ probe: { ...node.probe, run: read } })
    await begun(engine, { actions: [{ action: 'drop', direction: 'in', probability: 1 }] })
    node.doings.length = 0

    await node.pass(5)

    expect(node.doings.length).toBeGreaterThanOrEqual(4)
  })

  test('is proven once and stays proven', async () => {
    const engine = node.started()
    await begun(engine)
    await node.pass(1)
    expect(stateOf(engine)?.proof).toEqual({ proven: true, detail: 'the kernel says frozen' })

    node.isFrozen = false
    await node.pass(1)
    await engine.end('f1')

    expect(stateOf(engine)?.proof).toEqual({ proven: true, detail: 'the kernel says frozen' })
  })

  test('is measured before it ends, however short it is', async () => {
    const engine = node.started()
    await begun(engine)

    const status = await engine.end('f1')

    expect(status).toMatchObject({ state: 'ended', endedBy: 'request', proof: { proven: true } })
  })
})

describe('an undo that fails', () => {
  test('is tried again until it succeeds, says so, and holds nothing else up', async () => {
    const engine = node.started()
    await begun(engine)
    await begun(engine, { id: 'f2' })
    node.failing.add('THAWED')

    const status = await engine.end('f1')
    expect(status).toMatchObject({ state: 'stuck', problem: 'cannot THAWED' })
    expect(node.logged).toContain('UNDO FAILED')
    expect(stateOf(engine, 'f2')?.state).toBe('active')
    node.failing.clear()
    await node.pass(6)

    expect(stateOf(engine)).toMatchObject({ state: 'ended', endedBy: 'request' })
    expect(node.disk.records.get('f1')?.over).toBe(true)
  })

  test('does not keep the other commands of the fault from being done', async () => {
    const engine = node.started()
    await begun(engine, { actions: [{ action: 'freeze' }, { action: 'freeze' }] })
    node.failing.add('THAWED')
    node.doings.length = 0

    await engine.end('f1')

    expect(node.doings.filter(each => each === 'THAWED')).toHaveLength(2)
  })

  test('counts as undone also when the disk does not take the news, which is tried again', async () => {
    const engine = node.started()
    await begun(engine)
    node.disk.isFull = true

    expect(await engine.end('f1')).toMatchObject({ state: 'ended' })
    node.disk.isFull = false
    await node.pass(1)

    expect(node.disk.records.get('f1')?.over).toBe(true)
  })
})

describe('Engine.recover()', () => {
  test('undoes what an agent that was killed left on, before anything else', async () => {
    await begun(node.started())
    const next = node.agent()

    await next.recover()

    expect(node.isFrozen).toBe(false)
    expect(stateOf(next)).toMatchObject({ state: 'ended', endedBy: 'agent-restart' })
    expect(node.disk.records.get('f1')?.over).toBe(true)
  })

  test('tells the proof that an agent that was killed had seen', async () => {
    const engine = node.started()
    await begun(engine)
    await node.pass(1)
    const next = node.agent()

    await next.recover()

    expect(stateOf(next)?.proof?.proven).toBe(true)
  })

  test('leaves alone what is over', async () => {
    const engine = node.started()
    await begun(engine)
    await engine.end('f1')
    node.doings.length = 0
    const next = node.agent()

    await next.recover()

    expect(node.doings).toEqual([])
    expect(stateOf(next)?.endedBy).toBe('request')
  })

  test('goes on when an undo fails, and tries that one further', async () => {
    await begun(node.started())
    node.failing.add('THAWED')
    const next = node.agent()

    await next.recover()
    expect(stateOf(next)?.state).toBe('stuck')
    node.failing.clear()
    await node.pass(1)

    expect(stateOf(next)?.state).toBe('ended')
  })

  test('reports a record that cannot be read as stuck', async () => {
    const records = Object.assign(node.disk, {
      all: async () => ({ records: [], unreadable: ['f9'] }),
    })
    const engine = node.agent({ records })

    await engine.recover()

    expect(stateOf(engine, 'f9')).toMatchObject({ state: 'stuck' })
  })
})

describe('Engine.halt()', () => {
  test('ends everything and refuses what is new until it is released, also after a restart', async () => {
    const engine = node.started()
    await begun(engine)

    await engine.halt()

    expect(stateOf(engine)).toMatchObject({ state: 'ended', endedBy: 'halt' })
    await expect(engine.prepare(request({ id: 'f2' }))).rejects.toMatchObject({ code: 'HALTED' })
    const next = node.started()
    await expect(next.prepare(request({ id: 'f2' }))).rejects.toMatchObject({ code: 'HALTED' })
    await next.release()
    await expect(next.prepare(request({ id: 'f2' }))).resolves.toMatchObject({ state: 'prepared' })
  })

  test('is the same when the API says it', async () => {
    const engine = node.started()
    await begun(engine)

    node.isHaltedByApi = true
    await node.pass(0.5)

    expect(stateOf(engine)).toMatchObject({ state: 'ended', endedBy: 'halt' })
    await expect(engine.prepare(request({ id: 'f2' }))).rejects.toMatchObject({ code: 'HALTED' })
  })
})

describe('Engine.leave()', () => {
  test('ends everything and begins nothing more', async () => {
    const engine = node.started()
    await begun(engine)

    await engine.leave()

    expect(node.isFrozen).toBe(false)
    await expect(engine.prepare(request({ id: 'f2' }))).rejects.toMatchObject({ code: 'HALTED' })
  })
})
