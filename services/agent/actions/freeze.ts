import type { ActionDefinition } from './action.ts'

/** Every process of the target stands still. */
export type FreezeSpec = { readonly action: 'freeze' }

export const freeze: ActionDefinition<FreezeSpec> = {
  action: 'freeze',
  schema: undefined as never,
  on: ['container'],
  needs: () => [],
  begin: () => [],
  end: () => [],
  read: async () => ({}),
  finding: () => ({ proven: false, detail: 'not there yet' }),
}
