import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { LoadPlan } from '../../load/plan.ts'
import { MachineryError } from '../../platform/errors.ts'
import { quickClock } from '../lab/recording.ts'
import { RecordedLoad } from '../lab/recording-load.ts'
import { SampleFollower } from './follow.ts'

const never = new AbortController().signal
const clock = quickClock(50)

async function fixture(durationSeconds = 10) {
  const load = new RecordedLoad(clock)
  await load.start({ runId: 'r', durationSeconds } as LoadPlan)
  const file = join(await mkdtemp(join(tmpdir(), 'follow-')), 'samples.csv')
  return { load, file, follower: new SampleFollower({ generator: load, clock, file }) }
}

describe('SampleFollower', () => {
  test('brings every sample, once, and tells when the load began', async () => {
    const { follower, file } = await fixture()
    const { exitCode } = await follower.follow(never)
    expect(exitCode).toBe(0)
    expect(follower.records).toHaveLength(10 * 5 * 2)
    expect(await follower.firstStartMs).toBe(Math.min(...follower.records.map(({ startMs }) => startMs)))
    expect((await readFile(file, 'utf8')).split('\n')).toHaveLength(10 * 5 * 2 + 1)
  })

  test('takes a broken stream up again at the next byte: nothing is lost, nothing comes twice', async () => {
    const { load, follower } = await fixture()
    load.breaksAfter = [100, 101, 1777, 3000]
    await follower.follow(never)
    const keys = follower.records.map(({ group, kind, sequence }) => `${group} ${kind} ${sequence}`)
    expect(keys).toHaveLength(100)
    expect(new Set(keys).size).toBe(100)
    expect(follower.resumed).toBeGreaterThanOrEqual(4)
  })

  test('takes a stream up again that hangs without an end', async () => {
    const { load, follower } = await fixture()
    const stream = load.stream.bind(load)
    let hung = false
    load.stream = async function* (offset, signal) {
      if (!hung) {
        hung = true
        await clock.sleep(1e9, signal)
      }
      yield* stream(offset, signal)
    }
    await follower.follow(never)
    expect(follower.records).toHaveLength(100)
  })

  test('asks for the size only when the generator has ended or says nothing', async () => {
    const { load, follower } = await fixture()
    const sampleBytes = load.sampleBytes.bind(load)
    const endedWhenAsked: boolean[] = []
    load.sampleBytes = async () => {
      endedWhenAsked.push((await load.state()).exitCode !== null)
      return sampleBytes()
    }
    await follower.follow(never)
    expect(new Set(endedWhenAsked)).toEqual(new Set([true]))
  })

  test('survives a generator that cannot be asked for a while', async () => {
    const { load, follower } = await fixture()
    const state = load.state.bind(load)
    let failures = 3
    load.state = async () => {
      if (failures-- > 0) throw new Error('connection refused')
      return await state()
    }
    await follower.follow(never)
    expect(follower.records).toHaveLength(100)
  })

  test('gives a generator up that stays out of reach', async () => {
    const { load, follower } = await fixture(1000)
    load.state = async () => {
      throw new Error('connection refused')
    }
    await expect(follower.follow(never)).rejects.toThrow('out of reach for 60 s')
  })

  test('does not judge damaged samples', async () => {
    const { load, follower } = await fixture()
    load.stream = async function* () {
      yield new TextEncoder().encode('control,song,read,oops\n')
    }
    const following = follower.follow(never)
    await expect(following).rejects.toBeInstanceOf(MachineryError)
    await expect(following).rejects.toThrow('line 1 is not a sample')
    await expect(follower.firstStartMs).rejects.toThrow('line 1')
  })

  test('tells what a generator said that ended without a request', async () => {
    const { load, follower } = await fixture()
    load.diesAfter = { seconds: 0, exitCode: 108 }
    await expect(follower.follow(never)).rejects.toThrow(
      'exit code 108 and without a single request: out of memory',
    )
  })

  test('stops when the run is stopped', async () => {
    const { follower } = await fixture(1000)
    const stop = new AbortController()
    const following = follower.follow(stop.signal)
    await follower.firstStartMs
    stop.abort(new Error('Ctrl-C'))
    await expect(following).rejects.toThrow('Ctrl-C')
  })
})
