import type { DropSpec } from '../../services/agent/actions/drop.ts'

/** Nothing passes, in or out. @param only what this is about; default: all that the target speaks to the network */
export function dropAll(only: Pick<DropSpec, 'peers' | 'exceptOwnTcpPorts'> = {}): DropSpec {
  return { action: 'drop', direction: 'both', probability: 1, ...only }
}
