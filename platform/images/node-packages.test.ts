import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { installedClosure, type Lock, nodeBinary, packageParts } from './node-packages.ts'

const lock: Lock = {
  packages: {
    'node_modules/node': { version: '24.0.0', integrity: 'sha512-n' },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a', dependencies: { b: '^1', '@s/c': '^1' } },
    'node_modules/b': { version: '1.0.0', integrity: 'sha512-b', dependencies: { a: '^1' } },
    'node_modules/@s/c': { version: '1.0.0', integrity: 'sha512-c', dependencies: { b: '^2' } },
    'node_modules/@s/c/node_modules/b': {
      version: '2.0.0',
      integrity: 'sha512-b2',
      dependencies: { d: '^1' },
    },
    'node_modules/d': {
      version: '1.0.0',
      integrity: 'sha512-d',
      optionalDependencies: { 'fast-on-windows': '^1' },
    },
    'node_modules/typed': {
      version: '1.0.0',
      dependencies: { '@types/x': '^1', 'bare-fs': '^1', '@sentry/bundler-plugins': '^1' },
    },
    'node_modules/@sentry/bundler-plugins': { version: '1.0.0', dependencies: { b: '^1' } },
    'node_modules/@types/x': { version: '1.0.0' },
    'node_modules/bare-fs': { version: '1.0.0' },
    'node_modules/broken': { version: '1.0.0', dependencies: { gone: '^1' } },
    'node_modules/other': { version: '1.0.0' },
  },
}

describe('installedClosure()', () => {
  test('takes what is needed, the nearest installation of each, and goes round circles', () => {
    expect(installedClosure(lock, ['a'])).toEqual([
      'node_modules/@s/c',
      'node_modules/@s/c/node_modules/b',
      'node_modules/a',
      'node_modules/b',
      'node_modules/d',
    ])
  })

  test('leaves out declarations, what is for another run-time and what is for bundlers', () => {
    expect(installedClosure(lock, ['typed'])).toEqual(['node_modules/typed'])
  })

  test.each([['gone'], ['broken']])('refuses %s, of which something is not installed', name => {
    expect(() => installedClosure(lock, [name])).toThrow(
      "Cannot find package 'gone' among the installed ones",
    )
  })
})

describe('packageParts()', () => {
  const parts = packageParts('/root', lock, ['node_modules/a', 'node_modules/other'])

  test('are named by version and integrity, not by reading the files', () => {
    const changed: Lock = {
      packages: { ...lock.packages, 'node_modules/a': { version: '1.0.0', integrity: 'sha512-other' } },
    }
    const [before] = parts
    const [after] = packageParts('/root', changed, ['node_modules/a'])
    expect(before?.path).toBe('node_modules/a')
    expect(after?.identity).not.toBe(before?.identity)
  })

  test.each([
    ['index.js', true],
    ['dist/deep/index.mjs', true],
    ['package.json', true],
    ['dist/index.d.ts', false],
    ['dist/index.d.mts', false],
    ['dist/index.js.map', false],
    ['README.md', false],
    ['node_modules/b', false],
  ])('take %s: %s', async (path, taken) => {
    const content = await parts[0]?.content({
      progress: () => undefined,
      signal: new AbortController().signal,
    })
    expect(typeof content === 'object' && 'accepts' in content && content.accepts(path)).toBe(taken)
  })
})

describe('nodeBinary()', () => {
  const work = { progress: () => undefined, signal: new AbortController().signal }
  let root: string
  const install = async (bytes: string) => {
    await mkdir(join(root, 'node_modules/node/bin'), { recursive: true })
    await writeFile(join(root, 'node_modules/node/bin/node'), bytes, 'latin1')
  }
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'node-'))
  })
  afterEach(() => rm(root, { recursive: true }))

  test('is the installed one, ready to run', async () => {
    await install('\x7fELF...')
    const part = nodeBinary(root, lock)
    expect(part).toMatchObject({ path: 'node', executable: true })
    expect(await part.content(work)).toEqual({ file: join(root, 'node_modules/node/bin/node') })
  })

  test.each([
    ['of another system', '\xcf\xfa\xed\xfe'],
    ['cut short', '\x7fE'],
  ])('refuses a program %s', async (_, bytes) => {
    await install(bytes)
    await expect(nodeBinary(root, lock).content(work)).rejects.toThrow('is no program for Linux')
  })
})
