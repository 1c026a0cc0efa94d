import { describe, expect, test } from '@jest/globals'
import { portOwners } from './checks.ts'
import { HOST_PORTS } from './plan.ts'

describe('portOwners()', () => {
  test('knows a container for every port that the lab takes', () => {
    expect(
      portOwners()
        .map(owner => owner.port)
        .sort(),
    ).toEqual(Object.values(HOST_PORTS).sort())
    expect(portOwners()).toContainEqual({ port: 30090, container: 'divergence-system' })
  })
})
