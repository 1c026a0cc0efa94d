import { describe, expect, test } from '@jest/globals'
import { agentActions, GATEWAY_IN_B, LASTING, planOf } from './example-plans.ts'

describe('dns', () => {
  test('holds back answers when it is to be slow', () => {
    expect(agentActions(planOf('dns', GATEWAY_IN_B, { ...LASTING, mode: 'slow', delayMs: 3000 }))).toEqual([
      [{ action: 'delay', delayMs: 3000, jitterMs: 0, protocol: 'udp', peerPort: 53 }],
    ])
  })
})
