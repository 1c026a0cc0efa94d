import { describe, expect, test } from '@jest/globals'
import { parseExperiment } from '../../chaos/experiment.ts'
import { COVERAGE } from '../coverage.ts'
import { disturbances, experimentText } from './disturbances.ts'
import { EXPECTATIONS } from './expectations.ts'

const ALL = disturbances(40_000)

describe('disturbances()', () => {
  test.each(ALL)('$name is an experiment that can be run', disturbance => {
    const { faults, phases } = parseExperiment('metrics.yaml', experimentText(disturbance))
    expect(faults).toHaveLength(disturbance.faults.length)
    expect(phases.holdSeconds).toBe(disturbance.holdSeconds)
  })

  test('are over within a quarter of an hour', () => {
    const seconds = ALL.map(({ holdSeconds }) => holdSeconds + 100)
    expect(seconds.reduce((sum, one) => sum + one, 0)).toBeLessThan(15 * 60)
  })

  test('take little of the disk, however much is free', () => {
    const fill = (freeMiB: number) =>
      disturbances(freeMiB)
        .flatMap(({ faults }) => faults)
        .find(({ kind }) => kind === 'disk-fill')
    expect(fill(40_000.7)).toMatchObject({ leaveFreeMiB: 37_952, atMostMiB: 4096 })
    expect(fill(1000)).toMatchObject({ leaveFreeMiB: 0 })
  })
})

describe('EXPECTATIONS', () => {
  test('say of each row of the page, and of nothing else, what moves it', () => {
    expect(Object.keys(EXPECTATIONS).sort()).toEqual(COVERAGE.map(({ what }) => what).sort())
  })

  test.each(Object.entries(EXPECTATIONS))('%s is looked for where it is attacked', (_, expected) => {
    if ('unmoved' in expected) return expect(expected.unmoved).toMatch(/\w/)
    const disturbance = ALL.find(({ name }) => name === expected.in)
    const kinds = disturbance?.faults.map(({ kind }) => kind)
    expect([...(kinds ?? []), ...(disturbance?.hasEmptyBatch ? ['ingest'] : [])]).toContain(expected.by)
  })
})
