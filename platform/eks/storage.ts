import * as kubernetes from '@pulumi/kubernetes'
import type * as pulumi from '@pulumi/pulumi'
import type { Cluster } from './cluster.ts'
import type { Settings } from './settings.ts'
import { productTags } from './tags.ts'

/** As in the local lab: data that stays in its zone. */
const CLASS_NAME = 'divergence-zonal'

/**
 * The storage class that is used when none is asked for, which is the one `divergence up` takes: a volume is made in the
 * zone of the pod that first wants it, and goes with its claim.
 */
export function makeStorageClass(
  settings: Settings,
  cluster: Cluster,
  addons: readonly pulumi.Resource[],
): void {
  const provider = new kubernetes.Provider(
    'cluster',
    { kubeconfig: cluster.component.kubeconfigJson },
    { dependsOn: [...addons] },
  )
  const tagged = Object.entries(productTags(settings)).map(([key, value], index) => [
    `tagSpecification_${index + 1}`,
    `${key}=${value}`,
  ])
  new kubernetes.storage.v1.StorageClass(
    'zonal',
    {
      metadata: {
        name: CLASS_NAME,
        annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
      },
      provisioner: 'ebs.csi.aws.com',
      parameters: { type: 'gp3', encrypted: 'true', ...Object.fromEntries(tagged) },
      volumeBindingMode: 'WaitForFirstConsumer',
      reclaimPolicy: 'Delete',
      allowVolumeExpansion: true,
    },
    { provider },
  )
}
