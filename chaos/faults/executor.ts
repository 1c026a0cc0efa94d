import type { Cluster } from '../../platform/cluster/cluster.ts'
import { MachineryError } from '../../platform/errors.ts'
import type { Clock, LabReader, PodKiller } from '../lab/roles.ts'
import type { Action } from './fault.ts'
import { requireExperimental } from './target.ts'

/** Does what a fault's plan says, and nothing else. */
export interface Executor {
  /**
   * Reads the targets of all `actions` again, refuses all when one is not of the experimental group, then does them
   * at once.
   *
   * @returns when it set about the first action, after all reading, Unix milliseconds of the runner's clock
   * @throws UserError TARGET_NOT_EXPERIMENTAL with nothing done
   * @throws MachineryError when an action failed; the others may have been done
   */
  perform(actions: readonly Action[], signal: AbortSignal): Promise<number>
}

export type ExecutorPowers = {
  readonly cluster: Pick<Cluster, 'powerOff' | 'powerOn'>
  readonly lab: Pick<LabReader, 'node' | 'pod'>
  readonly pods: PodKiller
  readonly clock: Pick<Clock, 'nowMs'>
}

/** Acts on the real cluster. */
export function clusterExecutor(powers: ExecutorPowers): Executor {
  return {
    async perform(actions, signal) {
      for (const action of actions) await guard(action, powers.lab)
      signal.throwIfAborted()
      const actedAtMs = powers.clock.nowMs()
      const results = await Promise.allSettled(actions.map(action => act(action, powers)))
      const failures = results.filter(result => result.status === 'rejected').map(result => result.reason)
      if (failures.length === 0) return actedAtMs
      throw new MachineryError(
        `Cannot carry out ${failures.length} of ${actions.length} actions: ${failures.map(messageOf).join('; ')}`,
        "Check the cluster with 'divergence doctor'.",
        { cause: failures.length === 1 ? failures[0] : new AggregateError(failures) },
      )
    },
  }
}

/** Tells what would be done and does nothing; the guards are real. */
export function dryRunExecutor(
  { lab, clock }: Pick<ExecutorPowers, 'lab' | 'clock'>,
  tell: (message: string) => void,
): Executor {
  return {
    async perform(actions) {
      for (const action of actions) {
        await guard(action, lab)
        tell(`would ${describeAction(action)}`)
      }
      return clock.nowMs()
    },
  }
}

/** `power off node experiment-a`: for progress, journal and dry run. */
export function describeAction(action: Action): string {
  switch (action.action) {
    case 'power-off':
      return `power off zone ${action.zone} (${action.nodes.join(', ')})`
    case 'power-on':
      return `power on zone ${action.zone} (${action.nodes.join(', ')})`
    case 'delete-pod':
      return `delete pod ${action.namespace}/${action.name} with ${action.graceSeconds} s of grace`
  }
}

/** What was selected a moment ago may be another thing now; the label that counts is the one the API gives now. */
async function guard(action: Action, lab: ExecutorPowers['lab']): Promise<void> {
  switch (action.action) {
    case 'power-off':
      for (const name of action.nodes) {
        const node = await lab.node(name)
        if (node === null) throw changed(`node ${name}`, 'it is gone')
        requireExperimental({ id: `node ${name}`, group: node.group })
        if (node.zone !== action.zone)
          throw changed(`node ${name}`, `it is in zone ${node.zone ?? 'none'} now`)
      }
      return
    case 'delete-pod': {
      const id = `pod ${action.namespace}/${action.name}`
      const pod = await lab.pod(action.namespace, action.name)
      if (pod === null) throw changed(id, 'it is gone')
      requireExperimental({ id, group: pod.group })
      // A label on a pod is easily forged by whoever made the pod; its namespace and its node are not.
      requireExperimental({ id, group: action.namespace })
      const node = pod.nodeName === null ? null : await lab.node(pod.nodeName)
      requireExperimental({ id: `${id} on node ${pod.nodeName ?? 'none'}`, group: node?.group ?? null })
      if (pod.uid !== action.uid) throw changed(id, `another pod has its name now (uid ${pod.uid})`)
      return
    }
    // Giving power back hurts nobody and must never be refused.
    case 'power-on':
      return
  }
}

async function act(action: Action, { cluster, pods }: ExecutorPowers): Promise<void> {
  switch (action.action) {
    case 'power-off':
      return await cluster.powerOff('experiment', action.zone)
    case 'power-on':
      return await cluster.powerOn('experiment', action.zone)
    case 'delete-pod':
      return await pods.deletePod(action)
  }
}

function changed(id: string, why: string): MachineryError {
  return new MachineryError(
    `Cannot attack ${id}: ${why}`,
    'The lab changed between selection and attack; run the experiment again.',
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
