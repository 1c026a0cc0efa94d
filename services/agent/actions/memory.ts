import type { ActionDefinition } from './action.ts'

/** Memory of the target's limit is taken by somebody else. */
export type MemorySpec = {
  readonly action: 'memory'
  /** Of the target's limit, what is used in the end by all together. (0, 100]. */
  readonly percentOfLimit: number
  /** true: the target is what the kernel kills; false: the one who takes it. */
  readonly killsTarget: boolean
}

export const memory: ActionDefinition<MemorySpec> = {
  action: 'memory',
  schema: undefined as never,
  on: ['container'],
  needs: () => [],
  begin: () => [],
  end: () => [],
  read: async () => ({}),
  finding: () => ({ proven: false, detail: 'not there yet' }),
}
