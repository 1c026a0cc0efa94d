import { describe, expect, jest, test } from '@jest/globals'
import { kubectl, NODE, type Pod, refusal } from './agent-fixture.ts'
import { CHAOS_NAMESPACE } from './protocol.ts'

jest.setTimeout(90_000)

describe('agents', () => {
  test('are on the nodes of the experimental group and on no others', async () => {
    const { items } = JSON.parse(
      await kubectl('get', 'pods', '-n', CHAOS_NAMESPACE, '-l', 'service=agent', '-o', 'json'),
    ) as { items: Pod[] }

    expect(items.map(({ spec }) => spec.nodeName).sort()).toEqual([
      'experiment-a',
      'experiment-b',
      'experiment-c',
    ])
  })

  test.each([
    ['another node', '{"spec":{"template":{"spec":{"nodeSelector":{"group":"control"}}}}}'],
    ['any node', '{"spec":{"template":{"spec":{"nodeSelector":null}}}}'],
    ['all taints', '{"spec":{"template":{"spec":{"tolerations":[{"operator":"Exists"}]}}}}'],
    [
      'the taint of the control group',
      '{"spec":{"template":{"spec":{"tolerations":[{"key":"group","value":"control","effect":"NoSchedule"}]}}}}',
    ],
  ])('cannot be sent to %s', async (_title, patch) => {
    const said = await refusal(
      'patch',
      'daemonset',
      'agent',
      '-n',
      CHAOS_NAMESPACE,
      '--dry-run=server',
      '-p',
      patch,
    )

    expect(said).toContain("ValidatingAdmissionPolicy 'divergence-agent-nodes'")
  })

  test.each(['system', 'control-a'])('cannot be put on %s as a pod either', async node => {
    const spec = { nodeName: node, serviceAccountName: 'agent', containers: [{ name: 'x', image: 'x' }] }
    const said = await refusal(
      'run',
      'forged',
      '-n',
      CHAOS_NAMESPACE,
      '--image=x',
      '--dry-run=server',
      `--overrides=${JSON.stringify({ spec })}`,
    )

    expect(said).toContain("ValidatingAdmissionPolicy 'divergence-agent-nodes'")
  })

  const asAgent = '--as=system:serviceaccount:chaos:agent'

  test.each([
    ['cordon a node', ['patch', 'node', NODE, '-p', '{"spec":{"unschedulable":true}}']],
    [
      'touch a node of the control group',
      [
        'patch',
        'node',
        'control-a',
        '-p',
        '{"spec":{"unschedulable":null},"metadata":{"annotations":{"x":"y"}}}',
      ],
    ],
    [
      'give a node another group',
      ['patch', 'node', NODE, '-p', '{"metadata":{"labels":{"group":"control"}}}'],
    ],
    ['take a taint away', ['patch', 'node', NODE, '-p', '{"spec":{"taints":null}}']],
    ['delete what serves', ['delete', 'deployment', 'gateway', '-n', 'experiment']],
  ])('may not %s', async (_title, command) => {
    expect(await refusal(...command, '--dry-run=server', asAgent)).toContain('ValidatingAdmissionPolicy')
  })

  test.each([
    ['read a pod of the control group', ['get', 'pods', '-n', 'control']],
    ['read a Secret', ['get', 'secrets', '-n', 'experiment']],
    // Of the halt alone they are told.
    ['read any ConfigMap', ['get', 'configmaps', '-n', 'chaos']],
    ['list all ConfigMaps', ['list', 'configmaps', '-n', 'chaos']],
    ['start a pod', ['create', 'pods', '-n', 'experiment']],
    ['delete a pod', ['delete', 'pods', '-n', 'experiment']],
    ['scale the control group', ['patch', 'deployments/scale', '-n', 'control']],
  ])('have no right to %s', async (_title, [verb = '', resource = '', ...where]) => {
    const answer = await kubectl('auth', 'can-i', verb, resource, ...where, asAgent).catch(
      (error: { stdout: string }) => error.stdout,
    )

    expect(answer.trim()).toBe('no')
  })
})
