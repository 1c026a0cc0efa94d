import type { V1PodSpec } from '@kubernetes/client-node'
import type { Group, GroupJob } from '../topology.ts'
import { contentHash, type KubernetesObject, metadata, ownLabels } from './object.ts'

export type JobLimits = {
  /** Pods that may fail before the Job has failed; >= 0. */
  readonly retries: number
  /** Longest the Job may take, all tries together, seconds. */
  readonly deadlineSeconds: number
}

/**
 * A Job cannot be changed, so its name carries the hash of all it does: other work is another Job, and the same work
 * is not done twice. It stays when it is done, as the record that it was; `up` prunes it when it is no longer rendered.
 *
 * @param identity further content that makes the work another, such as the files it reads
 */
export function job(
  group: Group,
  service: GroupJob,
  pod: V1PodSpec,
  limits: JobLimits,
  identity: readonly string[] = [],
): KubernetesObject {
  const template = { metadata: { labels: ownLabels(group, service) }, spec: pod }
  const name = [service, ...identity.slice(0, 1), contentHash({ template, identity })].join('-')
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadata(group, group, service, name),
    spec: {
      backoffLimit: limits.retries,
      activeDeadlineSeconds: limits.deadlineSeconds,
      template,
    },
  }
}
