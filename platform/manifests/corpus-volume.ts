import { type Group, LABELS } from '../topology.ts'
import { type KubernetesObject, managedLabels, metadata } from './object.ts'

/** Claim by which ingest pods mount the corpora, read-only. */
export const CORPUS_CLAIM = 'corpus'

/** Folder of every local node that holds the corpora, a folder each. */
const STORE_FOLDER = '/store/corpus'

/**
 * The nodes' folder of corpora as a volume. A pod that named the host's folder itself would be refused in a namespace
 * held to the restricted standard, and rightly so.
 */
export function corpusVolume(group: Group): readonly KubernetesObject[] {
  const name = `${LABELS.product}-corpus-${group}`
  const size = { storage: '1Gi' }
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name, labels: managedLabels(group, 'ingest') },
      spec: {
        accessModes: ['ReadOnlyMany'],
        capacity: size,
        claimRef: { namespace: group, name: CORPUS_CLAIM },
        hostPath: { path: STORE_FOLDER, type: 'Directory' },
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: '',
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: metadata(group, group, 'ingest', CORPUS_CLAIM),
      spec: {
        accessModes: ['ReadOnlyMany'],
        resources: { requests: size },
        storageClassName: '',
        volumeName: name,
      },
    },
  ]
}
