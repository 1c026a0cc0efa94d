import { SHARED_GROUP, SHARED_NAMESPACE, type SharedService } from '../topology.ts'
import type { RenderInput } from './input.ts'
import { type KubernetesObject, metadata, selectorLabels } from './object.ts'

/**
 * The Service of one shared service.
 *
 * @param forwardedPort where the local cluster lets this machine in; inside the cluster only everywhere else
 */
export function sharedService(
  input: RenderInput,
  service: SharedService,
  port: number,
  forwardedPort?: number,
): KubernetesObject {
  const inner = { name: 'http', port, protocol: 'TCP' }
  const forwarded = forwardedPort !== undefined && input.facts.kind === 'local'
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(SHARED_GROUP, SHARED_NAMESPACE, service),
    spec: {
      selector: selectorLabels(SHARED_GROUP, service),
      ...(forwarded
        ? { type: 'NodePort', ports: [{ ...inner, nodePort: forwardedPort }] }
        : { type: 'ClusterIP', ports: [inner] }),
    },
  }
}
