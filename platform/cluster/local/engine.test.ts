import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { PretendedMachine, STARTED } from './engine-fixture.ts'

// A dozen processes a test: seconds on a busy machine.
jest.setTimeout(60_000)

let machine: PretendedMachine

beforeEach(async () => {
  machine = await PretendedMachine.create()
})

afterEach(() => machine.close())

const ensure = (environment?: Readonly<Record<string, string>>) =>
  machine.run('engine.ts', 'ensureEngine(folders, progress, signal)', environment)

describe('ensureEngine()', () => {
  test('does nothing when an engine answers', async () => {
    await machine.startEngine()

    expect(await ensure({ USER_ID: '1000' })).toEqual({ called: [''] })
  })

  test('starts an engine that is installed, for this machine alone', async () => {
    expect(await ensure()).toEqual({ called: [STARTED] })
  })

  test('installs an engine where there is none, from fresh package lists', async () => {
    await machine.remove('dockerd')

    const { code, called } = await ensure()

    expect(code).toBeUndefined()
    expect(called[0]).toMatch(/^apt-get .*update$/)
    expect(called[1]).toMatch(/^apt-get .*install .*docker\.io/)
    expect(called[2]).toBe(STARTED)
  })

  test('says what to do to a user who may do neither', async () => {
    const { code, hint, called } = await ensure({ USER_ID: '1000' })

    expect(code).toBe('NO_DOCKER')
    expect(hint).toContain('sudo systemctl start docker')
    expect(called).toEqual([''])
  })

  test('says what to do to a user who is kept out', async () => {
    const { code, hint } = await ensure({
      USER_ID: '1000',
      SILENCE: 'permission denied while trying to connect',
    })

    expect(code).toBe('DOCKER_FORBIDDEN')
    expect(hint).toContain('usermod -aG docker')
  })
})
