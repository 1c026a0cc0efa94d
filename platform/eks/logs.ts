import * as aws from '@pulumi/aws'
import type { Settings } from './settings.ts'
import { tags } from './tags.ts'

/** What Container Insights writes to, below `/aws/containerinsights/CLUSTER/`. */
const INSIGHTS = ['application', 'dataplane', 'host', 'performance'] as const

export type LogGroups = {
  readonly controlPlane: aws.cloudwatch.LogGroup
  readonly flow: aws.cloudwatch.LogGroup
  readonly insights: readonly aws.cloudwatch.LogGroup[]
}

/**
 * Log groups, made before anybody writes to them: who finds none makes one that keeps everything for ever and stays when
 * the cluster is gone.
 */
export function makeLogGroups(settings: Settings): LogGroups {
  const { name } = settings
  return {
    controlPlane: logGroup(settings, 'control-plane', `/aws/eks/${name}/cluster`),
    flow: logGroup(settings, 'flow', `/aws/vpc/${name}/flow`),
    insights: INSIGHTS.map(each =>
      logGroup(settings, `insights-${each}`, `/aws/containerinsights/${name}/${each}`),
    ),
  }
}

function logGroup(settings: Settings, what: string, name: string): aws.cloudwatch.LogGroup {
  return new aws.cloudwatch.LogGroup(what, {
    name,
    retentionInDays: settings.logRetentionDays,
    tags: tags(settings, what),
  })
}
