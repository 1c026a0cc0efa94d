import { describe, expect, test } from '@jest/globals'
import { CONTAINER, CONTAINER_V2, recordedProbe, subjectOf } from './container-fixture.ts'
import { type MemorySpec, memory } from './memory.ts'

const MIB = 1024 * 1024
const HOLD: MemorySpec = { action: 'memory', percentOfLimit: 75, killsTarget: false }
const KILL: MemorySpec = { action: 'memory', percentOfLimit: 100, killsTarget: true }

describe('memory', () => {
  test('starts a holder that dies first, in all groups of the target', () => {
    expect(memory.begin(subjectOf(HOLD))).toEqual([
      {
        do: 'start',
        program: 'memory-hold',
        args: ['/groups/memory/x', String(240 * MIB), '30', '100', '5000'],
        cgroups: ['/groups/cpu/x', '/groups/cpuacct/x', '/groups/memory/x', '/groups/freezer/x'],
        oomScoreAdjust: 1000,
      },
    ])
    expect(memory.end(subjectOf(HOLD))).toEqual([{ do: 'stop' }])
  })

  test('goes for more than there is, and dies last, to have the target killed', () => {
    const [command] = memory.begin(subjectOf(KILL))
    expect(command).toMatchObject({ args: expect.arrayContaining([String(640 * MIB)]), oomScoreAdjust: 0 })
  })

  test('refuses a target without a limit', () => {
    expect(() => memory.begin(subjectOf(HOLD, { ...CONTAINER, memoryLimitBytes: null }))).toThrow(
      'it has no limit',
    )
  })

  test.each([
    {
      version: 1,
      target: CONTAINER,
      files: {
        '/groups/memory/x/memory.usage_in_bytes': `${100 * MIB}\n`,
        '/groups/memory/x/memory.stat': `inactive_file 1\ntotal_inactive_file ${20 * MIB}\n`,
        '/groups/memory/x/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
      },
    },
    {
      version: 2,
      target: CONTAINER_V2,
      files: {
        '/groups/x/memory.current': `${100 * MIB}\n`,
        '/groups/x/memory.stat': `inactive_file ${20 * MIB}\n`,
        '/groups/x/memory.events': 'oom 3\noom_kill 2\n',
      },
    },
  ])('reads version $version without files that can be dropped', async ({ target, files }) => {
    const reading = await memory.read(subjectOf(HOLD, target), recordedProbe({ files, alive: [100] }))
    expect(reading).toEqual({ usedMiB: 80, limitMiB: 320, oomKills: 2, mainAlive: 1 })
  })

  const reading = (usedMiB: number, oomKills: number, mainAlive: number) => ({
    usedMiB,
    limitMiB: 320,
    oomKills,
    mainAlive,
  })
  test.each([
    { title: 'the level is reached', spec: HOLD, now: reading(238, 0, 1), proven: true },
    { title: 'the level is not reached', spec: HOLD, now: reading(200, 0, 1), proven: false },
    { title: 'the main process died', spec: KILL, now: reading(0, 0, 0), proven: true },
    { title: 'another process was killed', spec: KILL, now: reading(100, 1, 1), proven: true },
    { title: 'all live though memory is full', spec: KILL, now: reading(320, 0, 1), proven: false },
  ])('finds that $title', ({ spec, now, proven }) => {
    expect(memory.finding(spec, reading(80, 0, 1), now).proven).toBe(proven)
  })

  test('takes killsTarget only with the whole limit', () => {
    expect(memory.schema.safeParse(KILL).success).toBe(true)
    expect(memory.schema.safeParse({ ...KILL, percentOfLimit: 99 }).success).toBe(false)
    expect(memory.schema.safeParse({ ...HOLD, percentOfLimit: 101 }).success).toBe(false)
  })
})
