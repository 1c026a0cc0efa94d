import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { PretendedMachine, STARTED } from './engine-fixture.ts'

// A dozen processes a test: seconds on a busy machine.
jest.setTimeout(60_000)

let machine: PretendedMachine

beforeEach(async () => {
  machine = await PretendedMachine.create()
})

afterEach(() => machine.close())

const takeDown = (environment?: Readonly<Record<string, string>>, caches = false) =>
  machine.run('down.ts', `takeDown({ caches: ${caches} }, folders, progress, signal)`, environment)

describe('takeDown()', () => {
  test('removes our containers from an engine that answers', async () => {
    await machine.startEngine()

    expect(await takeDown()).toEqual({ called: ['docker rm --force --volumes box'] })
  })

  test('removes what it wrote down about the local cluster, and nothing about another one', async () => {
    await machine.startEngine()
    const others = ['baseline-staging.json', 'cluster.lock', 'dockerd.log', 'lab-staging.json']
    for (const name of ['kubeconfig', 'machines/divergence-system/ca.crt', 'pki/ca.key', ...others])
      await machine.keep(name)
    await takeDown()

    expect(await machine.kept()).toEqual(others)
  })

  test('removes the base image by its name, with the caches only: one that was pulled has no label', async () => {
    await machine.startEngine()
    const removed = 'docker rm --force --volumes box'

    expect(await takeDown({}, true)).toEqual({ called: [removed, 'docker rmi divergence/debian:0a'] })
  })

  test('starts an engine that does not answer: it may keep containers', async () => {
    expect(await takeDown()).toEqual({ called: [STARTED, 'docker rm --force --volumes box'] })
  })

  test('does not say that all is gone to a user who may not start the engine', async () => {
    expect(await takeDown({ USER_ID: '1000' })).toMatchObject({ code: 'NO_DOCKER', called: [''] })
  })

  test('installs no engine to remove nothing from it', async () => {
    await machine.remove('dockerd')

    expect(await takeDown()).toEqual({ called: [''] })
  })
})
