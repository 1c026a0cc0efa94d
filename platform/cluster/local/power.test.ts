import { describe, expect, test } from '@jest/globals'
import { UserError } from '../../errors.ts'
import { requireExperiment } from './power.ts'

const node = (labels: Readonly<Record<string, string>>) => ({
  name: 'divergence-x',
  running: true,
  startedMs: 0,
  ports: [],
  labels,
})

describe('requireExperiment()', () => {
  test('lets a node of the experimental group pass', () => {
    const target = node({ 'divergence.group': 'experiment', 'divergence.node': 'experiment-a' })

    expect(requireExperiment(target, 'take the power from')).toBe(target)
  })

  test.each([
    { title: 'control', labels: { 'divergence.group': 'control', 'divergence.node': 'control-a' } },
    { title: 'system', labels: { 'divergence.group': 'system', 'divergence.node': 'system' } },
    { title: 'none', labels: {} },
    // The name alone is no proof.
    { title: 'control', labels: { 'divergence.group': 'control', 'divergence.node': 'experiment-a' } },
  ])("refuses a node of group '$title'", ({ title, labels }) => {
    expect(() => requireExperiment(node(labels), 'take the power from')).toThrow(UserError)
    expect(() => requireExperiment(node(labels), 'take the power from')).toThrow(`it is in group '${title}'`)
  })
})
