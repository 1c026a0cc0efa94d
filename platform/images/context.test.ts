import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type ContextPart, fileAt, removeStaleContexts, textFile, withContext } from './context.ts'

const work = { progress: () => undefined, signal: new AbortController().signal }

let scratch: string
let source: string
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'scratch-'))
  source = await mkdtemp(join(tmpdir(), 'source-'))
})
afterEach(async () => {
  await rm(scratch, { recursive: true })
  await rm(source, { recursive: true })
})

describe('withContext()', () => {
  const folderPart = (): ContextPart => ({
    path: 'packages/one',
    executable: false,
    identity: '1',
    content: async () => ({ folder: source, accepts: path => !path.endsWith('.map') }),
  })

  test('lays out texts, files and folders, readable to everybody whatever the umask was', async () => {
    await mkdir(join(source, 'deep'))
    await writeFile(join(source, 'deep/index.js'), 'code')
    await writeFile(join(source, 'deep/index.js.map'), 'map')
    await writeFile(join(source, 'run.sh'), 'echo')
    await chmod(join(source, 'run.sh'), 0o700)
    const parts = [textFile('note', 'text'), await fileAt(join(source, 'run.sh'), 'bin/run.sh'), folderPart()]

    await withContext(scratch, parts, work, async folder => {
      expect(await readFile(join(folder, 'note'), 'utf8')).toBe('text')
      expect((await stat(join(folder, 'note'))).mode & 0o777).toBe(0o644)
      expect((await stat(join(folder, 'bin/run.sh'))).mode & 0o777).toBe(0o755)
      expect(await readdir(join(folder, 'packages/one'), { recursive: true })).toEqual(
        expect.arrayContaining(['deep/index.js']),
      )
      expect(await readdir(join(folder, 'packages/one/deep'))).toEqual(['index.js'])
    })
    expect(await readdir(scratch)).toEqual([])
  })

  test('leaves nothing when the build fails', async () => {
    const failing = withContext(scratch, [textFile('note', 'text')], work, () =>
      Promise.reject(new Error('no')),
    )
    await expect(failing).rejects.toThrow('no')
    expect(await readdir(scratch)).toEqual([])
  })
})

describe('removeStaleContexts()', () => {
  test('removes what a killed process left, and not what another one is at', async () => {
    const hour = 60 * 60 * 1000
    const now = Date.now()
    for (const [name, ageMs] of [
      ['context-old', 7 * hour],
      ['context-new', hour],
    ] as const) {
      await mkdir(join(scratch, name))
      await utimes(join(scratch, name), new Date(now - ageMs), new Date(now - ageMs))
    }
    await removeStaleContexts(scratch, now)
    expect(await readdir(scratch)).toEqual(['context-new'])
  })

  test('makes the folder when there is none', async () => {
    await removeStaleContexts(join(scratch, 'deep/contexts'), Date.now())
    expect(await readdir(join(scratch, 'deep'))).toEqual(['contexts'])
  })
})
