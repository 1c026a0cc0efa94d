import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type CommandEnd, promtools, type RunCommand, runCommand } from './promtool.ts'

const DEBS = ['prometheus_2.42.0+ds-5_amd64.deb', 'prometheus-alertmanager_0.25.0-1_amd64.deb']

let cache: string
let commands: string[]

beforeEach(async () => {
  cache = join(await mkdtemp(join(tmpdir(), 'promtools-')), 'cache')
  commands = []
})
afterEach(() => rm(dirname(cache), { recursive: true, force: true }))

async function put(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, '')
}

/** A Debian machine; `ends` are the commands that end otherwise. */
function debian(ends: Readonly<Record<string, CommandEnd>> = {}): RunCommand {
  const missing: CommandEnd = { code: 'missing', output: '' }
  return async (command, args, folder) => {
    commands.push(command)
    const end = { promtool: missing, amtool: missing, ...ends }[command]
    if (end !== undefined) return end
    if (command === 'apt-get') await Promise.all(DEBS.map(deb => put(join(folder ?? '', deb))))
    if (command === 'dpkg-deb') {
      const [, archive, root] = args
      const tool = archive?.includes('alertmanager') ? 'amtool' : 'promtool'
      await put(join(root ?? '', 'usr/bin', tool))
    }
    return { code: 0, output: '' }
  }
}

describe('promtools()', () => {
  test('fetches and unpacks the packages of a bare machine, under their version, and leaves nothing else', async () => {
    const tools = await promtools(cache, debian())

    expect(tools).toEqual({
      promtool: join(cache, 'promtool-2.42.0/usr/bin/promtool'),
      amtool: join(cache, 'promtool-2.42.0/usr/bin/amtool'),
    })
    expect(await readdir(cache)).toEqual(['promtool-2.42.0'])
  })

  test('runs no command when they were fetched before', async () => {
    const first = await promtools(cache, debian())
    commands = []

    expect(await promtools(cache, debian())).toEqual(first)
    expect(commands).toEqual([])
  })

  test('fetches again when one of the two is gone', async () => {
    const { amtool } = await promtools(cache, debian())
    await rm(amtool)
    await rm(join(cache, 'promtool-2.42.0'), { recursive: true })

    await promtools(cache, debian())

    expect(commands.filter(command => command === 'apt-get')).toHaveLength(2)
  })

  test('takes those that are installed', async () => {
    const there: CommandEnd = { code: 0, output: 'version' }

    const tools = await promtools(cache, debian({ promtool: there, amtool: there }))

    expect(tools).toEqual({ promtool: 'promtool', amtool: 'amtool' })
    expect(commands).not.toContain('apt-get')
  })

  test('gives two that fetch at once the same', async () => {
    const [one, other] = await Promise.all([promtools(cache, debian()), promtools(cache, debian())])

    expect(one).toEqual(other)
  })

  test('says what to do on a machine without apt', async () => {
    const without = debian({ 'apt-get': { code: 'missing', output: '' } })

    await expect(promtools(cache, without)).rejects.toMatchObject({
      code: 'PROMTOOL_MISSING',
      hint: expect.stringContaining('into PATH'),
    })
    expect(await readdir(cache)).toEqual([])
  })

  test('has apt-get read its lists where they are missing or old, and tries again', async () => {
    let isListed = false
    const fresh: RunCommand = async (command, args, folder) => {
      if (command === 'apt-get' && args.includes('update')) isListed = true
      if (command === 'apt-get' && !isListed) return { code: 100, output: 'E: Unable to locate package' }
      return await debian()(command, args, folder)
    }

    expect((await promtools(cache, fresh)).promtool).toContain('promtool-2.42.0')
  })

  test('says what apt-get said, and that its lists may be missing', async () => {
    const empty = debian({ 'apt-get': { code: 100, output: 'E: Unable to locate package prometheus\n' } })

    await expect(promtools(cache, empty)).rejects.toMatchObject({
      message: expect.stringContaining('Unable to locate package prometheus'),
      hint: expect.stringContaining("'apt-get update'"),
    })
  })

  test('does not take a package without the programs for success', async () => {
    const hollow = debian({ 'dpkg-deb': { code: 0, output: '' } })

    await expect(promtools(cache, hollow)).rejects.toThrow('they hold no promtool and amtool')
    expect(await readdir(cache)).toEqual([])
  })
})

describe('runCommand()', () => {
  test('tells a program that failed from one that is not there', async () => {
    expect(await runCommand('sh', ['-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      code: 3,
      output: 'out\nerr\n',
    })
    expect((await runCommand('no-such-program-of-ours', [])).code).toBe('missing')
  })
})
