import { z } from 'zod'
import { containerFault } from './agent-fault.ts'
import type { FaultDefinition, Proof } from './fault.ts'
import { containerSelect, type SelectedContainer, selectContainers } from './select.ts'
import { starting } from './timing.ts'

/** Nothing is left to be ended; so long the agent keeps what it saw, seconds. */
export const KILL_SECONDS = 10

/** Process 1 of the container is killed, without a word; the kubelet starts it again in the same pod. */
const schema = z.strictObject({ kind: z.literal('kill-container'), select: containerSelect, ...starting })

export const killContainer: FaultDefinition<typeof schema> = {
  kind: 'kill-container',
  level: 'container',
  summary: 'The container is killed at once and started again in its place.',
  schema,
  plan({ kind, select }, view, context) {
    const selected = selectContainers(select, view, context.seed)
    const plan = containerFault(
      kind,
      selected,
      () => [{ action: 'signal', signal: 'KILL', process: 'main' }],
      { durationSeconds: KILL_SECONDS, what: 'process 1 gone' },
      context,
    )
    return { ...plan, end: [], proofs: selected.map((each): Proof => ended(each)) }
  },
}

/** What the kubelet does about it may take minutes, where it was killed often: the end is the effect. */
function ended({ pod, container }: SelectedContainer): Proof {
  return {
    proof: 'container-ended',
    namespace: pod.namespace,
    pod: pod.name,
    uid: pod.uid,
    container: container.name,
    runningIdBefore: container.runningId,
  }
}
