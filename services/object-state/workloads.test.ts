import { describe, expect, test } from '@jest/globals'
import { renderFamilies } from './family.ts'
import {
  DEPLOYMENT_FAMILIES,
  DISRUPTION_BUDGET_FAMILIES,
  JOB_FAMILIES,
  STATEFUL_SET_FAMILIES,
  workloadIdentity,
} from './workloads.ts'

const samplesIn = (text: string): readonly string[] => text.split('\n').filter(line => /^[^#]/.test(line))

describe('workloadIdentity()', () => {
  test.each([
    ['control', 'control'],
    ['experiment', 'experiment'],
    ['observability', 'system'],
  ])('of namespace %s is in group %s', (namespace, group) => {
    const identity = workloadIdentity('deployment')({ metadata: { namespace, name: 'd' } })
    expect(identity).toEqual({ namespace, deployment: 'd', group })
  })
})

describe('DEPLOYMENT_FAMILIES', () => {
  test('count a deployment without available pods as 0, not as unknown', () => {
    const deployment = {
      metadata: { namespace: 'control', name: 'gateway' },
      spec: { replicas: 3, selector: {}, template: {} },
      status: {},
    }
    const which = 'namespace="control",deployment="gateway",group="control"'
    expect(
      samplesIn(renderFamilies(DEPLOYMENT_FAMILIES, [deployment], workloadIdentity('deployment'))),
    ).toEqual([
      `kube_deployment_spec_replicas{${which}} 3`,
      `kube_deployment_status_replicas_available{${which}} 0`,
    ])
  })
})

describe('STATEFUL_SET_FAMILIES', () => {
  test('tell wanted and ready', () => {
    const set = {
      metadata: { namespace: 'experiment', name: 'database' },
      spec: { replicas: 3, selector: {}, template: {}, serviceName: 'database' },
      status: { replicas: 3, readyReplicas: 2 },
    }
    const which = 'namespace="experiment",statefulset="database",group="experiment"'
    expect(samplesIn(renderFamilies(STATEFUL_SET_FAMILIES, [set], workloadIdentity('statefulset')))).toEqual([
      `kube_statefulset_replicas{${which}} 3`,
      `kube_statefulset_status_replicas_ready{${which}} 2`,
    ])
  })
})

describe('JOB_FAMILIES', () => {
  test.each([
    { title: 'a job that runs', status: {}, succeeded: 0, failed: 0, reason: '' },
    { title: 'a job that is done', status: { succeeded: 1, failed: 1 }, succeeded: 1, failed: 1, reason: '' },
    {
      title: 'a job that was given up',
      status: {
        failed: 4,
        conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }],
      },
      succeeded: 0,
      failed: 4,
      reason: 'BackoffLimitExceeded',
    },
  ])('tell of $title', ({ status, succeeded, failed, reason }) => {
    const job = { metadata: { namespace: 'control', name: 'ingest' }, status }
    const which = 'namespace="control",job_name="ingest",group="control"'
    expect(samplesIn(renderFamilies(JOB_FAMILIES, [job], workloadIdentity('job_name')))).toEqual([
      `kube_job_status_succeeded{${which}} ${succeeded}`,
      `kube_job_status_failed{${which},reason="${reason}"} ${failed}`,
    ])
  })
})

describe('DISRUPTION_BUDGET_FAMILIES', () => {
  test('tell all four numbers', () => {
    const budget = {
      metadata: { namespace: 'experiment', name: 'gateway' },
      status: { currentHealthy: 2, desiredHealthy: 2, disruptionsAllowed: 0, expectedPods: 3 },
    }
    const rendered = renderFamilies(
      DISRUPTION_BUDGET_FAMILIES,
      [budget],
      workloadIdentity('poddisruptionbudget'),
    )
    const which = 'namespace="experiment",poddisruptionbudget="gateway",group="experiment"'
    expect(samplesIn(rendered)).toEqual([
      `kube_poddisruptionbudget_status_current_healthy{${which}} 2`,
      `kube_poddisruptionbudget_status_desired_healthy{${which}} 2`,
      `kube_poddisruptionbudget_status_pod_disruptions_allowed{${which}} 0`,
      `kube_poddisruptionbudget_status_expected_pods{${which}} 3`,
    ])
  })
})
