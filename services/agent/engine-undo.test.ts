import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { begun, endFakeTime, type FakeNode, request, startFakeNode, stateOf } from './engine-fixture.ts'

let node: FakeNode

beforeEach(() => {
  node = startFakeNode()
})

afterEach(endFakeTime)

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
