import type { V1PodSpec } from '@kubernetes/client-node'
import { parse } from 'yaml'
import { EXAMPLE_INPUT } from './example.ts'
import { renderAll } from './manifests.ts'
import type { KubernetesObject, PodTemplate } from './object.ts'

/** What `EXAMPLE_INPUT` becomes, for tests. */
export const OBJECTS = renderAll(EXAMPLE_INPUT)

/** A pod that some object will make, with the namespace it is made in. */
export type Planned = {
  readonly title: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly spec: V1PodSpec
}

/** Pods of workloads, and the executors that Spark makes from their template. */
export function plannedPods(objects: readonly KubernetesObject[]): readonly Planned[] {
  return objects.flatMap(object => {
    const namespace = object.metadata.namespace ?? ''
    const title = `${object.kind} ${namespace}/${object.metadata.name}`
    const template = (object.spec as { template?: PodTemplate } | undefined)?.template
    if (template) return [{ title, namespace, labels: template.metadata.labels, spec: template.spec }]
    const executor = (object.data as Record<string, string> | undefined)?.['executor.yaml']
    if (!executor) return []
    const pod = parse(executor) as PodTemplate
    return [{ title: `executor of ${title}`, namespace, labels: pod.metadata.labels, spec: pod.spec }]
  })
}

export const PODS = plannedPods(OBJECTS)
export const CONTAINERS = PODS.flatMap(pod =>
  pod.spec.containers.map(container => ({ title: `${pod.title} ${container.name}`, pod, container })),
)
export const isExecutor = (title: string) => title.startsWith('executor of')
