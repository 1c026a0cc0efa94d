import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { addedAuthorities } from './base-image.ts'

const certificate = (name: string) => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'divergence-authorities-'))
  await mkdir(join(folder, 'company'))
  await writeFile(join(folder, 'b.crt'), certificate('B'))
  await writeFile(join(folder, 'a.pem'), certificate('A'))
  await writeFile(join(folder, 'company', 'again.crt'), certificate('A'))
  await writeFile(join(folder, 'README'), certificate('not by its name'))
  await writeFile(join(folder, 'empty.crt'), '')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('addedAuthorities()', () => {
  test('finds each certificate once, also in subfolders', async () => {
    expect(await addedAuthorities([folder, join(folder, 'no such folder')])).toEqual([
      certificate('A'),
      certificate('B'),
    ])
  })

  test('finds none on a machine without any', async () => {
    expect(await addedAuthorities([join(folder, 'no such folder')])).toEqual([])
  })
})
