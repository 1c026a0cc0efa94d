import { describe, expect, test } from '@jest/globals'
import { agentResidue } from './agent-residue.ts'

const before = {
  'experiment-a': { node: ['qdisc lo noqueue'], 'gateway-a/gateway c1': ['qdisc eth0 noqueue'] },
}
const having = (lines: readonly string[], instance = 'gateway-a/gateway c1') => ({
  'experiment-a': { node: ['qdisc lo noqueue'], [instance]: lines },
})

describe('agentResidue()', () => {
  test('is empty when nothing came', () => {
    expect(agentResidue(before, before)).toEqual([])
    expect(agentResidue(before, having([]))).toEqual([])
  })

  test('tells what came', () => {
    expect(agentResidue(before, having(['qdisc eth0 noqueue', 'table netdev divergence_f']))).toEqual([
      'experiment-a, gateway-a/gateway c1: table netdev divergence_f',
    ])
  })

  test('compares a container that was replaced with the one before it', () => {
    const after = having(['qdisc eth0 noqueue', 'table inet divergence_f'], 'gateway-a/gateway c2')
    expect(agentResidue(before, after)).toEqual([
      'experiment-a, gateway-a/gateway c2: table inet divergence_f',
    ])
  })

  test('compares a pod that is new with any of its service, whatever their addresses', () => {
    const old = { 'experiment-a': { 'gateway-a/gateway c1': ['route 10.0.0.0/24 src 10.0.0.7'] } }
    const after = (line: string) => ({ 'experiment-a': { 'gateway-x/gateway c9': [line] } })
    expect(agentResidue(old, after('route 10.0.0.0/24 src 10.0.0.8'))).toEqual([])
    expect(agentResidue(old, after('table inet divergence_f'))).toHaveLength(1)
  })

  test('has nothing to compare a container with that was nowhere', () => {
    expect(agentResidue(before, having(['anything'], 'sidecar-x/sidecar c9'))).toEqual([])
  })

  test('minds an agent that is gone', () => {
    expect(agentResidue(before, {})).toEqual(['the agent on experiment-a does not answer any more'])
  })
})
