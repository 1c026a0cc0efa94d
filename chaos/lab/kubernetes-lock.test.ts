import { describe, expect, test } from '@jest/globals'
import { ApiException, type V1Lease, V1MicroTime } from '@kubernetes/client-node'
import { MachineryError } from '../../platform/errors.ts'
import { type Holder, holderOf, type LeaseApi, lockOf } from './kubernetes-lock.ts'
import { quickClock } from './recording.ts'

const NOW_MS = 1795241633240
const self = { host: 'here', pid: 10, isAlive: (pid: number) => pid === 11 }
const lease = (changes: { host?: string; pid?: number; ageSeconds?: number; runId?: string } = {}) => {
  const { host = 'here', pid = 11, ageSeconds = 1, runId = 'run-1' } = changes
  return {
    metadata: { annotations: { 'divergence/process': `${host}/${pid}` } },
    spec: {
      holderIdentity: runId,
      leaseDurationSeconds: 15,
      renewTime: new V1MicroTime(NOW_MS - ageSeconds * 1000),
    },
  }
}

const asRead = (value: ReturnType<typeof lease>) =>
  JSON.parse(JSON.stringify(value)) as ReturnType<typeof lease>

describe('holderOf()', () => {
  test.each([
    ['a run of this machine that lives', lease(), 'run-1'],
    ['a run of this very process', lease({ pid: 10 }), 'run-1'],
    ['a run of this machine that was killed', lease({ pid: 12 }), null],
    ['a run elsewhere that renews its lease', lease({ host: 'there', pid: 12 }), 'run-1'],
    ['a run elsewhere that stopped renewing', lease({ host: 'there', ageSeconds: 16 }), null],
    ['a lease that was given back', lease({ runId: '' }), null],
    ['no lease at all', null, null],
    ['a lease as the client reads it, with a text for a date', asRead(lease()), 'run-1'],
    ['an old lease as the client reads it', asRead(lease({ host: 'there', ageSeconds: 16 })), null],
  ])('%s', (_title, value, expected) => {
    expect(holderOf(value, NOW_MS, self)).toBe(expected)
  })
})

/** One lease, as an API server keeps it: replaced only by whoever has read its last version. */
class LeaseServer implements LeaseApi {
  current: V1Lease | null = null
  isDown = false
  writes = 0

  async readNamespacedLease(): Promise<V1Lease> {
    if (this.isDown) throw new Error('no answer')
    if (this.current === null) throw refusal(404)
    return structuredClone(this.current)
  }

  async createNamespacedLease({ body }: { body: V1Lease }): Promise<V1Lease> {
    if (this.current !== null) throw refusal(409)
    return this.#keep(body)
  }

  async replaceNamespacedLease({ body }: { body: V1Lease }): Promise<V1Lease> {
    if (this.isDown) throw new Error('no answer')
    if (this.current === null) throw refusal(404)
    if (body.metadata?.resourceVersion !== this.current.metadata?.resourceVersion) throw refusal(409)
    return this.#keep(body)
  }

  #keep(body: V1Lease): V1Lease {
    const metadata = { ...body.metadata, resourceVersion: String(++this.writes) }
    this.current = JSON.parse(JSON.stringify({ ...body, metadata })) as V1Lease
    return structuredClone(this.current)
  }
}

const refusal = (code: number) => new ApiException(code, 'refused', null, {})

describe('lockOf()', () => {
  const never = new AbortController().signal
  const others: Holder = { host: 'there', pid: 20, isAlive: () => true }

  function rig() {
    const server = new LeaseServer()
    const clock = quickClock(400)
    const untilWritten = async (writes: number) => {
      while (server.writes < writes) await clock.sleep(1_000, never)
    }
    /** Another run takes the lease, as it may once nobody has renewed it in its time. */
    const takeOver = async (by = others) => {
      const renewedMs = new Date(server.current?.spec?.renewTime ?? 0).getTime()
      const later = { ...clock, nowMs: () => renewedMs + 15_001 }
      return await lockOf(server, later, by).acquire('run-2', never)
    }
    return { server, clock, untilWritten, takeOver, lock: lockOf(server, clock, self) }
  }
  const holderIn = (server: LeaseServer) => server.current?.spec?.holderIdentity

  test('keeps other runs out, renews, and gives back', async () => {
    const { lock, server, untilWritten } = rig()
    const held = await lock.acquire('run-1', never)
    await expect(lock.acquire('run-2', never)).rejects.toThrow('run-1 is in progress')
    await untilWritten(3)
    await held.release()
    expect(held.lost.aborted).toBe(false)
    expect(await lock.holder()).toBeNull()
    expect(holderIn(server)).toBeUndefined()
  })

  test.each([
    ['another machine', others],
    ['the same process', self],
  ])('tells who slept for longer than the lease, and leaves it to a successor of %s', async (_title, by) => {
    const { clock, lock, server, takeOver } = rig()
    const held = await lock.acquire('run-1', never)
    const successor = await takeOver(by)
    while (!held.lost.aborted) await clock.sleep(1_000, never)
    expect(held.lost.reason).toBeInstanceOf(MachineryError)
    expect(held.lost.reason.message).toContain('run-2 has taken it over')
    expect(holderIn(server)).toBe('run-2')
    await held.release()
    expect(holderIn(server)).toBe('run-2')
    expect(successor.lost.aborted).toBe(false)
    await successor.release()
  })

  test('does not take back what the successor has given back', async () => {
    const { clock, lock, server, takeOver } = rig()
    const held = await lock.acquire('run-1', never)
    await (await takeOver()).release()
    while (!held.lost.aborted) await clock.sleep(1_000, never)
    expect(held.lost.reason.message).toContain('another run has had it since')
    await held.release()
    expect(holderIn(server)).toBeUndefined()
  })

  test('outlives an API server that does not answer for a moment', async () => {
    const { clock, lock, server, untilWritten } = rig()
    const held = await lock.acquire('run-1', never)
    server.isDown = true
    await clock.sleep(9_000, never)
    server.isDown = false
    await untilWritten(2)
    expect(held.lost.aborted).toBe(false)
    expect(await lock.holder()).toBe('run-1')
    await held.release()
  })
})
