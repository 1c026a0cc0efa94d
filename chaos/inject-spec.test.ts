import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { UserError } from '../platform/errors.ts'
import { faultsToInject } from './inject-spec.ts'

const words = (what: string, set: string[] = [], duration?: string) => faultsToInject({ what, set, duration })

async function file(text: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'faults-')), 'faults.yaml')
  await writeFile(path, text)
  return path
}

describe('faultsToInject()', () => {
  test('makes a fault of words', async () => {
    const { faults } = await words(
      'latency',
      ['select.services=[gateway]', 'select.zone=b', 'delayMs=100'],
      '2m',
    )
    expect(faults).toEqual([
      {
        kind: 'latency',
        select: { group: 'experiment', services: ['gateway'], zone: 'b' },
        offsetSeconds: 0,
        durationSeconds: 120,
        delayMs: 100,
        jitterMs: 0,
      },
    ])
  })

  test('reads a file of several', async () => {
    const path = await file(`
faults:
  - { kind: kill-pod, select: { group: experiment, services: [gateway] } }
  - { kind: cpu, select: { group: experiment, services: [gateway] }, durationSeconds: 5 }
blastRadius: { maxTargets: 6, keepHealthy: { gateway: 0 } }
`)
    const { faults, blastRadius } = await words(path)
    expect(faults.map(({ kind }) => kind)).toEqual(['kill-pod', 'cpu'])
    expect(blastRadius).toEqual({ maxTargets: 6, keepHealthy: { gateway: 0 } })
  })

  test.each<[string, string, string[], string | undefined, string]>([
    ['an unknown fault', 'earthquake', [], '5s', 'there is no such fault'],
    ['a file that is not there', 'none.yaml', [], undefined, 'there is no such file'],
    ['a word without a value', 'cpu', ['workers'], '5s', "'workers' is not key=value"],
    ['a parameter that there is not', 'cpu', ['select.services=[gateway]', 'x=1'], '5s', 'Unrecognized key'],
    ['the control group', 'cpu', ['select.group=control', 'select.services=[gateway]'], '5s', 'select.group'],
    ['a length that is none', 'cpu', ['select.services=[gateway]'], 'soon', "duration 'soon'"],
  ])('refuses %s', async (_title, what, set, duration, message) => {
    const attempt = words(what, set, duration)
    await expect(attempt).rejects.toBeInstanceOf(UserError)
    await expect(attempt).rejects.toThrow(message)
  })

  test('names the fault of a file that is wrong', async () => {
    const path = await file('faults: [{ kind: cpu, select: { group: experiment, services: [gateway] } }]')
    await expect(words(path)).rejects.toThrow('fault 1 of')
  })

  test('does not take words beside a file', async () => {
    await expect(words(await file('faults: []'), ['a=1'])).rejects.toThrow('belong to a single kind')
  })
})
