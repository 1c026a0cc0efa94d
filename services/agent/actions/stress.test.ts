import { describe, expect, test } from '@jest/globals'
import { CONTAINER_V2, recordedProbe, subjectOf } from './container-fixture.ts'
import { type StressSpec, stress } from './stress.ts'

const CPU: StressSpec = { action: 'stress', resource: 'cpu', workers: 2, loadPercent: 80 }
const IO: StressSpec = { action: 'stress', resource: 'io', workers: 1, volume: 'run', fileMiB: 4 }

describe('stress', () => {
  test('works in all groups of the target and bounds itself', () => {
    expect(stress.begin(subjectOf(CPU))).toEqual([
      {
        do: 'start',
        program: 'stress-ng',
        args: ['--cpu', '2', '--cpu-load', '80', '--timeout', '30s', '--quiet', '--keep-name'],
        cgroups: ['/groups/cpu/x', '/groups/cpuacct/x', '/groups/memory/x', '/groups/freezer/x'],
      },
    ])
    expect(stress.end(subjectOf(CPU))).toEqual([{ do: 'stop' }])
  })

  test('writes to a folder of its own, which goes with it', () => {
    const path = '/volumes/run/.divergence-stress-f1'
    const [make, start] = stress.begin(subjectOf(IO))
    expect(make).toEqual({ do: 'make-folder', path })
    expect(start).toMatchObject({ args: expect.arrayContaining(['--hdd-bytes', '4m', '--temp-path', path]) })
    expect(stress.end(subjectOf(IO))).toEqual([{ do: 'stop' }, { do: 'remove', path }])
  })

  test('refuses a volume that is not there', () => {
    expect(() => stress.begin(subjectOf({ ...IO, volume: 'tmp' }))).toThrow('there are: run, data')
  })

  test.each([
    { ...CPU, loadPercent: undefined },
    { ...CPU, volume: 'run' },
    { ...CPU, workers: 0 },
    { ...CPU, workers: 65 },
    { ...CPU, fileMiB: 1 },
    { ...IO, volume: undefined },
    { ...IO, loadPercent: 10 },
  ])('refuses %j', spec => {
    expect(stress.schema.safeParse(spec).success).toBe(false)
  })

  const WORKER = `7 (stress-ng (x)) S ${Array.from({ length: 10 }, () => 0).join(' ')} 30 20 0`
  test('reads the account of the group and of the workers', async () => {
    const files = {
      '/groups/cpuacct/x/cpuacct.usage': '1500000000\n',
      '/groups/cpu/x/cpu.stat': 'nr_periods 9\nnr_throttled 4\n',
      '/proc/7/stat': WORKER,
      '/proc/7/io': `read_bytes: 1\nwrite_bytes: ${2 * 1024 * 1024}\n`,
    }
    expect(await stress.read(subjectOf(CPU), recordedProbe({ files, started: [7] }))).toEqual({
      groupCpuMs: 1500,
      throttledPeriods: 4,
      stressProcesses: 1,
      stressCpuMs: 500,
      stressWrittenMiB: 2,
    })
  })

  test('reads version 2', async () => {
    const files = { '/groups/x/cpu.stat': 'usage_usec 2000\nnr_throttled 1\n' }
    expect(await stress.read(subjectOf(CPU, CONTAINER_V2), recordedProbe({ files }))).toMatchObject({
      groupCpuMs: 2,
      throttledPeriods: 1,
    })
  })

  const before = {
    groupCpuMs: 1000,
    throttledPeriods: 0,
    stressProcesses: 0,
    stressCpuMs: 0,
    stressWrittenMiB: 0,
  }
  test.each([
    {
      title: 'work in the group',
      spec: CPU,
      now: { ...before, groupCpuMs: 1700, stressCpuMs: 600 },
      proven: true,
    },
    {
      title: 'work beside the group',
      spec: CPU,
      now: { ...before, groupCpuMs: 1100, stressCpuMs: 600 },
      proven: false,
    },
    { title: 'no work', spec: CPU, now: { ...before, groupCpuMs: 9000, stressCpuMs: 50 }, proven: false },
    { title: 'bytes on the disk', spec: IO, now: { ...before, stressWrittenMiB: 12 }, proven: true },
    { title: 'no bytes on the disk', spec: IO, now: { ...before, stressWrittenMiB: 0 }, proven: false },
  ])('finds $title: $proven', ({ spec, now, proven }) => {
    expect(stress.finding(spec, before, now).proven).toBe(proven)
  })
})
