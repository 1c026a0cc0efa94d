import { describe, expect, test } from '@jest/globals'
import { CONTAINER, CONTAINER_V2, recordedProbe, subjectOf } from './container-fixture.ts'
import { type FreezeSpec, freeze } from './freeze.ts'

const SPEC: FreezeSpec = { action: 'freeze' }

describe('freeze', () => {
  test('turns the freezer of version 1 on, and off also when the group is gone', () => {
    expect(freeze.begin(subjectOf(SPEC))).toEqual([
      { do: 'write', path: '/groups/freezer/x/freezer.state', text: 'FROZEN' },
    ])
    expect(freeze.end(subjectOf(SPEC))).toEqual([
      { do: 'write', path: '/groups/freezer/x/freezer.state', text: 'THAWED', mayBeGone: true },
    ])
  })

  test('does the same with version 2', () => {
    const subject = subjectOf(SPEC, CONTAINER_V2)
    expect(freeze.begin(subject)).toEqual([{ do: 'write', path: '/groups/x/cgroup.freeze', text: '1' }])
    expect(freeze.end(subject)).toEqual([
      { do: 'write', path: '/groups/x/cgroup.freeze', text: '0', mayBeGone: true },
    ])
  })

  test.each([
    {
      title: 'FROZEN of version 1',
      target: CONTAINER,
      path: '/groups/freezer/x/freezer.state',
      text: 'FROZEN\n',
      frozen: 1,
    },
    {
      title: 'FREEZING, which is not frozen yet',
      target: CONTAINER,
      path: '/groups/freezer/x/freezer.state',
      text: 'FREEZING\n',
      frozen: 0,
    },
    {
      title: 'frozen 1 of version 2',
      target: CONTAINER_V2,
      path: '/groups/x/cgroup.events',
      text: 'populated 1\nfrozen 1\n',
      frozen: 1,
    },
    {
      title: 'frozen 0 of version 2',
      target: CONTAINER_V2,
      path: '/groups/x/cgroup.events',
      text: 'populated 1\nfrozen 0\n',
      frozen: 0,
    },
  ])('reads $title', async ({ target, path, text, frozen }) => {
    const reading = await freeze.read(subjectOf(SPEC, target), recordedProbe({ files: { [path]: text } }))
    expect(reading).toEqual({ frozen })
  })

  test('proves nothing when it was frozen before', () => {
    expect(freeze.finding(SPEC, { frozen: 0 }, { frozen: 1 }).proven).toBe(true)
    expect(freeze.finding(SPEC, { frozen: 1 }, { frozen: 1 }).proven).toBe(false)
    expect(freeze.finding(SPEC, { frozen: 0 }, { frozen: 0 }).proven).toBe(false)
  })
})
