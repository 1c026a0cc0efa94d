import type { ActionDefinition } from './action.ts'

/** Processes of the target are killed. */
export type SignalSpec = {
  readonly action: 'signal'
  readonly signal: 'KILL'
  /** `main`: process 1 of the container; else the name of the program. */
  readonly process: string
}

export const signal: ActionDefinition<SignalSpec> = {
  action: 'signal',
  schema: undefined as never,
  on: ['container'],
  needs: () => [],
  begin: () => [],
  end: () => [],
  read: async () => ({}),
  finding: () => ({ proven: false, detail: 'not there yet' }),
}
