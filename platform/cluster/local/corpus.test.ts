import { mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { execa } from 'execa'
import { corpusSize, leftOutText, midiFiles, UNPACK } from './corpus.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'divergence-corpus-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function files(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), name)
  }
}

describe('corpusSize()', () => {
  test.each(['small', 'full', '1', '2500', '1000000'])('takes %s', size => {
    expect(corpusSize(size)).toBe(size)
  })

  test.each(['', '0', '-1', '1.5', '1e3', '1000001', 'huge'])('refuses %p', size => {
    expect(() => corpusSize(size)).toThrow(`--corpus is '${size}'`)
  })
})

describe('midiFiles()', () => {
  test('finds songs in all subfolders, however the folder is named', async () => {
    await files('b.mid', 'sub/a.MIDI', 'sub/notes.txt')
    const names = [folder, `${folder}/`, relative('.', folder), `./${relative('.', folder)}`]

    for (const name of names) {
      expect(await midiFiles(name)).toEqual({ files: ['b.mid', 'sub/a.MIDI'], leftOut: [] })
    }
  })

  test('tells which songs it does not take, and why', async () => {
    await files('a.mid', 'large.mid', 'elsewhere/b.mid', 'notes.txt')
    await truncate(join(folder, 'large.mid'), 16 * 1024 ** 2 + 1)
    await symlink('a.mid', join(folder, 'link.mid'))
    await symlink('elsewhere', join(folder, 'linked'))
    await symlink('notes.txt', join(folder, 'linked.txt'))
    const { files: taken, leftOut } = await midiFiles(folder)

    expect(taken).toEqual(['a.mid', 'elsewhere/b.mid'])
    expect(leftOut.map(({ path, why }) => `${path}: ${why}`).sort()).toEqual([
      'large.mid: 16.0 MiB, more than 16',
      'link.mid: a symbolic link',
      'linked: a symbolic link',
    ])
  })

  test('refuses a folder without songs, and says what kept those that are there', async () => {
    await files('notes.txt')
    await symlink('/nowhere.mid', join(folder, 'a.mid'))

    await expect(midiFiles(folder)).rejects.toMatchObject({
      code: 'NO_MIDI_FILES',
      hint: expect.stringContaining('a.mid (a symbolic link)'),
    })
    await expect(midiFiles(join(folder, 'notes.txt'))).rejects.toMatchObject({ code: 'NO_FOLDER' })
  })
})

describe('leftOutText()', () => {
  test('names the first ones and counts the rest', () => {
    const leftOut = ['a', 'b', 'c', 'd', 'e'].map(path => ({ path, why: 'a symbolic link' }))

    expect(leftOutText([])).toBeUndefined()
    expect(leftOutText(leftOut)).toMatch(/^Left out 5 .*: a \(a symbolic link\), .*c .*, and 2 more\.$/)
  })
})

describe('UNPACK', () => {
  const archiveOf = async (...names: readonly string[]) => {
    const { stdout } = await execa('tar', ['-C', folder, '-cf', '-', ...names], { encoding: 'buffer' })
    return stdout
  }
  const unpack = (input: Uint8Array, count: number) =>
    execa('sh', ['-c', UNPACK], {
      input,
      env: { CORPORA: join(folder, 'corpora'), NAME: 'mine', COUNT: String(count) },
      reject: false,
    })
  const corpora = async (...path: readonly string[]) =>
    (await readdir(join(folder, 'corpora', ...path))).sort()

  test('puts a whole archive into its place, and removes what somebody began', async () => {
    await files('a.mid', 'sub/b.mid', 'corpora/.new-abc123/half.mid')

    expect(await unpack(await archiveOf('a.mid', 'sub/b.mid'), 2)).toMatchObject({ exitCode: 0 })
    expect(await corpora()).toEqual(['mine'])
    expect(await corpora('mine')).toEqual(['a.mid', 'sub'])
  })

  test('takes no archive that ends between two files', async () => {
    await files('a.mid', 'b.mid')
    // A file of less than 512 bytes: its header and one block.
    const cut = (await archiveOf('a.mid', 'b.mid')).subarray(0, 1024)

    expect(await unpack(cut, 2)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('last file') })
    expect(await corpora()).not.toContain('mine')
  })

  test('leaves alone what is there, which pods may be reading', async () => {
    await files('a.mid', 'corpora/mine/b.mid')

    expect(await unpack(await archiveOf('a.mid'), 1)).toMatchObject({ exitCode: 0 })
    expect(await corpora('mine')).toEqual(['b.mid'])
  })
})
