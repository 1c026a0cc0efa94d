import type { ActionDefinition } from './action.ts'

/** Every process of the target reads another time. */
export type ClockSpec = {
  readonly action: 'clock'
  /** != 0, at most a day either way. */
  readonly offsetMs: number
}

export const clock: ActionDefinition<ClockSpec> = {
  action: 'clock',
  schema: undefined as never,
  on: ['container'],
  needs: () => [],
  begin: () => [],
  end: () => [],
  read: async () => ({}),
  finding: () => ({ proven: false, detail: 'not there yet' }),
}
