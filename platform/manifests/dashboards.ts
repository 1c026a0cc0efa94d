import type { V1Volume } from '@kubernetes/client-node'
import { SHARED_GROUP, SHARED_NAMESPACE } from '../topology.ts'
import type { RenderInput } from './input.ts'
import { configMap, type KubernetesObject, managedLabels } from './object.ts'

const SERVICE = 'dashboards'

/** Label by which a Grafana that somebody runs already finds dashboards to load. */
const GRAFANA_LABEL = { grafana_dashboard: '1' } as const

/** What etcd takes of one object, bytes, with some room for its head. */
const LARGEST_BYTES = 1_000_000

/**
 * A ConfigMap for each dashboard.
 *
 * @throws RangeError when one is too large to be kept in a cluster
 */
export function dashboardMaps(input: RenderInput): readonly KubernetesObject[] {
  return Object.entries(input.observability.dashboards).map(([uid, json]) => {
    const bytes = Buffer.byteLength(json)
    if (bytes > LARGEST_BYTES) {
      throw new RangeError(
        `Cannot store dashboard '${uid}': a ConfigMap holds ${LARGEST_BYTES} bytes, current value is ${bytes}`,
      )
    }
    const labels = { ...managedLabels(SHARED_GROUP, SERVICE), ...GRAFANA_LABEL }
    return configMap({ name: mapName(uid), namespace: SHARED_NAMESPACE, labels }, { [`${uid}.json`]: json })
  })
}

/** All of them in one folder, `<uid>.json`. */
export function dashboardVolume(input: RenderInput): V1Volume {
  const sources = Object.keys(input.observability.dashboards).map(uid => ({
    configMap: { name: mapName(uid) },
  }))
  return { name: SERVICE, projected: { sources } }
}

function mapName(uid: string): string {
  return `dashboard-${uid}`
}
