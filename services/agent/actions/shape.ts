import type { ActionDefinition } from './action.ts'

/** No more than so much goes through the target's interface. */
export type ShapeSpec = {
  readonly action: 'shape'
  readonly kbitPerSecond: number
  readonly direction: 'in' | 'out' | 'both'
}

export const shape: ActionDefinition<ShapeSpec> = {
  action: 'shape',
  schema: undefined as never,
  on: ['container'],
  needs: () => [],
  begin: () => [],
  end: () => [],
  read: async () => ({}),
  finding: () => ({ proven: false, detail: 'not there yet' }),
}
