import { execFile } from 'node:child_process'
import { access, glob, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { MachineryError, UserError } from '../platform/errors.ts'

/** The programs that check what Prometheus and Alertmanager are given. */
export type Promtools = { readonly promtool: string; readonly amtool: string }

/** How a command ended; `code` is `missing` when there is no such program. */
export type CommandEnd = { readonly code: number | 'missing'; readonly output: string }
export type RunCommand = (command: string, args: readonly string[], folder?: string) => Promise<CommandEnd>

/** Debian's packages that hold them; the lab's image runs the same (platform/images/observability). */
const PACKAGES = ['prometheus', 'prometheus-alertmanager'] as const

const PREFIX = 'promtool-'
const HINT =
  'Put promtool (Prometheus 2.42 or later) and amtool (Alertmanager 0.25 or later) into PATH, or run the tests on Debian 12.'

/** Runs a command to its end; what it writes is one text. */
export const runCommand: RunCommand = (command, args, folder) =>
  new Promise(resolve => {
    execFile(
      command,
      [...args],
      { ...(folder === undefined ? {} : { cwd: folder }), maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const missing = error !== null && 'code' in error && error.code === 'ENOENT'
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
        resolve({ code: missing ? 'missing' : code, output: `${stdout}${stderr}` })
      },
    )
  })

/**
 * Finds both programs: those fetched before, else those installed, else Debian's packages, which are unpacked beside the
 * other caches and not installed.
 *
 * @param cache folder that outlives a clone
 * @throws UserError when they can be had in none of these ways; the hint says what to do
 */
export async function promtools(cache: string, run: RunCommand = runCommand): Promise<Promtools> {
  return (await fetched(cache)) ?? (await installed(run)) ?? (await fetchPackages(cache, run))
}

async function fetched(cache: string): Promise<Promtools | undefined> {
  const folders: string[] = []
  for await (const folder of glob(join(cache, `${PREFIX}*`))) folders.push(folder)
  for (const folder of folders.sort().reverse()) {
    const tools = toolsIn(folder)
    if (await exist(tools)) return tools
  }
  return undefined
}

function toolsIn(folder: string): Promtools {
  return { promtool: join(folder, 'usr/bin/promtool'), amtool: join(folder, 'usr/bin/amtool') }
}

async function exist(tools: Promtools): Promise<boolean> {
  try {
    await Promise.all(Object.values(tools).map(path => access(path)))
    return true
  } catch {
    return false
  }
}

async function installed(run: RunCommand): Promise<Promtools | undefined> {
  const tools = { promtool: 'promtool', amtool: 'amtool' }
  const ends = await Promise.all(Object.values(tools).map(tool => run(tool, ['--version'])))
  return ends.every(({ code }) => code === 0) ? tools : undefined
}

async function fetchPackages(cache: string, run: RunCommand): Promise<Promtools> {
  await mkdir(cache, { recursive: true })
  // Two test processes may fetch at once: each unpacks apart, and the first to end gives it its name.
  const folder = await mkdtemp(join(cache, '.promtool-'))
  try {
    const fetch = () => run('apt-get', ['download', ...PACKAGES], folder)
    let download = await fetch()
    // A machine that has installed nothing yet has no lists of packages, and old lists name what is gone.
    if (typeof download.code === 'number' && download.code !== 0) {
      await run('apt-get', ['-qq', 'update'], folder)
      download = await fetch()
    }
    if (download.code === 'missing') {
      throw new UserError(
        'PROMTOOL_MISSING',
        'Cannot check the rules: promtool and amtool are not installed, and there is no apt-get to fetch them',
        HINT,
      )
    }
    if (download.code !== 0) {
      throw new UserError(
        'PROMTOOL_NOT_FETCHED',
        `Cannot fetch promtool and amtool: apt-get download ${PACKAGES.join(' ')} said: ${download.output.trim()}`,
        `Run 'apt-get update' once as root if the packages are not known. ${HINT}`,
      )
    }
    return await unpack(cache, folder, run)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function unpack(cache: string, folder: string, run: RunCommand): Promise<Promtools> {
  const archives: string[] = []
  for await (const archive of glob(join(folder, '*.deb'))) archives.push(archive)
  const root = join(folder, 'root')
  for (const archive of archives) {
    const { code, output } = await run('dpkg-deb', ['-x', archive, root])
    if (code !== 0) throw unusable(`dpkg-deb -x ${basename(archive)} said: ${output.trim()}`)
  }
  if (!(await exist(toolsIn(root))))
    throw unusable(`they hold no promtool and amtool: ${archives.join(', ')}`)
  const target = join(cache, `${PREFIX}${versionOf(archives)}`)
  try {
    await rename(root, target)
  } catch (error) {
    if (!(await exist(toolsIn(target)))) throw error
  }
  return toolsIn(target)
}

/** `prometheus_2.42.0+ds-5_amd64.deb` is 2.42.0. */
function versionOf(archives: readonly string[]): string {
  const name = archives.map(path => basename(path)).find(each => each.startsWith('prometheus_'))
  return name?.match(/_(\d+(?:\.\d+)*)/)?.[1] ?? 'unknown'
}

function unusable(why: string): MachineryError {
  return new MachineryError(`Cannot unpack Debian's packages of promtool and amtool: ${why}`, HINT)
}
