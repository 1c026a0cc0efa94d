import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { judgeVersion } from './judge-version.ts'

let root: string
const write = async (path: string, text: string) => {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), text)
}
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'judge-'))
  const beside = ['chaos/abort-rule.ts', 'chaos/measurement/phases.ts', 'load/surge.ts', 'platform/random.ts']
  for (const path of [...beside, 'chaos/judgement/judge.ts']) await write(path, path)
})

describe('judgeVersion()', () => {
  test('is another one as soon as anything that judges is', async () => {
    const before = judgeVersion(root)
    expect(judgeVersion(root)).toBe(before)
    await write('chaos/judgement/judge.ts', 'changed')
    const changed = judgeVersion(root)
    expect(changed).not.toBe(before)
    await write('platform/random.ts', 'changed')
    expect(judgeVersion(root)).not.toBe(changed)
  })

  test('stays when only a test is another one', async () => {
    const before = judgeVersion(root)
    await write('chaos/judgement/judge.test.ts', 'a test')
    expect(judgeVersion(root)).toBe(before)
  })

  test('finds the files of this repository', () => {
    expect(judgeVersion('.')).toMatch(/^[0-9a-f]{12}$/)
  })
})
