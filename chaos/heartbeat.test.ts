import { afterEach, describe, expect, test } from '@jest/globals'
import { MachineryError } from '../platform/errors.ts'
import type { FaultStatus } from '../services/agent/protocol.ts'
import { endedAlone, Halted, Heartbeat } from './heartbeat.ts'
import { quickClock } from './lab/recording.ts'
import { RecordedAgents } from './lab/recording-agents.ts'

const never = new AbortController().signal
const NODE = 'experiment-b'
let beating: Heartbeat | undefined

afterEach(() => beating?.stop())

async function fixture() {
  const clock = quickClock(50)
  const agents = new RecordedAgents(clock)
  const heartbeat = new Heartbeat({ agents, clock, runId: 'run-1' })
  await agents.hold(NODE, 'f0', 'run-1')
  beating = heartbeat
  return { clock, agents, heartbeat }
}

describe('Heartbeat', () => {
  test('keeps a fault on for much longer than a lease, and lets it go when it stops', async () => {
    const { clock, agents, heartbeat } = await fixture()
    heartbeat.hold([{ node: NODE, id: 'f0' }])
    await clock.sleep(30_000, never)
    expect(agents.active()).toHaveLength(1)
    expect(heartbeat.lost.aborted).toBe(false)
    await heartbeat.stop()
    await clock.sleep(12_000, never)
    expect(agents.active()).toHaveLength(0)
  })

  test.each([
    ['lease', MachineryError],
    ['agent-restart', MachineryError],
    ['halt', Halted],
  ] as const)('notices a fault that ended by %s', async (endedBy, type) => {
    const { clock, agents, heartbeat } = await fixture()
    heartbeat.hold([{ node: NODE, id: 'f0' }])
    agents.endAlone('f0', endedBy)
    await clock.sleep(5_000, never)
    expect(heartbeat.lost.reason).toBeInstanceOf(type)
  })

  test('minds an agent that is silent for a lease, not one that misses a beat', async () => {
    const { clock, agents, heartbeat } = await fixture()
    heartbeat.hold([{ node: NODE, id: 'f0' }])
    agents.silent.add(NODE)
    await clock.sleep(4_000, never)
    expect(heartbeat.lost.aborted).toBe(false)
    await clock.sleep(10_000, never)
    expect(heartbeat.lost.reason?.message).toContain('has not answered')
  })

  test('does not mind the end of what it has let go', async () => {
    const { clock, agents, heartbeat } = await fixture()
    heartbeat.hold([{ node: NODE, id: 'f0' }])
    heartbeat.letGo([{ node: NODE, id: 'f0' }])
    agents.endAlone('f0', 'lease')
    await clock.sleep(5_000, never)
    expect(heartbeat.lost.aborted).toBe(false)
  })
})

describe('endedAlone()', () => {
  const status = (change: Partial<FaultStatus>) =>
    ({ kind: 'loss', state: 'ended', endedBy: null, problem: null, ...change }) as FaultStatus

  test.each(['request', 'duration'] as const)('does not mind an end by %s', endedBy => {
    expect(endedAlone(NODE, status({ endedBy }))).toBeNull()
  })

  test('minds a fault that cannot be undone', () => {
    expect(endedAlone(NODE, status({ state: 'stuck', problem: 'nft: no' }))?.message).toContain('nft: no')
  })
})
