import type { ActionDefinition } from './action.ts'

/** Work by stress-ng in the target's own control groups. */
export type StressSpec = {
  readonly action: 'stress'
  readonly resource: 'cpu' | 'io'
  readonly workers: number
  /** Of one core, each worker; only for cpu. (0, 100]. */
  readonly loadPercent?: number | undefined
  /** Volume to read and write, only for io. */
  readonly volume?: string | undefined
}

export const stress: ActionDefinition<StressSpec> = {
  action: 'stress',
  schema: undefined as never,
  on: ['container'],
  needs: () => [],
  begin: () => [],
  end: () => [],
  read: async () => ({}),
  finding: () => ({ proven: false, detail: 'not there yet' }),
}
