import { describe, expect, test } from '@jest/globals'
import { quickClock, RecordedLab, wholeLab } from '../lab/recording.ts'
import type { LabView } from '../lab/view.ts'
import { planFault } from './catalogue.ts'
import { look, proveEffect } from './effect.ts'
import type { Proof } from './fault.ts'

const never = new AbortController().signal
const clock = quickClock(100)
const outage = planFault(
  { kind: 'zone-outage', select: { group: 'experiment', zone: 'b' }, offsetSeconds: 0, durationSeconds: 30 },
  wholeLab(),
)
const replaced: Proof = {
  proof: 'pod-replaced',
  namespace: 'experiment',
  name: 'gateway-b',
  uid: 'experiment-gateway-b',
  service: 'gateway',
  zone: 'b',
  before: ['experiment-gateway-b'],
}

/** The lab with the gateway of zone b changed or, for null, gone. */
function gatewayB(change: Partial<LabView['pods'][number]> | null): LabView {
  const lab = wholeLab()
  const isGateway = (uid: string) => uid === 'experiment-gateway-b'
  return {
    ...lab,
    pods: change
      ? lab.pods.map(pod => (isGateway(pod.uid) ? { ...pod, ...change } : pod))
      : lab.pods.filter(pod => !isGateway(pod.uid)),
  }
}

describe('proveEffect()', () => {
  test('sees a node that becomes NotReady', async () => {
    const lab = new RecordedLab()
    const beganAtMs = clock.nowMs()
    const proving = proveEffect(outage, lab, clock, beganAtMs, beganAtMs + 30_000, never)
    await lab.cluster.powerOff('experiment', 'b')
    const effect = await proving
    expect(effect.proven).toBe(true)
    expect(effect.detail).toMatch(/^node experiment-b NotReady after \d+\.\d s$/)
  })

  test('does not call it proven when nothing happened', async () => {
    const beganAtMs = clock.nowMs()
    const effect = await proveEffect(outage, new RecordedLab(), clock, beganAtMs, beganAtMs + 2_000, never)
    expect(effect).toEqual({
      proven: false,
      detail: 'node experiment-b did not become NotReady within 2.0 s',
    })
  })
})

describe('look()', () => {
  test.each([
    ['the pod is still there', gatewayB({}), null],
    ['it is gone and nothing took its place', gatewayB(null), null],
    [
      'another uid has its place',
      gatewayB({ uid: 'new' }),
      'pod gateway-b gone, gateway-b (new) in its place',
    ],
    ['the replacement is in another zone', gatewayB({ uid: 'new', nodeName: 'experiment-c' }), null],
    ['the replacement is going as well', gatewayB({ uid: 'new', terminating: true }), null],
  ])('a killed pod: %s', (_title, view, expected) => {
    expect(look(replaced, view)).toBe(expected)
  })

  test('takes no pod for the replacement that was there before', () => {
    const neighbour = { ...wholeLab().pods.find(pod => pod.uid === 'experiment-gateway-b'), uid: 'neighbour' }
    const view = { ...gatewayB(null), pods: [...gatewayB(null).pods, neighbour as LabView['pods'][number]] }
    expect(look({ ...replaced, before: [...replaced.before, 'neighbour'] }, view)).toBeNull()
  })
})
