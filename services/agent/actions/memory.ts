import { z } from 'zod'
import { type ActionDefinition, ActionError, type Subject } from './action.ts'
import { allFolders, containerOf, folderOf, statistic } from './control-groups.ts'

const MIB = 1024 * 1024
/** Of the limit: the kernel counts in steps, and the target takes and gives all the time. */
const TOLERANCE_PERCENT = 3
/** Dies before anybody else of its group. */
const DIES_FIRST = 1000
/**
 * Dies after everybody whom Kubernetes may let die (2 to 1000; only pods of class Guaranteed have less than 0). It cannot be
 * lower than the agent's own on a node where the agent may not lower it, so the agent is of a class that has less.
 */
const DIES_LAST = 0

/** Memory of the target's limit is taken by somebody else. */
export type MemorySpec = {
  readonly action: 'memory'
  /** Of the target's limit, what is used in the end by all together, [1, 100]; without files that can be dropped. */
  readonly percentOfLimit: number
  /** true (only with 100): the kernel kills the largest process of the target; false: the one who takes it. */
  readonly killsTarget: boolean
}

export const memory: ActionDefinition<MemorySpec> = {
  action: 'memory',
  schema: z
    .strictObject({
      action: z.literal('memory'),
      percentOfLimit: z.number().min(1).max(100),
      killsTarget: z.boolean(),
    })
    .refine(({ killsTarget, percentOfLimit }) => !killsTarget || percentOfLimit === 100, {
      path: ['percentOfLimit'],
      message: 'must be 100 when killsTarget is true',
    }),
  on: ['container'],
  needs: () => [],
  begin(subject) {
    const target = containerOf(subject)
    return [
      {
        do: 'start',
        program: 'memory-hold',
        args: [
          folderOf(target, 'memory'),
          String(levelBytes(subject)),
          String(Math.ceil(subject.durationSeconds)),
          String(target.main.pid),
          String(target.main.startTicks),
        ],
        cgroups: allFolders(target),
        oomScoreAdjust: subject.spec.killsTarget ? DIES_LAST : DIES_FIRST,
      },
    ]
  },
  end: () => [{ do: 'stop' }],
  async read(subject, probe) {
    const target = containerOf(subject)
    const folder = folderOf(target, 'memory')
    const version2 = target.cgroups.version === 2
    const used = await probe.readFile(`${folder}/memory.${version2 ? 'current' : 'usage_in_bytes'}`)
    const droppable = await statistic(
      probe,
      `${folder}/memory.stat`,
      version2 ? 'inactive_file' : 'total_inactive_file',
    )
    const mainAlive = await probe.isAlive(target.main)
    return {
      usedMiB: Math.max(0, Number(used ?? 0) - droppable) / MIB,
      limitMiB: (target.memoryLimitBytes ?? 0) / MIB,
      oomKills: await statistic(probe, `${folder}/memory.${version2 ? 'events' : 'oom_control'}`, 'oom_kill'),
      mainAlive: mainAlive ? 1 : 0,
    }
  },
  finding({ killsTarget, percentOfLimit }, before, now) {
    const percent = (100 * (now.usedMiB ?? 0)) / (now.limitMiB || Number.POSITIVE_INFINITY)
    const kills = Math.max(0, (now.oomKills ?? 0) - (before.oomKills ?? 0))
    const mainDied = before.mainAlive === 1 && now.mainAlive === 0
    if (killsTarget) {
      return {
        proven: mainDied || kills > 0,
        detail: mainDied
          ? 'the main process is gone'
          : `the kernel killed ${kills} processes for want of memory`,
      }
    }
    return {
      proven: percent >= percentOfLimit - TOLERANCE_PERCENT,
      detail: `${percent.toFixed(0)} % of ${(now.limitMiB ?? 0).toFixed(0)} MiB are used`,
    }
  },
}

/** What the holder goes for. To kill, more than there can be: it must never be content. */
function levelBytes(subject: Subject<MemorySpec>): number {
  const { pod, container, memoryLimitBytes } = containerOf(subject)
  if (memoryLimitBytes === null) {
    throw new ActionError(
      `Cannot take memory of '${pod}/${container}': it has no limit, and the node's memory is everybody's`,
    )
  }
  return subject.spec.killsTarget
    ? 2 * memoryLimitBytes
    : Math.floor((memoryLimitBytes * subject.spec.percentOfLimit) / 100)
}
