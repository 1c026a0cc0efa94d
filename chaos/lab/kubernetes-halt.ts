import { ApiException, CoreV1Api, type KubeConfig } from '@kubernetes/client-node'
import { LABELS } from '../../platform/topology.ts'
import { CHAOS_NAMESPACE, HALT_NAME } from '../../services/agent/protocol.ts'
import type { Halt } from './roles.ts'

/** The switch as a ConfigMap, which every agent looks for as well. */
export function kubernetesHalt(config: KubeConfig): Halt {
  const core = config.makeApiClient(CoreV1Api)
  const at = { namespace: CHAOS_NAMESPACE, name: HALT_NAME }
  return {
    async reason() {
      try {
        const { data } = await core.readNamespacedConfigMap(at)
        return data?.reason ?? 'no reason given'
      } catch (error) {
        if (isCode(error, 404)) return null
        throw error
      }
    },
    async set(reason) {
      const body = {
        metadata: { ...at, labels: { [LABELS.partOf]: LABELS.product } },
        data: { reason },
      }
      try {
        await core.createNamespacedConfigMap({ namespace: at.namespace, body })
      } catch (error) {
        // It is on already; who was first gave the reason.
        if (!isCode(error, 409)) throw error
      }
    },
    async release() {
      try {
        await core.deleteNamespacedConfigMap(at)
      } catch (error) {
        if (!isCode(error, 404)) throw error
      }
    },
  }
}

function isCode(error: unknown, code: number): boolean {
  return error instanceof ApiException && error.code === code
}
