import { UserError } from '../../platform/errors.ts'

/** Something a fault can be done to, with the group its label says now. */
export type Target = { readonly id: string; readonly group: string | null }

/**
 * Lets `target` pass only when its label says that it is in the experimental group.
 *
 * @throws UserError TARGET_NOT_EXPERIMENTAL, naming the target and the group it is in
 */
export function requireExperimental(target: Target): void {
  if (target.group === 'experiment') return
  throw new UserError(
    'TARGET_NOT_EXPERIMENTAL',
    `Cannot attack '${target.id}': it is in ${target.group === null ? 'no group' : `the ${target.group} group`}`,
    'Only what is labelled group=experiment may be attacked. Select a target of the experiment group.',
  )
}
