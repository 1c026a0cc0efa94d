import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { portCheck, portOwners } from './checks.ts'
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

describe('portCheck()', () => {
  const system = { name: 'divergence-system', running: true, labels: {} }
  const listening = async (work: (port: number) => Promise<void>) => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    try {
      await work((server.address() as AddressInfo).port)
    } finally {
      server.close()
    }
  }

  test('knows its own container by the port it has', () =>
    listening(async port => {
      const containers = new Map([['divergence-system', { ...system, ports: [port] }]])

      expect(await portCheck({ port, container: 'divergence-system' }, containers)).toMatchObject({
        ok: true,
      })
    }))

  test('asks for a port that a container from before does not have yet', () =>
    listening(async port => {
      const containers = new Map([['divergence-system', { ...system, ports: [30_090] }]])

      expect(await portCheck({ port, container: 'divergence-system' }, containers)).toMatchObject({
        ok: false,
        detail: 'something else listens',
      })
    }))
})
