import type { ApiUndo, TargetName } from '../../services/agent/protocol.ts'
import type { Action } from './fault.ts'

/** `power off zone b (experiment-b)`: for progress, journal and dry run. Pure. */
export function describeAction(action: Action): string {
  switch (action.action) {
    case 'power-off':
      return `power off zone ${action.zone} (${action.nodes.join(', ')})`
    case 'power-on':
      return `power on zone ${action.zone} (${action.nodes.join(', ')})`
    case 'delete-pod':
      return `delete pod ${action.namespace}/${action.name} with ${action.graceSeconds} s of grace`
    case 'evict-pod':
      return `evict pod ${action.namespace}/${action.name}`
    case 'agent-begin': {
      const what = action.actions.map(({ action: name }) => name).join(' + ')
      return `${what} on ${describeTarget(action.target)} for at most ${action.durationSeconds} s (agent on ${action.node})`
    }
    case 'agent-end':
      return `end ${action.id} (agent on ${action.node})`
    case 'cordon':
      return `cordon node ${action.node}`
    case 'scale':
      return `scale ${action.resource} ${action.name} to ${action.replicas}`
    case 'occupy':
      return `occupy: ${action.pods} pods that ask for ${action.cpuRequest} cores and ${action.memoryRequestMiB} MiB each, priority ${action.priority}`
    case 'surge':
      return `load on the experiment group times ${action.factor}`
    case 'api-undo':
      return describeUndo(action.undo)
  }
}

export function describeUndo(undo: ApiUndo): string {
  switch (undo.undo) {
    case 'uncordon':
      return `uncordon node ${undo.node}`
    case 'scale':
      return `scale ${undo.resource} ${undo.name} to ${undo.replicas}`
    case 'delete-deployment':
      return `delete deployment ${undo.name}`
    case 'delete-load':
      return `delete load job ${undo.job}`
  }
}

export function describeTarget(target: TargetName): string {
  return target.kind === 'node' ? `node ${target.node}` : `${target.pod}/${target.container}`
}
