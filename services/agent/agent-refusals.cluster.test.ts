import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { AgentOnTrial, CLOSED, kubectl, NODE, nameOf, podOf } from './agent-fixture.ts'
import { CHAOS_NAMESPACE, type FaultRequest, type TargetName } from './protocol.ts'

jest.setTimeout(90_000)

let agent: AgentOnTrial

beforeEach(async () => {
  agent = await AgentOnTrial.connect()
})

afterEach(async () => {
  await agent.leaveNothing()
})

describe('an agent asked directly', () => {
  const refused = async (changes: Partial<FaultRequest>, code: string) => {
    expect(await agent.ask({ op: 'prepare', fault: agent.fault(changes) })).toMatchObject({ ok: false, code })
  }

  test('refuses a pod of the control group', async () => {
    await refused({ target: nameOf(await podOf('control', 'gateway')) }, 'TARGET_GONE')
  })

  test("refuses the experimental group's edge, which is on the shared node", async () => {
    await refused({ target: nameOf(await podOf('experiment', 'edge')) }, 'TARGET_NOT_EXPERIMENTAL')
  })

  test('refuses a pod of another node', async () => {
    const elsewhere = await podOf('experiment', 'recommender', 'experiment-b')
    await refused({ target: nameOf(elsewhere) }, 'TARGET_NOT_EXPERIMENTAL')
  })

  test.each(['control-a', 'system', 'experiment-b'])('refuses node %s', async node => {
    await refused({ target: { kind: 'node', node } }, 'TARGET_NOT_EXPERIMENTAL')
  })

  test('refuses the right name with the UID of another pod', async () => {
    const { metadata } = await podOf('control', 'recommender')
    await refused({ target: { ...nameOf(agent.target), podUid: metadata.uid } as TargetName }, 'TARGET_GONE')
  })

  test('refuses a name that is a path', async () => {
    const { metadata, spec } = await podOf('control', 'gateway')
    const pod = `../../control/pods/${metadata.name}`
    const container = spec.containers[0]?.name ?? ''
    await refused({ target: { kind: 'container', pod, podUid: metadata.uid, container } }, 'NOT_UNDERSTOOD')
  })

  test('begins nothing once its node belongs to another group, and leaves it', async () => {
    const request = agent.fault()
    await agent.ask({ op: 'prepare', fault: request })
    await kubectl('label', 'node', NODE, 'group=control', '--overwrite')
    try {
      // Kubernetes takes the agent away at the same time: whichever comes first.
      const answer = await agent.ask({ op: 'begin', id: request.id }).catch(error => error.message)
      expect([expect.objectContaining({ code: 'TARGET_NOT_EXPERIMENTAL' }), CLOSED]).toContainEqual(answer)
      expect(await agent.isFrozen()).toBe(false)
      await kubectl(
        'wait',
        'pod',
        '-n',
        CHAOS_NAMESPACE,
        '-l',
        'service=agent',
        '--field-selector',
        `spec.nodeName=${NODE}`,
        '--for=delete',
        '--timeout=30s',
      )
    } finally {
      await kubectl('label', 'node', NODE, 'group=experiment', '--overwrite')
    }
  })
})
