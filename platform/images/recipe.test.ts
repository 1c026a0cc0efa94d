import { chmod, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { fileAt, textFile } from './context.ts'
import { BASE, contentHash, contentHashes, type Recipe } from './recipe.ts'

const dockerfile = textFile('Dockerfile', 'ARG BASE\nFROM $BASE\n')

describe('contentHash()', () => {
  let folder: string
  const hash = async (over: Partial<Recipe> = {}, base = 'base:1') => {
    const parts = [await fileAt(join(folder, 'main.py'), 'app/main.py')]
    return contentHash({ name: 'x', parents: { BASE }, dockerfile, parts, ...over }, () => base)
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recipe-'))
    await writeFile(join(folder, 'main.py'), 'print(1)')
  })
  afterEach(() => rm(folder, { recursive: true }))

  test('is the same for the same content at another time', async () => {
    const before = await hash()
    await utimes(join(folder, 'main.py'), new Date(0), new Date(0))
    expect(await hash()).toBe(before)
    expect(before).toMatch(/^[0-9a-f]{16}$/)
  })

  test.each([
    ['a file', () => writeFile(join(folder, 'main.py'), 'print(2)'), {}, 'base:1'],
    ['whether a file may be run', () => chmod(join(folder, 'main.py'), 0o755), {}, 'base:1'],
    [
      'the Dockerfile',
      async () => undefined,
      { dockerfile: textFile('Dockerfile', 'FROM scratch') },
      'base:1',
    ],
    [
      'what a part is called',
      async () => undefined,
      { parts: [textFile('app/other.py', 'print(1)')] },
      'base:1',
    ],
    ['the base image', async () => undefined, {}, 'base:2'],
  ])('changes with %s', async (_, change, over, base) => {
    const before = await hash()
    await change()
    expect(await hash(over, base)).not.toBe(before)
  })

  test('does not depend on the order of the parts', async () => {
    const [one, two] = [textFile('one', '1'), textFile('two', '2')]
    expect(await hash({ parts: [one, two] })).toBe(await hash({ parts: [two, one] }))
  })

  test('does not take content from one part to the next', async () => {
    const swapped = [textFile('one', '2'), textFile('two', '1')]
    expect(await hash({ parts: [textFile('one', '1'), textFile('two', '2')] })).not.toBe(
      await hash({ parts: swapped }),
    )
  })
})

describe('contentHashes()', () => {
  const recipes = (text: string): Recipe[] => [
    { name: 'top', parents: { PARENT: 'middle' }, dockerfile, parts: [] },
    { name: 'middle', parents: { BASE }, dockerfile, parts: [textFile('file', text)] },
    { name: 'beside', parents: { BASE }, dockerfile, parts: [] },
  ]

  test('a change reaches what is built on it, and nothing else', () => {
    const before = contentHashes(recipes('1'), 'base:1')
    const after = contentHashes(recipes('2'), 'base:1')
    expect(after.get('top')).not.toBe(before.get('top'))
    expect(after.get('middle')).not.toBe(before.get('middle'))
    expect(after.get('beside')).toBe(before.get('beside'))
  })

  test('refuses a parent that nobody makes', () => {
    const orphan = { name: 'top', parents: { PARENT: 'gone' }, dockerfile, parts: [] }
    expect(() => contentHashes([orphan], 'base:1')).toThrow(
      "Cannot find the recipe of image 'gone': known are top",
    )
  })
})
