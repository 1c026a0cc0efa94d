import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { machineParts, machineSettings, pipOptions } from './machine.ts'

describe('pipOptions()', () => {
  test('reads the sections that concern installing, with values over several lines', () => {
    const text = [
      '# comment',
      '[global]',
      'index-url = https://packages.example/simple',
      'extra_index_url =',
      '    https://one.example/simple',
      '    https://two.example/simple',
      '[list]',
      'format = columns',
      '[install]',
      'trusted-host: packages.example',
    ].join('\n')
    expect(pipOptions(text)).toEqual({
      'index-url': 'https://packages.example/simple',
      'extra-index-url': 'https://one.example/simple https://two.example/simple',
      'trusted-host': 'packages.example',
    })
  })
})

describe('machineSettings()', () => {
  let home: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'machine-'))
    await mkdir(join(home, '.config/pip'), { recursive: true })
    await writeFile(
      join(home, '.config/pip/pip.conf'),
      `[global]\nindex-url = https://file.example\ncert = ${home}/pip.crt\n`,
    )
    await writeFile(join(home, 'pip.crt'), 'AUTHORITY OF PIP')
    await writeFile(join(home, 'own.crt'), 'AUTHORITY OF NODE')
  })
  afterEach(() => rm(home, { recursive: true }))

  test('collects the authorities of all bundles, each once', async () => {
    const own = join(home, 'own.crt')
    const { authorities } = await machineSettings({ NODE_EXTRA_CA_CERTS: own, SSL_CERT_FILE: own }, home)
    expect(authorities.match(/AUTHORITY OF NODE/g)).toHaveLength(1)
    expect(authorities).toContain('AUTHORITY OF PIP')
  })

  test('lets the environment override the files, and passes on nothing that is not about reaching packages', async () => {
    const { environment } = await machineSettings(
      {
        PIP_INDEX_URL: 'https://variable.example',
        PIP_FIND_LINKS: '/elsewhere',
        https_proxy: 'http://proxy:1',
        SECRET: 'x',
      },
      home,
    )
    expect(environment).toEqual({ PIP_INDEX_URL: 'https://variable.example', https_proxy: 'http://proxy:1' })
    expect((await machineSettings({}, home)).environment).toEqual({ PIP_INDEX_URL: 'https://file.example' })
  })

  test('fails on a bundle that cannot be read for another reason than being absent', async () => {
    await expect(machineSettings({ SSL_CERT_FILE: home }, home)).rejects.toThrow('EISDIR')
  })
})

describe('machineParts()', () => {
  const textOf = async (authorities: string, environment: Record<string, string>) => {
    const part = machineParts({ authorities, environment, maven: '' }).find(
      each => each.path === 'machine/environment',
    )
    return part?.content({ progress: () => undefined, signal: new AbortController().signal })
  }

  test('tell pip of the authorities, and quote for the shell', async () => {
    expect(await textOf('PEM', { PIP_INDEX_URL: "https://a'b" })).toBe(
      "export PIP_INDEX_URL='https://a'\\''b'\n" +
        "export PIP_CERT='/machine/authorities.crt'\nexport SSL_CERT_FILE='/machine/authorities.crt'\n",
    )
  })

  test('hand on the settings of Maven where there are any', () => {
    const paths = (maven: string) =>
      machineParts({ authorities: '', environment: {}, maven }).map(({ path }) => path)

    expect(paths('')).not.toContain('machine/settings.xml')
    expect(paths('<settings/>')).toContain('machine/settings.xml')
  })

  test('leave pip to its own authorities where the machine names none', async () => {
    expect(await textOf('', {})).toBe('')
  })
})
