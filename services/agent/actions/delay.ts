import type { ActionDefinition } from './action.ts'

/** Packets that come in are held back. */
export type DelaySpec = {
  readonly action: 'delay'
  /** > 0, <= 10000. */
  readonly delayMs: number
  /** Uniform, +-; < delayMs. */
  readonly jitterMs: number
  readonly peers?: readonly string[] | undefined
  readonly protocol?: 'tcp' | 'udp' | undefined
  readonly peerPort?: number | undefined
}

export const delay: ActionDefinition<DelaySpec> = {
  action: 'delay',
  schema: undefined as never,
  on: ['container'],
  needs: () => [],
  begin: () => [],
  end: () => [],
  read: async () => ({}),
  finding: () => ({ proven: false, detail: 'not there yet' }),
}
