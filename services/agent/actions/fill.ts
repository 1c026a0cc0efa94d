import type { ActionDefinition } from './action.ts'

/** A volume has no room left, or only so much. */
export type FillSpec = {
  readonly action: 'fill'
  readonly volume: string
  readonly leaveFreeMiB: number
  /** Bound of the file, MiB: a shared disk is not filled for others. */
  readonly atMostMiB: number
}

export const fill: ActionDefinition<FillSpec> = {
  action: 'fill',
  schema: undefined as never,
  on: ['container'],
  needs: () => [],
  begin: () => [],
  end: () => [],
  read: async () => ({}),
  finding: () => ({ proven: false, detail: 'not there yet' }),
}
