import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { startTestServer, type TestServer } from './database-fixture.ts'
import { entriesMessage } from './run-entry.ts'
import { RunStore } from './run-store.ts'

// A busy machine takes its time to make a database.
jest.setTimeout(60_000)

const T = Date.UTC(2026, 10, 21, 14)
const ABANDONED = 60_000
const RUN = '20261121T140000Z-latency'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
}, 120_000)
afterAll(() => server.stop(), 60_000)

const store = async () => new RunStore(await server.database(), ABANDONED)
const entry = (seq: number, fields: object) => ({ seq, entry: { atMs: T + seq * 1_000, ...fields } })
const message = (entries: readonly object[], change: object = {}) =>
  entriesMessage.parse({ entries, ...change })
const OPENED = entry(0, { entry: 'opened', experiment: { name: 'latency' } })
const BEGUN = entry(1, {
  entry: 'fault-begun',
  fault: 0,
  plan: { kind: 'latency', targets: ['gateway-1'], zone: null, end: [{}] },
})
const VERDICT = entry(9, { entry: 'verdict', verdict: { verdict: 'resilient', aborted: false, reasons: [] } })

describe('RunStore', () => {
  test('keeps every entry once, in whatever order they come, and the first of two with one number', async () => {
    const runs = await store()
    expect(await runs.record(RUN, message([BEGUN]), T)).toBe(1)
    const other = entry(1, { entry: 'phase', phase: 'attack' })
    expect(await runs.record(RUN, message([OPENED, other]), T + 5_000)).toBe(1)

    const run = await runs.run(RUN, T + 6_000)

    expect(run).toMatchObject({ name: 'latency', state: 'running', openedMs: T, heardMs: T + 5_000 })
    expect(run?.timeline.map(({ text }) => text)).toEqual(['latency opened', 'latency of gateway-1 begun'])
  })

  test('hears of a runner that has nothing to say, and forgets none that does not', async () => {
    const runs = await store()
    await runs.record(RUN, message([OPENED]), T)
    await runs.record(RUN, message([]), T + 50_000)
    expect((await runs.run(RUN, T + 100_000))?.state).toBe('running')
    expect((await runs.run(RUN, T + 111_000))?.state).toBe('abandoned')
  })

  test('tells which attacks are on, and which ended a short while ago', async () => {
    const runs = await store()
    await runs.record(RUN, message([OPENED, BEGUN]), T + 1_000)
    const attacks = async (afterMs: number) =>
      (await runs.attacks(T + afterMs, 300_000)).map(({ kind, endMs }) => [kind, endMs && endMs - T])

    expect(await attacks(2_000)).toEqual([['latency', null]])
    // Its runner is silent, but its agents end it only some seconds after the last word.
    await runs.record(RUN, message([entry(2, { entry: 'fault-ended', fault: 0 })]), T + 2_000)
    expect(await attacks(3_000)).toEqual([['latency', 2_000]])
    expect(await attacks(303_000)).toEqual([])
  })

  test('ends the attacks of a runner that died', async () => {
    const runs = await store()
    await runs.record(RUN, message([OPENED, BEGUN]), T + 1_000)
    const [attack] = await runs.attacks(T + 90_000, 300_000)
    expect(attack?.endMs).toBe(T + 11_000)
  })

  test('knows that a run is over by its verdict, or by its runner', async () => {
    const runs = await store()
    await runs.record(RUN, message([OPENED, VERDICT]), T)
    await runs.record('20261121T150000Z-inject', message([OPENED], { closed: true }), T + 1_000)
    const states = (await runs.runs(10, T + 900_000)).map(({ state, runId }) => [runId.slice(17), state])
    expect(states.toSorted()).toEqual([
      ['inject', 'ended'],
      ['latency', 'judged'],
    ])
  })

  test('finds the runs that were on at some time of a stretch, oldest first', async () => {
    const runs = await store()
    const other = '20261121T150000Z-latency'
    await runs.record(other, message([OPENED]), T + 10_000)
    await runs.record(RUN, message([OPENED]), T + 1_000)
    const between = async (fromMs: number, toMs: number) =>
      (await runs.between(fromMs, toMs, T + 20_000)).map(({ runId }) => runId)
    expect(await between(T, T + 60_000)).toEqual([RUN, other])
    expect(await between(T + 5_000, T + 60_000)).toEqual([other])
    expect(await between(T - 60_000, T)).toEqual([])
    expect(await between(T - 60_000, T + 1)).toEqual([RUN, other])
  })

  test('keeps the last word of the abort rule', async () => {
    const runs = await store()
    const abort = { atMs: T, eValue: 3.5, limit: 20, detail: 'so far' }
    await runs.record(RUN, message([OPENED], { abort }), T)
    await runs.record(RUN, message([]), T + 1_000)
    expect((await runs.run(RUN, T + 2_000))?.abort).toEqual(abort)
  })

  test('keeps the report of a run that it knows, and loses nothing when the database does', async () => {
    const runs = await store()
    expect(await runs.recordReport(RUN, '<p>1</p>', T)).toBe(false)
    await runs.record(RUN, message([OPENED]), T)
    expect(await runs.recordReport(RUN, '<p>1</p>', T)).toBe(true)
    expect(await runs.recordReport(RUN, '<p>2</p>', T)).toBe(true)
    await server.crash()
    expect(await runs.report(RUN)).toBe('<p>2</p>')
    expect((await runs.run(RUN, T))?.hasReport).toBe(true)
    expect(await runs.report('20261121T140000Z-other')).toBeNull()
  })

  test('forgets old runs with all that belongs to them', async () => {
    const runs = await store()
    await runs.record(RUN, message([OPENED]), T)
    await runs.recordReport(RUN, '<p>1</p>', T)
    expect(await runs.forgetBefore(T + 1)).toBe(1)
    expect(await runs.run(RUN, T)).toBeNull()
    expect(await runs.report(RUN)).toBeNull()
  })
})
