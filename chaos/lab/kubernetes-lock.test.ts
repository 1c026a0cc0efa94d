import { describe, expect, test } from '@jest/globals'
import { V1MicroTime } from '@kubernetes/client-node'
import { holderOf } from './kubernetes-lock.ts'

const NOW_MS = 1795241633240
const self = { host: 'here', pid: 10, isAlive: (pid: number) => pid === 11 }
const lease = (changes: { host?: string; pid?: number; ageSeconds?: number; runId?: string } = {}) => {
  const { host = 'here', pid = 11, ageSeconds = 1, runId = 'run-1' } = changes
  return {
    metadata: { annotations: { 'divergence/process': `${host}/${pid}` } },
    spec: {
      holderIdentity: runId,
      leaseDurationSeconds: 15,
      renewTime: new V1MicroTime(NOW_MS - ageSeconds * 1000),
    },
  }
}

const asRead = (value: ReturnType<typeof lease>) =>
  JSON.parse(JSON.stringify(value)) as ReturnType<typeof lease>

describe('holderOf()', () => {
  test.each([
    ['a run of this machine that lives', lease(), 'run-1'],
    ['a run of this very process', lease({ pid: 10 }), 'run-1'],
    ['a run of this machine that was killed', lease({ pid: 12 }), null],
    ['a run elsewhere that renews its lease', lease({ host: 'there', pid: 12 }), 'run-1'],
    ['a run elsewhere that stopped renewing', lease({ host: 'there', ageSeconds: 16 }), null],
    ['a lease that was given back', lease({ runId: '' }), null],
    ['no lease at all', null, null],
    ['a lease as the client reads it, with a text for a date', asRead(lease()), 'run-1'],
    ['an old lease as the client reads it', asRead(lease({ host: 'there', ageSeconds: 16 })), null],
  ])('%s', (_title, value, expected) => {
    expect(holderOf(value, NOW_MS, self)).toBe(expected)
  })
})
