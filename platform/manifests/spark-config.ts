import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import { stringify } from 'yaml'
import { type Group, PORTS, type Topology } from '../topology.ts'
import { ownLabels } from './object.ts'

/** Where the configuration is mounted in the driver. */
export const SPARK_FOLDER = '/etc/spark'

/** Name Spark looks for in the template. */
const EXECUTOR = 'executor'

/** Share of an executor's memory that is the JVM's heap; Python, which does the reading, has the rest. */
const EXECUTOR_HEAP_SHARE = 0.5
const DRIVER_HEAP_SHARE = 0.5

/**
 * Where Spark runs, as its settings, and the template of its executors, as files; what every batch has in common is in
 * services/pipeline/pipeline/spark.py. The driver runs in client mode in the Job's pod, so
 * Kubernetes itself restarts it, and its executors are its property: they go when it goes.
 *
 * @param store settings of the object store the corpus is in, if it is in one
 */
export function sparkFiles(
  group: Group,
  topology: Topology,
  image: string,
  pod: Omit<V1PodSpec, 'containers'>,
  container: Omit<V1Container, 'name'>,
  store: Readonly<Record<string, string | boolean>>,
): Readonly<Record<string, string>> {
  const { driver, executor, executors } = topology.ingest
  const heapMiB = Math.floor(executor.memoryLimitMiB * EXECUTOR_HEAP_SHARE)
  const settings = {
    'spark.master': 'k8s://https://kubernetes.default.svc',
    'spark.submit.deployMode': 'client',
    'spark.kubernetes.namespace': group,
    'spark.kubernetes.container.image': image,
    'spark.kubernetes.container.image.pullPolicy': 'IfNotPresent',
    'spark.kubernetes.executor.podTemplateFile': `${SPARK_FOLDER}/executor.yaml`,
    'spark.kubernetes.executor.podTemplateContainerName': EXECUTOR,
    'spark.kubernetes.executor.request.cores': `${Math.round(executor.cpuRequest * 1000)}m`,
    'spark.executor.instances': executors,
    'spark.executor.cores': 1,
    'spark.executor.memory': `${heapMiB}m`,
    'spark.executor.memoryOverhead': `${executor.memoryLimitMiB - heapMiB}m`,
    'spark.driver.memory': `${Math.floor(driver.memoryLimitMiB * DRIVER_HEAP_SHARE)}m`,
    'spark.driver.port': PORTS.sparkDriver,
    'spark.driver.blockManager.port': PORTS.sparkBlocks,
    'spark.local.dir': '/tmp/spark',
    'spark.kubernetes.allocation.batch.delay': '500ms',
    'spark.kubernetes.executor.podDeletionGracePeriod': '2s',
    ...store,
  }
  const template = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { labels: { ...ownLabels(group, 'ingest'), component: EXECUTOR } },
    spec: { ...pod, containers: [{ name: EXECUTOR, ...container }] },
  }
  return {
    'spark-defaults.conf': Object.entries(settings)
      .map(([key, value]) => `${key} ${value}\n`)
      .join(''),
    'executor.yaml': stringify(template, { lineWidth: 0, aliasDuplicateObjects: false }),
  }
}
