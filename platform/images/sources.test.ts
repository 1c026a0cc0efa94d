import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { importsOf, sourceClosure } from './sources.ts'

describe('importsOf()', () => {
  test.each([
    ["import { a } from './a.ts'", { relatives: ['./a.ts'] }],
    ["import {\n  a,\n  b,\n} from './a.ts'", { relatives: ['./a.ts'] }],
    ["import data from './data.json' with { type: 'json' }", { relatives: ['./data.json'] }],
    ["import './register.ts'", { relatives: ['./register.ts'] }],
    ["export { a } from '../a.ts'", { relatives: ['../a.ts'] }],
    ["export * from './a.ts'", { relatives: ['./a.ts'] }],
    ["const a = await import('./a.ts')", { relatives: ['./a.ts'] }],
    ["import { type A } from './a.ts'", { relatives: ['./a.ts'] }],
    ["import type { A } from './a.ts'", {}],
    ["import type {\n  A,\n} from './a.ts'\nimport { b } from './b.ts'", { relatives: ['./b.ts'] }],
    ["import express from 'express'", { bare: ['express'] }],
    [
      "import { KubeConfig } from '@kubernetes/client-node/dist/config.js'",
      { bare: ['@kubernetes/client-node'] },
    ],
    ["import { join } from 'node:path'", {}],
    ["import http from 'k6/http'", {}],
    ["const page = new URL('./page.html', import.meta.url)", { assets: ['./page.html'] }],
    [" * import { a } from './a.ts'", {}],
  ])('%s', (source, expected) => {
    expect(importsOf(source)).toEqual({ relatives: [], bare: [], assets: [], ...expected })
  })
})

describe('sourceClosure()', () => {
  let root: string
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sources-'))
  })
  afterEach(() => rm(root, { recursive: true }))

  test('follows imports, in circles as well, and takes nothing else', async () => {
    await write(
      'services/a/main.ts',
      "import { b } from './b.ts'\nimport type { T } from '../../platform/types.ts'",
    )
    await write(
      'services/a/b.ts',
      "import './main.ts'\nimport { p } from '../../platform/ports.ts'\nimport 'express'",
    )
    await write('platform/ports.ts', "import x from './ports.json' with { type: 'json' }")
    await write('platform/ports.json', '{}')
    await write('platform/types.ts', '')
    await write('services/a/main.test.ts', '')
    expect(await sourceClosure(root, ['services/a/main.ts'])).toEqual({
      files: ['platform/ports.json', 'platform/ports.ts', 'services/a/b.ts', 'services/a/main.ts'],
      packages: ['express'],
    })
  })

  test('takes a folder that a program reads beside itself', async () => {
    await write('services/web/main.ts', "const pages = new URL('./pages/', import.meta.url)")
    await write('services/web/pages/index.html', '')
    await write('services/web/pages/deep/style.css', '')
    const { files } = await sourceClosure(root, ['services/web/main.ts'])
    expect(files).toEqual([
      'services/web/main.ts',
      'services/web/pages/deep/style.css',
      'services/web/pages/index.html',
    ])
  })

  test('fails when an imported file is missing', async () => {
    await write('main.ts', "import './gone.ts'")
    await expect(sourceClosure(root, ['main.ts'])).rejects.toThrow('gone.ts')
  })
})
