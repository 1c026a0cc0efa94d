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
  - { kind: kill-pod, select: { group: experiment, services: [recommender] } }
  - { kind: cpu, select: { group: experiment, services: [gateway] }, durationSeconds: 5 }
blastRadius: { maxTargets: 6, keepHealthy: { gateway: 0 } }
`)
    const { faults, blastRadius } = await words(path)
    expect(faults.map(({ kind }) => kind)).toEqual(['kill-pod', 'cpu'])
    expect(blastRadius).toEqual({ maxTargets: 6, keepHealthy: { gateway: 0 } })
  })

  test.each<[string, string, string[], string | undefined, string | RegExp]>([
    ['an unknown fault', 'earthquake', [], '5s', 'there is no such fault'],
    ['a file that is not there', 'none.yaml', [], undefined, 'there is no such file'],
    ['a word without a value', 'cpu', ['workers'], '5s', "'workers' is not key=value"],
    [
      'a parameter that there is not, naming those that there are',
      'cpu',
      ['select.services=[gateway]', 'x=1'],
      '5s',
      /^Cannot inject cpu: x: unknown key; allowed: kind, select, .*workers/,
    ],
    [
      'the control group',
      'cpu',
      ['select.group=control', 'select.services=[gateway]'],
      '5s',
      "cpu: select.group: 'control' is not allowed; allowed: experiment: the control group is never attacked",
    ],
    [
      'a value out of its range, naming it',
      'loss',
      ['select.services=[gateway]', 'lossPercent=200'],
      '5s',
      'loss: lossPercent: 200 is not allowed; allowed: at most 100',
    ],
    [
      'a value that is no YAML',
      'cpu',
      ['select.services=[gateway'],
      '5s',
      "cpu: the value of 'select.services=[gateway' is not YAML: ",
    ],
    [
      'what comes after nothing',
      'cpu',
      ['select.services=[gateway]', 'after=previous'],
      '5s',
      'after: no fault',
    ],
    ['a surge', 'surge', ['factor=3'], '5s', "kind: a surge needs the load of a run: use 'divergence run'"],
    ['a length that is none', 'cpu', ['select.services=[gateway]'], 'soon', "duration 'soon'"],
  ])('refuses %s', async (_title, what, set, duration, message) => {
    const attempt = words(what, set, duration)
    await expect(attempt).rejects.toBeInstanceOf(UserError)
    await expect(attempt).rejects.toThrow(message)
  })

  test.each([
    [
      'a fault that lacks something',
      'faults: [{ kind: cpu, select: { group: experiment, services: [gateway] } }]',
      '1 faults[0].durationSeconds: missing; expected: number',
    ],
    [
      'an unknown key beside the faults',
      'faults:\n  - { kind: kill-pod, select: { group: experiment, services: [gateway] } }\nseed: 1',
      '3 seed: unknown key; allowed: faults, blastRadius',
    ],
    ['what is no YAML', 'faults:\n  - { kind: cpu', /:[23] not YAML: /],
    ['an empty file', '', 'is empty'],
    [
      'faults that cannot be combined',
      `faults:
  - { kind: cpu, select: { group: experiment, services: [gateway] }, durationSeconds: 5 }
  - { kind: kill-pod, select: { group: experiment, services: [gateway] }, offsetSeconds: 2 }`,
      '3 faults[1].offsetSeconds: kill-pod at 2 s may hit what cpu (faults[0]) hits from 0 to 5 s',
    ],
    [
      'what comes after nothing',
      'faults: [{ kind: kill-pod, select: { group: experiment, services: [gateway] }, after: previous }]',
      '1 faults[0].after: no fault stands before it',
    ],
  ])('refuses %s, and says where it stands', async (_title, text, message) => {
    const attempt = words(await file(text))
    await expect(attempt).rejects.toBeInstanceOf(UserError)
    await expect(attempt).rejects.toThrow(message)
    await expect(attempt).rejects.toThrow(/^Cannot inject .*faults\.yaml: one problem\n {2}/)
  })

  test('leaves faults alone that come one after the other, however long that takes', async () => {
    const path = await file(`
faults:
  - { kind: cpu, select: { group: experiment, services: [gateway] }, durationSeconds: 3000 }
  - { kind: kill-pod, select: { group: experiment, services: [gateway] }, after: previous }
`)
    expect((await words(path)).faults).toHaveLength(2)
  })

  test('does not take words beside a file', async () => {
    await expect(words(await file('faults: []'), ['a=1'])).rejects.toThrow('belong to a single kind')
  })
})
