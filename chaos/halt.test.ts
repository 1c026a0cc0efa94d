import { beforeEach, describe, expect, test } from '@jest/globals'
import { UserError } from '../platform/errors.ts'
import { haltAll, refuseWhenHalted, releaseHalt, watchHalt } from './halt.ts'
import { Halted } from './heartbeat.ts'
import { quickClock } from './lab/recording.ts'
import { RecordedAgents, RecordedApi, RecordedHalt, RecordedLeases } from './lab/recording-agents.ts'

const never = new AbortController().signal
const clock = quickClock(100)
let agents = new RecordedAgents(clock)
let api = new RecordedApi()
let leases = new RecordedLeases()
let halt = new RecordedHalt()
let dark: string[] = []

beforeEach(async () => {
  agents = new RecordedAgents(clock)
  api = new RecordedApi()
  leases = new RecordedLeases()
  halt = new RecordedHalt()
  dark = ['experiment-c']
  for (const node of ['experiment-a', 'experiment-b']) {
    await agents.hold(node, node.replace('-', ''), 'run-1')
  }
  await leases.take({ name: 'fault-x', runId: 'run-1', undo: [{ undo: 'uncordon', node: 'experiment-b' }] })
})

const haltNow = () =>
  haltAll('enough', {
    agents,
    api,
    clock,
    halt,
    leases,
    cluster: {
      poweredOff: async () => dark,
      powerOn: async (group, zone) => void dark.splice(dark.indexOf(`${group}-${zone}`), 1),
    },
  })

describe('haltAll()', () => {
  test('ends what agents hold, undoes what is promised, gives the power back, and sets the switch', async () => {
    const { ended, left } = await haltNow()
    expect(left).toEqual([])
    expect(agents.active()).toEqual([])
    expect(agents.halted).toEqual(new Set(agents.nodes))
    expect(api.undone).toEqual([{ undo: 'uncordon', node: 'experiment-b' }])
    expect(leases.current.size).toBe(0)
    expect(dark).toEqual([])
    expect(halt.current).toBe('enough')
    expect(ended).toContain('node experiment-c has its power again')
    expect(ended.filter(one => one.includes('loss of node'))).toHaveLength(2)
  })

  test('goes on when an agent cannot be reached, and says so', async () => {
    agents.silent.add('experiment-a')
    const { left } = await haltNow()
    expect(left).toEqual([expect.stringContaining('the agent on experiment-a was not told')])
    expect(agents.halted.has('experiment-b')).toBe(true)
    expect(api.undone).toHaveLength(1)
  })

  test('keeps a promise that could not be kept, and says so', async () => {
    api.failingUndos = 1
    const { left } = await haltNow()
    expect(left).toEqual([expect.stringContaining('lease fault-x is not undone')])
    expect(leases.current.size).toBe(1)
  })
})

describe('releaseHalt()', () => {
  test('lets faults begin again', async () => {
    await haltNow()
    expect(await releaseHalt({ agents, halt })).toEqual([])
    expect(halt.current).toBeNull()
    expect(agents.halted.size).toBe(0)
    await expect(refuseWhenHalted(halt)).resolves.toBeUndefined()
  })
})

describe('refuseWhenHalted()', () => {
  test('refuses with the reason and the way out', async () => {
    halt.current = 'customer demo'
    const attempt = refuseWhenHalted(halt)
    await expect(attempt).rejects.toBeInstanceOf(UserError)
    await expect(attempt).rejects.toMatchObject({
      code: 'HALTED',
      message: expect.stringContaining('customer demo'),
      hint: expect.stringContaining('divergence halt --release'),
    })
  })
})

describe('watchHalt()', () => {
  test('is aborted when somebody sets the switch, and survives an API server that does not answer', async () => {
    let asked = 0
    const flaky = {
      reason: async () => {
        asked++
        if (asked === 1) throw new Error('no answer')
        return await halt.reason()
      },
    }
    const halted = watchHalt(flaky, clock, never)
    await clock.sleep(3_000, never)
    expect(halted.aborted).toBe(false)
    halt.current = 'enough'
    await clock.sleep(3_000, never)
    expect(halted.reason).toBeInstanceOf(Halted)
  })
})
