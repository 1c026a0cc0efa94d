import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { ApiServerFixture, eventually } from './api-server-fixture.ts'
import type { Pace } from './follow.ts'
import { ApiLeases } from './leases.ts'
import { watchApi } from './watch.ts'

const UNCORDON = 'PATCH /api/v1/nodes/experiment-a'
/** Streams outlast the test unless it says otherwise. */
const PACE: Pace = { streamSeconds: 20, graceMs: 3_000, firstPauseMs: 20, longestPauseMs: 200 }
const AGE_EVERY_MS = 20
/** What is done without it was done because of what was heard. */
const NEVER_MS = 1_000_000

let api: ApiServerFixture
let nowMs: number
let logged: string[]
const ofLeases = () => logged.filter(line => line.startsWith('API LEASES NOT LOOKED AT'))
const ofHalt = () => logged.filter(line => line.startsWith('HALT NOT LOOKED AT'))
let leases: ApiLeases
let ended: AbortController
let watching: Promise<void>

beforeEach(async () => {
  api = new ApiServerFixture()
  await api.start()
  nowMs = 0
  logged = []
  ended = new AbortController()
})

afterEach(async () => {
  ended.abort()
  await watching
  await api.stop()
})

function watch(pace: Pace = PACE, ageEveryMs = AGE_EVERY_MS): void {
  const log = (event: string, fields?: object) => logged.push(`${event} ${JSON.stringify(fields)}`)
  const kubernetes = api.client
  leases = new ApiLeases(kubernetes, () => nowMs, log)
  watching = watchApi({ kubernetes, leases, nowMs: () => nowMs, log, pace, ageEveryMs }, ended.signal)
}

/** Long enough for leases to be looked at. */
const aWhile = () => sleep(10 * AGE_EVERY_MS)

describe('watchApi()', () => {
  test('asks nothing more as long as nothing happens', async () => {
    api.setLease('l1', 'x')
    watch()
    await api.streaming()
    await aWhile()

    expect([...api.asked].sort()).toEqual([
      'list configmaps',
      'list leases',
      'watch configmaps',
      'watch leases',
    ])
  })

  test('hears of a halt and of its end without asking', async () => {
    watch(PACE, NEVER_MS)
    await api.streaming()
    api.setHalt(true)
    await eventually(() => leases.isHalted)

    api.setHalt(false)

    await eventually(() => !leases.isHalted)
    expect(api.count('list configmaps')).toBe(1)
  })

  test('knows of a halt that is older than itself', async () => {
    api.setHalt(true)
    watch()

    await eventually(() => leases.isHalted)
  })

  test('undoes everything as soon as there is a halt', async () => {
    watch(PACE, NEVER_MS)
    await api.streaming()
    api.setLease('l1', 'x')
    await aWhile()
    expect(api.count(UNCORDON)).toBe(0)

    api.setHalt(true)

    await eventually(() => !api.has('l1'))
    expect(api.count(UNCORDON)).toBe(1)
  })

  test('undoes what begins during a halt at once', async () => {
    api.setHalt(true)
    watch(PACE, NEVER_MS)
    await api.streaming()

    api.setLease('l1', 'x')

    await eventually(() => !api.has('l1'))
  })

  test('undoes a fault whose lease nobody renews, counted from its last renewal', async () => {
    watch()
    await api.streaming()
    for (nowMs = 0; nowMs < 40_000; nowMs += 4_000) {
      api.setLease('l1', `renewed at ${nowMs}`)
      await sleep(2 * AGE_EVERY_MS)
    }
    nowMs = 36_000 + 7_999
    await aWhile()
    expect(api.count(UNCORDON)).toBe(0)
    expect(api.count('list leases')).toBe(1)

    nowMs = 36_000 + 8_000

    await eventually(() => !api.has('l1'))
    expect(api.count(UNCORDON)).toBe(1)
  })

  test('asks before it undoes anything: a renewal that it was not told of counts', async () => {
    api.setLease('l1', 'x')
    watch()
    await api.streaming()
    api.isSilent = true
    api.setLease('l1', 'y')
    nowMs = 8_000

    await eventually(() => api.count('list leases') === 2)

    await aWhile()
    expect(api.count(UNCORDON)).toBe(0)
    expect(api.has('l1')).toBe(true)
  })

  test('forgets a lease that was taken away', async () => {
    api.setLease('l1', 'x')
    watch()
    await api.streaming()
    await api.client.remove('/apis/coordination.k8s.io/v1/namespaces/chaos/leases/l1')
    await aWhile()
    nowMs = 8_000
    await aWhile()

    expect(api.count('list leases')).toBe(1)
    expect(api.count(UNCORDON)).toBe(0)
  })

  test('goes on when the server ends its streams', async () => {
    watch({ ...PACE, streamSeconds: 1 })
    await eventually(() => api.count('list leases') > 2 && api.count('list configmaps') > 2)
    await api.streaming()
    api.setHalt(true)

    await eventually(() => leases.isHalted)
    expect(logged).toEqual([])
  })

  test('does not hurry a server that ends every stream at once', async () => {
    watch()
    const beganMs = performance.now()
    for (let round = 0; round < 30; round++) {
      await sleep(20)
      api.endStreams()
    }

    // Pauses of 20, 40, 80 and 160 ms, and then of 200 ms.
    expect(api.count('list leases')).toBeLessThanOrEqual(6 + (performance.now() - beganMs) / 200)
    expect(ofLeases()).toEqual([expect.stringContaining('ended a stream as soon as it had begun')])
  })

  test('lists again when what it has heard of is too old', async () => {
    watch()
    await api.streaming()

    api.expire()

    await eventually(() => api.count('list leases') === 2 && api.count('list configmaps') === 2)
    await api.streaming()
    api.setLease('l1', 'x')
    api.setHalt(true)
    await eventually(() => !api.has('l1'))
    expect(logged[0]).toContain('the API server said 410, too old')
  })

  test('goes by what it knew while there is no API server, says so once, and hears it again afterwards', async () => {
    api.setHalt(true)
    watch()
    await api.streaming()
    await api.stop()
    api.setHalt(false)
    api.setLease('l1', 'x')
    await eventually(() => logged.length === 2)
    await aWhile()
    expect(leases.isHalted).toBe(true)
    expect([ofLeases().length, ofHalt().length]).toEqual([1, 1])

    await api.start()

    await eventually(() => !leases.isHalted)
    await api.streaming()
    nowMs = 8_000
    await eventually(() => !api.has('l1'))
  })

  test('says it again after half a minute', async () => {
    await api.stop()
    watch()
    await eventually(() => logged.length === 2)
    nowMs = 29_999
    await sleep(300)
    expect(logged).toHaveLength(2)

    nowMs = 30_000

    await eventually(() => logged.length === 4)
    expect(ofLeases()[1]).toMatch(/^API LEASES NOT LOOKED AT .*ECONNREFUSED/)
    expect(ofHalt()[1]).toMatch(/^HALT NOT LOOKED AT .*ECONNREFUSED/)
    await api.start()
  })

  test('finds out by itself that nothing comes through its streams any more', async () => {
    watch({ ...PACE, streamSeconds: 1, graceMs: 100 })
    await api.streaming()
    api.isSilent = true
    api.setHalt(true)
    api.setLease('l1', 'x')
    await sleep(300)
    expect(leases.isHalted).toBe(false)

    await eventually(() => leases.isHalted && !api.has('l1'))

    expect(logged[0]).toContain('its connection is dead')
  })

  test('tries an undo again that fails, says so, and lives on', async () => {
    api.setLease('l1', 'x')
    api.changeStatus = 403
    watch()
    await api.streaming()
    nowMs = 8_000
    await eventually(() => api.count(UNCORDON) > 2)
    expect(logged).toEqual([expect.stringContaining('Cannot undo l1')])

    api.changeStatus = 200

    await eventually(() => !api.has('l1'))
  })
})
