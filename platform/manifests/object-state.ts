import { PORTS, SHARED_GROUP, SHARED_NAMESPACE } from '../topology.ts'
import { deployment } from './deployment.ts'
import type { RenderInput } from './input.ts'
import { type KubernetesObject, metadata, selectorLabels } from './object.ts'
import { httpProbes, imageReference, outsideTheGroups } from './pod.ts'

const SERVICE = 'object-state'

/**
 * Tells Prometheus what Kubernetes knows of pods, nodes and workloads, under the names of kube-state-metrics, and where
 * the pods and nodes are that it scrapes.
 */
export function objectState(input: RenderInput): readonly KubernetesObject[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(SHARED_GROUP, SHARED_NAMESPACE, SERVICE),
      spec: {
        selector: selectorLabels(SHARED_GROUP, SERVICE),
        ports: [{ name: 'metrics', port: PORTS.objectState, protocol: 'TCP' }],
      },
    },
    deployment(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, {
      replicas: 1,
      // Two at once would count everything twice.
      update: 'recreate',
      pod: { ...outsideTheGroups(), automountServiceAccountToken: true },
      program: {
        image: imageReference(input.images, 'services'),
        workingDir: '/app',
        command: ['node', 'services/object-state/main.ts'],
      },
      resources: input.topology.shared[SERVICE],
      container: {
        ports: [{ name: 'metrics', containerPort: PORTS.objectState }],
        ...httpProbes({
          port: PORTS.objectState,
          readyPath: '/readyz',
          alivePath: '/healthz',
          startSeconds: 60,
        }),
      },
    }),
  ]
}
