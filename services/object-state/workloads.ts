import type {
  V1Deployment,
  V1Job,
  V1ObjectMeta,
  V1PodDisruptionBudget,
  V1StatefulSet,
} from '@kubernetes/client-node'
import { GROUPS, SHARED_GROUP } from '../../platform/topology.ts'
import { type Family, type Identity, one } from './family.ts'

type Named = { readonly metadata?: V1ObjectMeta }

/** Names an object by `namespace` and, under `label`, its name; its group is its namespace's. */
export function workloadIdentity(label: string): (object: Named) => Identity {
  return ({ metadata }) => {
    const namespace = metadata?.namespace ?? ''
    return {
      namespace,
      [label]: metadata?.name ?? '',
      group: GROUPS.find(group => group === namespace) ?? SHARED_GROUP,
    }
  }
}

export const DEPLOYMENT_FAMILIES: readonly Family<V1Deployment>[] = [
  {
    name: 'kube_deployment_spec_replicas',
    type: 'gauge',
    help: 'Number of desired pods for a deployment.',
    samples: ({ spec }) => one(spec?.replicas),
  },
  {
    name: 'kube_deployment_status_replicas_available',
    type: 'gauge',
    help: 'The number of available replicas per deployment.',
    samples: ({ status }) => one(status?.availableReplicas ?? 0),
  },
]

export const STATEFUL_SET_FAMILIES: readonly Family<V1StatefulSet>[] = [
  {
    name: 'kube_statefulset_replicas',
    type: 'gauge',
    help: 'Number of desired pods for a StatefulSet.',
    samples: ({ spec }) => one(spec?.replicas),
  },
  {
    name: 'kube_statefulset_status_replicas_ready',
    type: 'gauge',
    help: 'The number of ready replicas per StatefulSet.',
    samples: ({ status }) => one(status?.readyReplicas ?? 0),
  },
]

export const JOB_FAMILIES: readonly Family<V1Job>[] = [
  {
    name: 'kube_job_status_succeeded',
    type: 'gauge',
    help: 'The number of pods which reached Phase Succeeded.',
    samples: ({ status }) => one(status?.succeeded ?? 0),
  },
  {
    name: 'kube_job_status_failed',
    type: 'gauge',
    help: 'The number of pods which reached Phase Failed and the reason for failure.',
    samples: ({ status }) => {
      const reason = status?.conditions?.find(
        ({ type, status: is }) => type === 'Failed' && is === 'True',
      )?.reason
      return [{ labels: { reason: reason ?? '' }, value: status?.failed ?? 0 }]
    },
  },
]

export const DISRUPTION_BUDGET_FAMILIES: readonly Family<V1PodDisruptionBudget>[] = [
  {
    name: 'kube_poddisruptionbudget_status_current_healthy',
    type: 'gauge',
    help: 'Current number of healthy pods.',
    samples: ({ status }) => one(status?.currentHealthy),
  },
  {
    name: 'kube_poddisruptionbudget_status_desired_healthy',
    type: 'gauge',
    help: 'Minimum desired number of healthy pods.',
    samples: ({ status }) => one(status?.desiredHealthy),
  },
  {
    name: 'kube_poddisruptionbudget_status_pod_disruptions_allowed',
    type: 'gauge',
    help: 'Number of pod disruptions that are currently allowed.',
    samples: ({ status }) => one(status?.disruptionsAllowed),
  },
  {
    name: 'kube_poddisruptionbudget_status_expected_pods',
    type: 'gauge',
    help: 'Total number of pods counted by this disruption budget.',
    samples: ({ status }) => one(status?.expectedPods),
  },
]
