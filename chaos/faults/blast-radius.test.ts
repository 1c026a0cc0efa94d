import { describe, expect, test } from '@jest/globals'
import { UserError } from '../../platform/errors.ts'
import { wholeLab } from '../lab/recording.ts'
import type { LabView } from '../lab/view.ts'
import { DEFAULT_BLAST_RADIUS, requireWithinBlastRadius } from './blast-radius.ts'
import type { Action, FaultPlan } from './fault.ts'

function plan(targets: readonly string[], begin: readonly Action[]): FaultPlan {
  return { kind: 'kill-pod', targets, zone: null, begin, end: [], proofs: [] }
}

function kill(service: string, zone: string): FaultPlan {
  const name = `${service}-${zone}`
  const uid = `experiment-${name}`
  return plan([name], [{ action: 'delete-pod', namespace: 'experiment', name, uid, graceSeconds: 0 }])
}

const powerOff = (zone: 'a' | 'b'): FaultPlan =>
  plan([`experiment-${zone}`], [{ action: 'power-off', zone, nodes: [`experiment-${zone}`] }])

const cut = (node: string): FaultPlan =>
  plan(
    [node],
    [
      {
        action: 'agent-begin',
        node,
        id: 'f1t0',
        kind: 'zone-partition',
        target: { kind: 'node', node },
        actions: [],
        durationSeconds: 10,
      },
    ],
  )

const scaleTo = (replicas: number): FaultPlan =>
  plan(['gateway'], [{ action: 'scale', resource: 'deployments', name: 'gateway', replicas }])

const occupy = (priority: 'low' | 'high'): FaultPlan =>
  plan(
    ['experiment-a'],
    [{ action: 'occupy', name: 'o', pods: 12, cpuRequest: 0.75, memoryRequestMiB: 1115, priority }],
  )

/** The lab with one gateway that is not ready. */
function limping(zone: string): LabView {
  const lab = wholeLab()
  const pods = lab.pods.map(pod =>
    pod.uid === `experiment-gateway-${zone}` ? { ...pod, ready: false } : pod,
  )
  return { ...lab, pods }
}

function refusal(...input: Parameters<typeof requireWithinBlastRadius>): string {
  try {
    requireWithinBlastRadius(...input)
  } catch (error) {
    if (error instanceof UserError && error.code === 'BLAST_RADIUS_EXCEEDED') return error.message
    throw error
  }
  return 'allowed'
}

describe('requireWithinBlastRadius()', () => {
  test.each([
    ['a zone', powerOff('b'), wholeLab()],
    ['one pod', kill('gateway', 'b'), wholeLab()],
    ['a pod that is all that limps', kill('gateway', 'b'), limping('b')],
    ['two of three replicas taken away', scaleTo(1), wholeLab()],
    ['pods that must give way to the pipeline', occupy('low'), wholeLab()],
  ])('allows %s by default', (_title, fault, view) => {
    expect(refusal(fault, view, DEFAULT_BLAST_RADIUS)).toBe('allowed')
  })

  test('counts the targets of all faults that are on, each once', () => {
    const limits = { maxTargets: 1, keepHealthy: 0 }
    expect(refusal(kill('gateway', 'b'), wholeLab(), limits, [kill('gateway', 'b')])).toBe('allowed')
    expect(refusal(kill('gateway', 'b'), wholeLab(), limits, [kill('gateway', 'a')])).toContain(
      '2 targets would be hit at once (gateway-a, gateway-b), blastRadius.maxTargets is 1',
    )
  })

  test.each([
    ['a pod', kill('gateway', 'b'), wholeLab(), '2 healthy pods of gateway'],
    ['a node without power', powerOff('b'), wholeLab(), '2 healthy pods of gateway'],
    ['a node that is cut off', cut('experiment-b'), wholeLab(), '2 healthy pods of gateway'],
    ['fewer replicas', scaleTo(1), wholeLab(), '1 healthy pod of gateway'],
    // Kubernetes takes the one that is not ready first.
    ['fewer replicas where one limps', scaleTo(2), limping('c'), '2 healthy pods of gateway'],
    ['a pod where another limps', kill('gateway', 'b'), limping('c'), '1 healthy pod of gateway'],
  ])('does not count as healthy what %s hits', (_title, fault, view, words) => {
    const limits = { maxTargets: 9, keepHealthy: { gateway: 3 } }
    expect(refusal(fault, view, limits)).toContain(`${words} would be left, blastRadius.keepHealthy is 3`)
  })

  test('lets the pipeline itself be driven out only where nothing has to stay healthy', () => {
    expect(refusal(occupy('high'), wholeLab(), DEFAULT_BLAST_RADIUS)).toContain(
      '0 healthy pods of gateway would be left, blastRadius.keepHealthy is 1',
    )
    expect(refusal(occupy('high'), wholeLab(), { maxTargets: 3, keepHealthy: 0 })).toBe('allowed')
  })

  test('does not count as healthy what another fault hits', () => {
    const limits = { maxTargets: 9, keepHealthy: { gateway: 2 } }
    expect(refusal(kill('gateway', 'b'), wholeLab(), limits)).toBe('allowed')
    expect(refusal(kill('gateway', 'b'), wholeLab(), limits, [kill('gateway', 'a')])).toContain(
      '1 healthy pod of gateway would be left',
    )
  })

  test('does not refuse a fault for a service that it does not touch', () => {
    const lab = wholeLab()
    const view = { ...lab, pods: lab.pods.map(pod => ({ ...pod, ready: pod.service === 'recommender' })) }
    expect(refusal(kill('recommender', 'b'), view, DEFAULT_BLAST_RADIUS)).toBe('allowed')
  })

  test('does not refuse a fault for what another one that is on does', () => {
    const limits = { maxTargets: 9, keepHealthy: { gateway: 3 } }
    expect(refusal(kill('recommender', 'b'), wholeLab(), limits, [kill('gateway', 'a')])).toBe('allowed')
  })

  test('takes no pod of the control group for one that is left', () => {
    const lab = wholeLab()
    const view = {
      ...lab,
      pods: lab.pods.filter(pod => pod.group === 'control' || pod.name === 'gateway-b'),
    }
    expect(refusal(kill('gateway', 'b'), view, DEFAULT_BLAST_RADIUS)).toContain('0 healthy pods of gateway')
  })
})
