import { z } from 'zod'
import type { ActionDefinition, Command, ContainerTarget } from './action.ts'
import { containerOf, folderOf } from './control-groups.ts'

/*
 * The kernel keeps a group frozen also when nobody is left who knows of it. The agent, which comes back with its node's
 * kubelet and reads the undo from the disk, is what thaws it.
 */

/** Every process of the target stands still. */
export type FreezeSpec = { readonly action: 'freeze' }

export const freeze: ActionDefinition<FreezeSpec> = {
  action: 'freeze',
  schema: z.strictObject({ action: z.literal('freeze') }),
  on: ['container'],
  needs: () => [['freezer']],
  begin: subject => [turn(containerOf(subject), true)],
  end: subject => [turn(containerOf(subject), false)],
  async read({ target }, probe) {
    const container = containerOf({ target })
    const folder = folderOf(container, 'freezer')
    const frozen =
      container.cgroups.version === 1
        ? (await probe.readFile(`${folder}/freezer.state`))?.trim() === 'FROZEN'
        : /^frozen 1$/m.test((await probe.readFile(`${folder}/cgroup.events`)) ?? '')
    return { frozen: frozen ? 1 : 0 }
  },
  finding: (_spec, before, now) => ({
    proven: before.frozen === 0 && now.frozen === 1,
    detail:
      before.frozen === 1
        ? 'it was frozen before the fault began'
        : `the kernel says ${now.frozen === 1 ? 'frozen' : 'not frozen'}`,
  }),
}

function turn(target: ContainerTarget, frozen: boolean): Command {
  const folder = folderOf(target, 'freezer')
  const file =
    target.cgroups.version === 1
      ? { path: `${folder}/freezer.state`, text: frozen ? 'FROZEN' : 'THAWED' }
      : { path: `${folder}/cgroup.freeze`, text: frozen ? '1' : '0' }
  return { do: 'write', ...file, ...(frozen ? {} : { mayBeGone: true }) }
}
