import { z } from 'zod'
import { type ActionDefinition, ActionError, type Subject } from './action.ts'
import { containerOf } from './control-groups.ts'

const MIB = 1024 * 1024
/** Others write and delete meanwhile; file systems keep some blocks for themselves. */
const SLACK_MIB = 2

/** A volume has no room left, or only so much. */
export type FillSpec = {
  readonly action: 'fill'
  /** Name of a volume that the container can write to. */
  readonly volume: string
  /** 0 to 1048576. */
  readonly leaveFreeMiB: number
  /** Bound of the file, MiB, 1 to 65536: a disk that others share is not filled for them. */
  readonly atMostMiB: number
}

export const fill: ActionDefinition<FillSpec> = {
  action: 'fill',
  schema: z.strictObject({
    action: z.literal('fill'),
    volume: z.string().regex(/^[a-z0-9.-]{1,63}$/, 'must be the name of a volume'),
    leaveFreeMiB: z.number().int().min(0).max(1_048_576),
    atMostMiB: z.number().int().min(1).max(65_536),
  }),
  on: ['container'],
  needs: () => [],
  begin: subject => [
    { do: 'run', program: 'fallocate', args: ['--length', String(fileBytes(subject)), fileOf(subject)] },
  ],
  end: subject => [{ do: 'remove', path: fileOf(subject) }],
  async read(subject, probe) {
    return { freeMiB: (await probe.freeBytes(volumeOf(subject).agentPath)) / MIB }
  },
  finding: ({ leaveFreeMiB }, before, now) => ({
    proven:
      (now.freeMiB ?? Number.POSITIVE_INFINITY) <= leaveFreeMiB + SLACK_MIB &&
      (before.freeMiB ?? 0) > (now.freeMiB ?? 0),
    detail: `${rounded(before.freeMiB)} MiB were free, now ${rounded(now.freeMiB)}`,
  }),
}

function fileBytes(subject: Subject<FillSpec>): number {
  const { volume, leaveFreeMiB, atMostMiB } = subject.spec
  const { freeBytes } = volumeOf(subject)
  const bytes = Math.floor(freeBytes - leaveFreeMiB * MIB)
  const freeMiB = rounded(freeBytes / MIB)
  if (bytes <= 0) {
    throw new ActionError(
      `Cannot fill volume '${volume}' but for ${leaveFreeMiB} MiB: only ${freeMiB} MiB are free`,
    )
  }
  if (bytes > atMostMiB * MIB) {
    throw new ActionError(
      `Cannot fill volume '${volume}': ${freeMiB} MiB are free on its disk, more than atMostMiB=${atMostMiB} allows to take; choose a volume that is a disk of its own or in memory`,
    )
  }
  return bytes
}

function fileOf(subject: Subject<FillSpec>): string {
  return `${volumeOf(subject).agentPath}/.divergence-fill-${subject.id}`
}

function volumeOf(subject: Pick<Subject<FillSpec>, 'spec' | 'target'>) {
  const { pod, container, volumes } = containerOf(subject)
  const volume = volumes[subject.spec.volume]
  if (volume !== undefined) return volume
  throw new ActionError(
    `Cannot fill volume '${subject.spec.volume}' of '${pod}/${container}': it cannot write to one of that name, there are: ${Object.keys(volumes).join(', ') || 'none'}`,
  )
}

function rounded(value: number | undefined): string {
  return value === undefined ? 'unknown' : value.toFixed(1)
}
