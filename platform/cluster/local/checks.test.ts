import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { neededDiskGib, portCheck, portOwners } from './checks.ts'
import { PretendedMachine } from './engine-fixture.ts'
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

const listening = async (work: (port: number) => Promise<void>) => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    await work((server.address() as AddressInfo).port)
  } finally {
    server.close()
  }
}

describe('neededDiskGib()', () => {
  test.each([
    { title: 'all of a cold start', compiled: false, built: 0, unpacked: false, expected: 15 },
    { title: 'the rest of one that was killed', compiled: true, built: 4 / 7, unpacked: false, expected: 8 },
    { title: 'room to run in where all is made', compiled: true, built: 1, unpacked: true, expected: 3 },
  ])('is $title', ({ expected, ...made }) => {
    expect(neededDiskGib(made)).toBeCloseTo(expected, 6)
  })
})

describe('requireRoom()', () => {
  test('refuses before anything is begun when something else has a port, and says how to find it', () =>
    listening(async port => {
      const machine = await PretendedMachine.create()
      try {
        const owners = JSON.stringify([{ port, container: 'divergence-system' }])

        expect(await machine.run('checks.ts', `requireRoom(folders, ${owners})`)).toMatchObject({
          code: 'MACHINE_NOT_READY',
          hint: expect.stringContaining(`ss -ltnp | grep ${port}`),
          called: [''],
        })
      } finally {
        await machine.close()
      }
    }))
})

describe('portCheck()', () => {
  const system = { name: 'divergence-system', running: true, startedMs: 0, labels: {} }
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
