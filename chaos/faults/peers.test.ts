import { describe, expect, test } from '@jest/globals'
import { agentActions, codeOf, GATEWAY_IN_B, LASTING, planOf, withPods } from './example-plans.ts'

describe('peersOf()', () => {
  const peers = (kind: string, rest: object) =>
    agentActions(planOf(kind, GATEWAY_IN_B, { ...LASTING, ...rest })).map(
      actions => (actions[0] as { peers?: readonly string[] }).peers,
    )

  test('a service without an address of its own: its pods', () => {
    expect(peers('partition', { from: ['recommender'] })).toEqual([
      ['10.244.21.12', '10.244.22.12', '10.244.23.12'],
    ])
  })

  test('a service with one: that as well, which is what its clients see', () => {
    expect(peers('blackhole', { peer: { services: ['database'] } })).toEqual([
      ['10.244.21.13', '10.244.22.13', '10.244.23.13', '10.96.1.4'],
    ])
  })

  test('a zone: its nodes and every pod there, now and later', () => {
    expect(peers('blackhole', { peer: { zone: 'c' } })).toEqual([
      ['10.244.23.0/24', '10.244.23.11', '10.244.23.12', '10.244.23.13', '172.30.77.23'],
    ])
  })

  test('a service in a zone: only that pod', () => {
    const peer = { services: ['database'], zone: 'primary' }
    expect(peers('latency', { delayMs: 10, peer })).toEqual([['10.244.21.13']])
  })

  test('never the target itself', () => {
    expect(peers('loss', { lossPercent: 10, peer: { services: ['gateway'] } })).toEqual([
      ['10.244.21.11', '10.244.23.11'],
    ])
  })

  test('everybody, when nothing is said', () => {
    expect(peers('loss', { lossPercent: 10 })).toEqual([undefined])
  })

  test('nobody is an error', () => {
    const view = withPods(pod => ({ ...pod, address: null }))
    const rest = { ...LASTING, from: ['recommender'] }
    expect(codeOf(() => planOf('partition', GATEWAY_IN_B, rest, view))).toBe('NOTHING_SELECTED')
  })
})
