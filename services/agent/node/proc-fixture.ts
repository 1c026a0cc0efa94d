import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type FakeProcess = {
  readonly pid: number
  readonly comm?: string
  readonly state?: string
  readonly startTicks?: number
  readonly cgroups?: string
  readonly args?: readonly string[]
  readonly env?: readonly string[]
  readonly exe?: string
  readonly netInode?: number
  readonly userId?: number
  /** In the innermost namespace. */
  readonly innerPid?: number
}

/** A folder that looks like /proc. */
export async function fakeProc(processes: readonly FakeProcess[]): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'proc-'))
  await mkdir(join(root, 'sys'))
  for (const process of processes) {
    const { pid, comm = 'x', state = 'S', startTicks = pid * 10, cgroups = '', args = [comm] } = process
    const { env = [], exe = '/bin/x', netInode = 1, userId = 0, innerPid } = process
    const folder = join(root, String(pid))
    await mkdir(join(folder, 'ns'), { recursive: true })
    const fields = Array.from({ length: 50 }, (_, index) => (index === 19 ? startTicks : 0))
    await writeFile(join(folder, 'stat'), `${pid} (${comm}) ${[state, ...fields.slice(1)].join(' ')}\n`)
    await writeFile(join(folder, 'comm'), `${comm}\n`)
    await writeFile(join(folder, 'cgroup'), cgroups)
    await writeFile(join(folder, 'cmdline'), args.map(each => `${each}\0`).join(''))
    await writeFile(join(folder, 'environ'), env.map(each => `${each}\0`).join(''))
    const pids = innerPid === undefined ? pid : `${pid}\t${innerPid}`
    await writeFile(
      join(folder, 'status'),
      `Name:\t${comm}\nUid:\t1\t${userId}\t1\t1\nGid:\t1\t${userId}\t1\t1\nNSpid:\t${pids}\n`,
    )
    await symlink(exe, join(folder, 'exe'))
    await symlink(`net:[${netInode}]`, join(folder, 'ns', 'net'))
  }
  return root
}
