import { describe, expect, test } from '@jest/globals'
import {
  configurationHash,
  controlPlaneMachine,
  createArguments,
  type Machine,
  nodeMachine,
  registryMachine,
} from './machines.ts'
import { type NodePlan, nodePlans } from './plan.ts'

const nodes = nodePlans()
const planOf = (name: string) => nodes.find(node => node.name === name) as NodePlan
const experiment = nodeMachine('image:1', planOf('experiment-a'), { 'ca.crt': 'A' }, undefined)
const all: readonly Machine[] = [
  registryMachine('image:1'),
  controlPlaneMachine('image:1', { 'ca.crt': 'A' }),
  ...nodes.map(node => nodeMachine('image:1', node, { 'ca.crt': 'A' }, '/lib/modules')),
]

describe('createArguments()', () => {
  test('creates the node under its fixed name and address, with its group on it', () => {
    const args = createArguments(experiment, '/state/machine')

    expect(args.slice(0, 2)).toEqual(['create', '--name=divergence-experiment-a'])
    expect(args).toEqual(
      expect.arrayContaining([
        '--ip=172.30.77.21',
        '--hostname=experiment-a',
        '--label=divergence.group=experiment',
        '--volume=/state/machine:/etc/divergence:ro',
      ]),
    )
    expect(args.slice(-2)).toEqual(['image:1', 'node'])
  })

  test.each(all.map(machine => [machine.container, machine] as const))(
    '%s is ours, stays off when it is off, and is reached from this machine alone',
    (_, machine) => {
      const args = createArguments(machine, '/state/machine')
      const published = args.filter(each => each.startsWith('--publish='))

      expect(args).toContain('--label=divergence=lab')
      expect(args).toContain('--restart=no')
      expect(args).not.toContain('--privileged')
      expect(published.every(each => each.startsWith('--publish=127.0.0.1:'))).toBe(true)
    },
  )

  test('publishes each host port once', () => {
    const published = all.flatMap(machine => machine.options.filter(each => each.startsWith('--publish=')))

    expect(published).toHaveLength(8)
    expect(new Set(published).size).toBe(8)
  })

  test('asks for no kernel modules where the machine has no folder of them', () => {
    expect(experiment.options.join(' ')).not.toContain('/lib/modules')
  })
})

describe('configurationHash()', () => {
  test.each([
    { title: 'another image', other: { ...experiment, image: 'image:2' } },
    { title: 'a changed file', other: { ...experiment, files: { 'ca.crt': 'B' } } },
    { title: 'another option', other: { ...experiment, options: [...experiment.options, '--init'] } },
    { title: 'another command', other: { ...experiment, command: ['registry'] } },
  ])('changes with $title', ({ other }) => {
    expect(configurationHash(other)).not.toBe(configurationHash(experiment))
  })

  test('does not depend on the order of the files', () => {
    const one = { ...experiment, files: { a: '1', b: '2' } }
    const other = { ...experiment, files: { b: '2', a: '1' } }

    expect(configurationHash(one)).toBe(configurationHash(other))
  })
})
