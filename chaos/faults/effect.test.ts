import { describe, expect, test } from '@jest/globals'
import type { FaultStatus } from '../../services/agent/protocol.ts'
import { quickClock, RecordedLab, wholeLab } from '../lab/recording.ts'
import { RecordedAgents } from '../lab/recording-agents.ts'
import type { LabView } from '../lab/view.ts'
import { planFault } from './catalogue.ts'
import { look, proveEffect } from './effect.ts'
import type { Proof } from './fault.ts'

const never = new AbortController().signal
const clock = quickClock(100)
const outage = planFault(
  { kind: 'zone-outage', select: { group: 'experiment', zone: 'b' }, offsetSeconds: 0, durationSeconds: 30 },
  wholeLab(),
  { id: 'f', capabilities: new Map(), seed: 1 },
)
const agents = new RecordedAgents(clock)
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

const seen = (proof: Proof, view: LabView, statuses: readonly FaultStatus[] = []) =>
  look(proof, { view, statuses: new Map(statuses.map(status => [status.id, status])) })

describe('proveEffect()', () => {
  test('sees a node that becomes NotReady', async () => {
    const lab = new RecordedLab()
    const beganAtMs = clock.nowMs()
    const proving = proveEffect(outage, { lab, agents, clock }, beganAtMs, beganAtMs + 30_000, never)
    await lab.cluster.powerOff('experiment', 'b')
    const effect = await proving
    expect(effect.proven).toBe(true)
    expect(effect.detail).toMatch(/^node experiment-b NotReady after \d+\.\d s$/)
  })

  test('does not call it proven when nothing happened', async () => {
    const beganAtMs = clock.nowMs()
    const witnesses = { lab: new RecordedLab(), agents, clock }
    const effect = await proveEffect(outage, witnesses, beganAtMs, beganAtMs + 2_000, never)
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
    expect(seen(replaced, view)).toBe(expected)
  })

  test('takes no pod for the replacement that was there before', () => {
    const neighbour = { ...wholeLab().pods.find(pod => pod.uid === 'experiment-gateway-b'), uid: 'neighbour' }
    const view = { ...gatewayB(null), pods: [...gatewayB(null).pods, neighbour as LabView['pods'][number]] }
    expect(seen({ ...replaced, before: [...replaced.before, 'neighbour'] }, view)).toBeNull()
  })

  const measured: Proof = { proof: 'agent-measured', node: 'experiment-b', id: 'f0', what: 'packets lost' }
  const status = (proof: FaultStatus['proof']) =>
    ({ id: 'f0', kind: 'loss', means: ['drop by nft'], proof }) as unknown as FaultStatus

  test.each<[string, Proof, LabView, FaultStatus[], string | null]>([
    ['an agent that has not measured yet', measured, wholeLab(), [status(null)], null],
    ['an agent that measured nothing', measured, wholeLab(), [status({ proven: false, detail: '0' })], null],
    [
      'what an agent measured, and by what means',
      measured,
      wholeLab(),
      [status({ proven: true, detail: '12 packets' })],
      'packets lost: 12 packets (drop by nft)',
    ],
    ['a pod that is still there', { ...replaced, proof: 'pod-gone' }, gatewayB({}), [], null],
    ['a pod that is gone', { ...replaced, proof: 'pod-gone' }, gatewayB(null), [], 'pod gateway-b gone'],
    [
      'a primary that is the same',
      { proof: 'primary-moved', uidBefore: 'experiment-database-a' },
      wholeLab(),
      [],
      null,
    ],
    [
      'another primary',
      { proof: 'primary-moved', uidBefore: 'experiment-database-b' },
      wholeLab(),
      [],
      'database-a is the Postgres primary',
    ],
    ['no cordon', { proof: 'node-cordoned', node: 'experiment-b' }, wholeLab(), [], null],
    ['no pod without room', { proof: 'pods-pending' }, wholeLab(), [], null],
    [
      'a pod without room',
      { proof: 'pods-pending' },
      gatewayB({ nodeName: null, unschedulable: true, ready: false }),
      [],
      '1 pods pending: gateway-b',
    ],
    [
      'a pod that the scheduler has not looked at yet',
      { proof: 'pods-pending' },
      gatewayB({ nodeName: null, ready: false }),
      [],
      null,
    ],
    [
      'more pods than wanted',
      { proof: 'replicas-at-most', service: 'gateway', replicas: 2 },
      wholeLab(),
      [],
      null,
    ],
    [
      'as few pods as wanted',
      { proof: 'replicas-at-most', service: 'gateway', replicas: 2 },
      gatewayB(null),
      [],
      'gateway has 2 ready pods',
    ],
    ['a load that only the generator knows', { proof: 'load-factor', factor: 3 }, wholeLab(), [], null],
  ])('%s', (_title, proof, view, statuses, expected) => {
    expect(seen(proof, view, statuses)).toBe(expected)
  })

  test.each([
    ['runs on', 'containerd://1', null],
    ['was started again', 'containerd://2', 'gateway-b/gateway ended and was started again'],
    // The kubelet waits longer after each end, up to five minutes.
    ['waits to be started again', null, 'gateway-b/gateway ended and is not started again yet'],
  ])('a container that %s', (_title, runningId, expected) => {
    const view = gatewayB({ containers: [{ name: 'gateway', runningId, memoryLimitMiB: null }] })
    const proof: Proof = {
      proof: 'container-ended',
      namespace: 'experiment',
      pod: 'gateway-b',
      uid: 'experiment-gateway-b',
      container: 'gateway',
      runningIdBefore: 'containerd://1',
    }
    expect(seen(proof, view)).toBe(expected)
  })
})
