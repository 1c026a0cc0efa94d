import { describe, expect, jest, test } from '@jest/globals'
import { runWithEngine } from './engine-fixture.ts'

// Loading the packages takes seconds, on a busy machine many.
jest.setTimeout(180_000)

/** How Pulumi marks a secret on the wire. */
const SECRET = '1b47061264138c4ac30d75fd1eb44270'

describe("Pulumi's own runner", () => {
  test('runs main.ts as it is, and hands its outputs to the engine', async () => {
    const { exitCode, registered, outputs, errors } = await runWithEngine({
      apiAccessCidrs: '["203.0.113.7/32"]',
    })

    expect(errors).toEqual([])
    expect(exitCode).toBe(0)
    expect(registered.length).toBeGreaterThan(80)
    expect(registered).toContain('eks:index:Cluster cluster')
    expect(registered).toContain('kubernetes:storage.k8s.io/v1:StorageClass zonal')
    expect(Object.keys(outputs).sort()).toEqual(['context', 'kubeconfig', 'next', 'registry'])
    expect(outputs.context).toBe('divergence')
    expect(Object.values(outputs.kubeconfig ?? {})).toContain(SECRET)
  })

  test('tells what is missing, without a stack, before anything is made', async () => {
    const { exitCode, registered, errors } = await runWithEngine({})

    expect(exitCode).not.toBe(0)
    expect(registered).toEqual(['pulumi:pulumi:Stack divergence-eks-test'])
    expect(errors).toEqual([
      expect.stringMatching(/^Cannot make the cluster: apiAccessCidrs is not set.*\nSet what is missing/),
    ])
  })
})
