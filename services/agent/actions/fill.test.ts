import { describe, expect, test } from '@jest/globals'
import { recordedProbe, subjectOf } from './container-fixture.ts'
import { type FillSpec, fill } from './fill.ts'

const MIB = 1024 * 1024
const SPEC: FillSpec = { action: 'fill', volume: 'run', leaveFreeMiB: 1, atMostMiB: 100 }

describe('fill', () => {
  test('takes what is free but for what is to be left', () => {
    const path = '/volumes/run/.divergence-fill-f1'
    expect(fill.begin(subjectOf(SPEC))).toEqual([
      { do: 'run', program: 'fallocate', args: ['--length', String(15 * MIB), path] },
    ])
    expect(fill.end(subjectOf(SPEC))).toEqual([{ do: 'remove', path }])
  })

  test.each([
    {
      title: 'a disk larger than the bound',
      change: { volume: 'data' },
      text: 'more than atMostMiB=100 allows',
    },
    { title: 'a volume that is not there', change: { volume: 'tmp' }, text: 'there are: run, data' },
    { title: 'a volume that is full enough', change: { leaveFreeMiB: 16 }, text: 'only 16.0 MiB are free' },
  ])('refuses $title', ({ change, text }) => {
    expect(() => fill.begin(subjectOf({ ...SPEC, ...change }))).toThrow(text)
  })

  test('accepts a bound that is just enough', () => {
    expect(fill.begin(subjectOf({ ...SPEC, atMostMiB: 15 }))).toHaveLength(1)
    expect(() => fill.begin(subjectOf({ ...SPEC, atMostMiB: 14 }))).toThrow('atMostMiB=14')
  })

  test('is proven by what is free', async () => {
    const before = await fill.read(subjectOf(SPEC), recordedProbe({ freeBytes: 16 * MIB }))
    const now = await fill.read(subjectOf(SPEC), recordedProbe({ freeBytes: MIB }))
    expect(fill.finding(SPEC, before, now)).toEqual({ proven: true, detail: '16.0 MiB were free, now 1.0' })
    expect(fill.finding(SPEC, before, before).proven).toBe(false)
    expect(fill.finding(SPEC, now, now).proven).toBe(false)
  })

  test.each([{ volume: '../etc' }, { leaveFreeMiB: -1 }, { atMostMiB: 0 }, { more: 1 }])(
    'refuses %j',
    change => {
      expect(fill.schema.safeParse({ ...SPEC, ...change }).success).toBe(false)
    },
  )
})
