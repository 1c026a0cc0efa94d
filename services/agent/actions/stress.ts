import { z } from 'zod'
import {
  type ActionDefinition,
  ActionError,
  type Command,
  type ContainerTarget,
  type Probe,
  type Reading,
  type Subject,
} from './action.ts'
import { allFolders, containerOf, folderOf, statistic } from './control-groups.ts'

const MIB = 1024 * 1024
/** USER_HZ, in which /proc counts: 100 on every Linux that Kubernetes runs on. */
const MS_PER_TICK = 10
const DEFAULT_FILE_MIB = 16
/** Work that shows: less may be the start of the program alone. */
const LEAST_CPU_MS = 200
const LEAST_WRITTEN_MIB = 1

/** Work by stress-ng in the target's own control groups. */
export type StressSpec = {
  readonly action: 'stress'
  readonly resource: 'cpu' | 'io'
  /** 1 to 64. */
  readonly workers: number
  /** Of one core, each worker; only for cpu, where it must be. (0, 100]. */
  readonly loadPercent?: number | undefined
  /** Volume to read and write, only for io, where it must be. */
  readonly volume?: string | undefined
  /** Size of each worker's file, MiB, 1 to 1024; only for io. Together less than the volume's limit. Default 16. */
  readonly fileMiB?: number | undefined
}

export const stress: ActionDefinition<StressSpec> = {
  action: 'stress',
  schema: z
    .strictObject({
      action: z.literal('stress'),
      resource: z.enum(['cpu', 'io']),
      workers: z.number().int().min(1).max(64),
      loadPercent: z.number().gt(0).max(100).optional(),
      volume: z
        .string()
        .regex(/^[a-z0-9.-]{1,63}$/, 'must be the name of a volume')
        .optional(),
      fileMiB: z.number().int().min(1).max(1024).optional(),
    })
    .refine(spec => (spec.resource === 'cpu') === (spec.loadPercent !== undefined), {
      path: ['loadPercent'],
      message: 'must be given for cpu, and for nothing else',
    })
    .refine(spec => (spec.resource === 'io') === (spec.volume !== undefined), {
      path: ['volume'],
      message: 'must be given for io, and for nothing else',
    })
    .refine(spec => spec.resource === 'io' || spec.fileMiB === undefined, {
      path: ['fileMiB'],
      message: 'is only for io',
    }),
  on: ['container'],
  needs: () => [['stress-ng']],
  begin(subject) {
    const target = containerOf(subject)
    const work = subject.spec.resource === 'cpu' ? cpuWork(subject.spec) : ioWork(subject, target)
    const folder: readonly Command[] =
      subject.spec.resource === 'io' ? [{ do: 'make-folder', path: workFolder(subject, target) }] : []
    return [
      ...folder,
      {
        do: 'start',
        program: 'stress-ng',
        args: [...work, '--timeout', `${Math.ceil(subject.durationSeconds)}s`, '--quiet', '--keep-name'],
        cgroups: allFolders(target),
      },
    ]
  },
  // Its files are left behind when it is killed.
  end: subject => [
    { do: 'stop' },
    ...(subject.spec.resource === 'io'
      ? [{ do: 'remove' as const, path: workFolder(subject, containerOf(subject)) }]
      : []),
  ],
  async read({ target, id }, probe) {
    const container = containerOf({ target })
    return { ...(await groupReading(container, probe)), ...(await workersReading(id, probe)) }
  },
  finding({ resource }, before, now) {
    if (resource === 'io') {
      const writtenMiB = now.stressWrittenMiB ?? 0
      return {
        proven: writtenMiB >= LEAST_WRITTEN_MIB,
        detail: `${writtenMiB.toFixed(0)} MiB were written to the disk by ${now.stressProcesses} processes`,
      }
    }
    const stressMs = now.stressCpuMs ?? 0
    const groupMs = (now.groupCpuMs ?? 0) - (before.groupCpuMs ?? 0)
    const throttled = (now.throttledPeriods ?? 0) - (before.throttledPeriods ?? 0)
    return {
      // The group's own account has it only when the workers are in the target's group.
      proven: stressMs >= LEAST_CPU_MS && groupMs >= stressMs / 2,
      detail: `${(stressMs / 1000).toFixed(1)} of ${(groupMs / 1000).toFixed(1)} s of the container's CPU time went to ${now.stressProcesses} processes; throttled ${throttled} times`,
    }
  },
}

function cpuWork({ workers, loadPercent }: StressSpec): readonly string[] {
  return ['--cpu', String(workers), '--cpu-load', String(loadPercent)]
}

function ioWork(subject: Subject<StressSpec>, target: ContainerTarget): readonly string[] {
  const { workers, fileMiB = DEFAULT_FILE_MIB } = subject.spec
  return [
    ...['--hdd', String(workers), '--hdd-bytes', `${fileMiB}m`, '--hdd-opts', 'wr-rnd,rd-rnd,fsync'],
    ...['--temp-path', workFolder(subject, target)],
  ]
}

function workFolder({ spec, id }: Subject<StressSpec>, target: ContainerTarget): string {
  const volume = target.volumes[spec.volume ?? '']
  if (volume !== undefined) return `${volume.agentPath}/.divergence-stress-${id}`
  throw new ActionError(
    `Cannot write to volume '${spec.volume}' of '${target.pod}/${target.container}': it has none of that name that it can write to, there are: ${Object.keys(target.volumes).join(', ') || 'none'}`,
  )
}

async function groupReading(target: ContainerTarget, probe: Probe): Promise<Reading> {
  const cpu = `${folderOf(target, 'cpu')}/cpu.stat`
  const groupCpuMs =
    target.cgroups.version === 2
      ? (await statistic(probe, cpu, 'usage_usec')) / 1e3
      : Number((await probe.readFile(`${folderOf(target, 'cpuacct')}/cpuacct.usage`)) ?? 0) / 1e6
  return { groupCpuMs, throttledPeriods: await statistic(probe, cpu, 'nr_throttled') }
}

async function workersReading(id: string, probe: Probe): Promise<Reading> {
  let cpuTicks = 0
  let writtenBytes = 0
  const processes = await probe.started(id)
  for (const { pid } of processes) {
    const line = (await probe.readFile(`/proc/${pid}/stat`)) ?? ''
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
    cpuTicks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
    writtenBytes += await statistic(probe, `/proc/${pid}/io`, 'write_bytes:')
  }
  return {
    stressProcesses: processes.length,
    stressCpuMs: cpuTicks * MS_PER_TICK,
    stressWrittenMiB: writtenBytes / MIB,
  }
}
