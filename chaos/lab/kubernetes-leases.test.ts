import { describe, expect, test } from '@jest/globals'
import type { V1Lease } from '@kubernetes/client-node'
import { MachineryError } from '../../platform/errors.ts'
import { leaseObject, leaseOf } from './kubernetes-leases.ts'

const NOW_MS = 1795241633240
const promise = {
  name: 'fault-x',
  runId: 'run-1',
  undo: [{ undo: 'uncordon', node: 'experiment-b' }] as const,
}
/** As the API gives it back: dates are texts. */
const read = () => JSON.parse(JSON.stringify(leaseObject(promise, NOW_MS))) as V1Lease

describe('leaseObject()', () => {
  test('says what agents have to undo, and when', () => {
    const { metadata, spec } = leaseObject(promise, NOW_MS)
    expect(metadata?.labels).toMatchObject({ 'divergence/fault-lease': expect.anything() })
    expect(metadata?.annotations?.['divergence/undo']).toBe('[{"undo":"uncordon","node":"experiment-b"}]')
    expect(spec?.leaseDurationSeconds).toBe(8)
  })
})

describe('leaseOf()', () => {
  test.each([
    ['within its time', 8_000, false],
    ['after its time', 8_001, true],
  ])('reads back what was written, %s', (_title, ageMs, expired) => {
    expect(leaseOf(read(), NOW_MS + ageMs)).toEqual({ ...promise, expired })
  })

  test.each(['', '{}', 'no JSON'])("does not pass over an undo that cannot be read: '%s'", text => {
    const lease = read()
    lease.metadata = { ...lease.metadata, annotations: { 'divergence/undo': text } }
    expect(() => leaseOf(lease, NOW_MS)).toThrow(MachineryError)
  })
})
