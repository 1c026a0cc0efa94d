import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { goEnvironment, goIsNewEnough, programHash } from './binaries.ts'

let modules: string

beforeAll(async () => {
  modules = await mkdtemp(join(tmpdir(), 'divergence-modules-'))
  await mkdir(join(modules, 'pause'))
  await writeFile(join(modules, 'pause', 'main.go'), 'package main')
})
afterAll(() => rm(modules, { recursive: true, force: true }))

describe('programHash()', () => {
  test('changes with a file, its name, and comes back with them', async () => {
    const first = await programHash('pause', modules)
    await writeFile(join(modules, 'pause', 'go.mod'), 'module pause')
    const second = await programHash('pause', modules)
    await rm(join(modules, 'pause', 'go.mod'))

    expect(second).not.toBe(first)
    expect(await programHash('pause', modules)).toBe(first)
  })
})

describe('goIsNewEnough()', () => {
  test.each([
    { version: 'go1.26.8', expected: true },
    { version: 'go1.21.0', expected: true },
    { version: 'go1.21', expected: true },
    { version: 'go1.19.8', expected: false },
    { version: 'go2.0.1', expected: true },
    { version: 'devel', expected: false },
  ])('says $expected of $version', ({ version, expected }) => {
    expect(goIsNewEnough(version)).toBe(expected)
  })
})

describe('goEnvironment()', () => {
  test("keeps everything in the lab's own cache folder", () => {
    const { GOCACHE, GOMODCACHE } = goEnvironment({ cache: '/cache', state: '/state' })

    expect([GOCACHE, GOMODCACHE].every(path => path?.startsWith('/cache/'))).toBe(true)
  })
})
