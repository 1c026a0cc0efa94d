import type { ActionDefinition } from './action.ts'

/** Packets that match all that is given are lost. */
export type DropSpec = {
  readonly action: 'drop'
  /** As the target sees it. */
  readonly direction: 'in' | 'out' | 'both'
  /** Addresses or CIDRs at the other end; absent: all but loopback. */
  readonly peers?: readonly string[] | undefined
  /** TCP connections with one of these own ports stay open (the node's kubelet, through which the fault is ended). */
  readonly exceptOwnTcpPorts?: readonly number[] | undefined
  readonly protocol?: 'tcp' | 'udp' | undefined
  /** Port at the other end. */
  readonly peerPort?: number | undefined
  /** (0, 1]; each packet by itself. */
  readonly probability: number
}

export const drop: ActionDefinition<DropSpec> = {
  action: 'drop',
  schema: undefined as never,
  on: ['container'],
  needs: () => [],
  begin: () => [],
  end: () => [],
  read: async () => ({}),
  finding: () => ({ proven: false, detail: 'not there yet' }),
}
