import { z } from 'zod'
import type { ActionDefinition, Command, ContainerTarget } from './action.ts'
import { containerOf, folderOf } from './control-groups.ts'

const DAY_MS = 86_400_000
/** Less than this cannot be told from the clock that is in the header of an answer. */
const LEAST_MS = 1_000
/** The reading is exact to some 30 ms, more on a busy node. */
const TOLERANCE_MS = 300

/** Every process of the target reads another time; timers and time-outs, which run on another clock, do not change. */
export type ClockSpec = {
  readonly action: 'clock'
  /** A second to a day, either way; milliseconds, integer. */
  readonly offsetMs: number
}

export const clock: ActionDefinition<ClockSpec> = {
  action: 'clock',
  schema: z.strictObject({
    action: z.literal('clock'),
    offsetMs: z
      .number()
      .int()
      .min(-DAY_MS)
      .max(DAY_MS)
      .refine(offsetMs => Math.abs(offsetMs) >= LEAST_MS, `must be ${LEAST_MS} ms or more, either way`),
  }),
  on: ['container'],
  needs: () => [['vdso-clock']],
  begin: subject => [setClock(containerOf(subject), subject.spec.offsetMs)],
  end: subject => [setClock(containerOf(subject), 0)],
  // A program that was started meanwhile begins with the right time.
  renew: subject => [setClock(containerOf(subject), subject.spec.offsetMs)],
  async read({ target }, probe) {
    return { clockOffsetMs: await probe.clockOffsetMs(containerOf({ target }).main) }
  },
  finding({ offsetMs }, before, now) {
    const changedMs = (now.clockOffsetMs ?? 0) - (before.clockOffsetMs ?? 0)
    return {
      proven: Math.abs(changedMs - offsetMs) <= TOLERANCE_MS,
      detail: `the target's own answers are dated ${changedMs} ms off, ${offsetMs} were asked for`,
    }
  },
}

function setClock(target: ContainerTarget, offsetMs: number): Command {
  return { do: 'set-clock', cgroup: folderOf(target, 'memory'), offsetMs }
}
