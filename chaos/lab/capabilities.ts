import type { Capabilities, Capability } from '../../services/agent/actions/action.ts'
import type { Agents } from './roles.ts'

export type NodeCapabilities = {
  readonly sets: ReadonlyMap<string, Capabilities>
  /** By node and capability that it has: how it was found out. */
  readonly details: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/**
 * What the agent on each node can do, by node name. A node whose agent does not answer is left out: a fault that needs
 * it says so.
 */
export async function capabilitiesOf(agents: Pick<Agents, 'list' | 'ask'>): Promise<NodeCapabilities> {
  const ready = (await agents.list()).filter(agent => agent.ready)
  const sets = new Map<string, Capabilities>()
  const details: Record<string, Record<string, string>> = {}
  await Promise.all(
    ready.map(async ({ node }) => {
      const hello = await agents.ask(node, { op: 'hello' }).catch(() => null)
      if (hello === null) return
      const has = Object.entries(hello.capabilities).filter(([, found]) => found.has)
      sets.set(node, new Set(has.map(([name]) => name as Capability)))
      details[node] = Object.fromEntries(has.map(([name, { detail }]) => [name, detail]))
    }),
  )
  return { sets, details }
}
