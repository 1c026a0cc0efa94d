import { describe, expect, test } from '@jest/globals'
import { LOAD_POD, loadJob, loadJobName, RUN_LABEL } from './job.ts'
import { type LoadPlan, planFromEnvironment } from './plan.ts'

const plan: LoadPlan = {
  runId: '20261121T060102Z-zone-outage',
  profile: 'steady',
  requestsPerSecond: 100,
  writeShare: 0.1,
  durationSeconds: 100,
  seed: 7,
  urls: { control: 'http://c:8080', experiment: 'http://e:8080' },
  readTimeoutMs: 4000,
  writeTimeoutMs: 16000,
}
const job = loadJob({ plan, image: 'registry/load:1', remoteWriteUrl: 'http://prometheus:9090/api/v1/write' })
const pod = job.spec?.template.spec
const container = (name: string) => pod?.containers.find(candidate => candidate.name === name)

describe('loadJob()', () => {
  test('runs outside every zone, on the node no fault can reach', () => {
    expect(pod?.nodeSelector).toEqual({ group: 'system' })
    expect(pod?.tolerations).toBeUndefined()
  })

  test('hands the whole plan to k6', () => {
    const env = Object.fromEntries(
      (container(LOAD_POD.generator)?.env ?? []).map(({ name, value }) => [name, value]),
    )
    expect(planFromEnvironment(env)).toEqual(plan)
  })

  test('has nothing that could write outside its samples or gain rights', () => {
    expect(pod?.securityContext?.runAsNonRoot).toBe(true)
    expect(pod?.automountServiceAccountToken).toBe(false)
    for (const { securityContext, volumeMounts } of pod?.containers ?? []) {
      expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false })
      expect(volumeMounts?.map(({ mountPath }) => mountPath)).toEqual(['/samples'])
    }
  })

  test('may use as much memory as its virtual users need', () => {
    const memory = (requestsPerSecond: number) =>
      loadJob({ plan: { ...plan, requestsPerSecond }, image: 'i', remoteWriteUrl: null }).spec?.template.spec
        ?.containers[0]?.resources?.limits?.memory
    expect(memory(10)).toBe('2048Mi')
    // 2 x (900 x 5 + 1 + 100 x 17 + 1) virtual users of 0.6 MiB
    expect(memory(1000)).toBe('7443Mi')
  })

  test('ends by itself when nobody removes it, but not before the load is over', () => {
    expect(job.spec?.activeDeadlineSeconds).toBeGreaterThan(plan.durationSeconds + 60)
    expect(job.spec?.ttlSecondsAfterFinished).toBeGreaterThan(0)
    expect(job.spec?.backoffLimit).toBe(0)
  })

  test('carries the run on job and pod', () => {
    expect(job.metadata?.labels?.[RUN_LABEL]).toBe(plan.runId)
    expect(job.spec?.template.metadata?.labels?.[RUN_LABEL]).toBe(plan.runId)
  })

  test('writes to Prometheus only when there is one', () => {
    const silent = loadJob({ plan, image: 'i', remoteWriteUrl: null })
    expect(JSON.stringify(silent)).not.toContain('PROMETHEUS')
    expect(container(LOAD_POD.generator)?.command).toContain('experimental-prometheus-rw')
  })

  test('sends latencies so that Prometheus can compute quantiles of any part of them', () => {
    expect(container(LOAD_POD.generator)?.env).toContainEqual({
      name: 'K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM',
      value: 'true',
    })
  })
})

describe('loadJobName()', () => {
  test.each([
    ['20261121T060102Z-zone-outage', 'load-20261121t060102z-zone-outage'],
    [`20261121T060102Z-${'x'.repeat(40)}-y`, `load-20261121t060102z-${'x'.repeat(40)}`],
  ])('makes a DNS label of %s', (runId, expected) => {
    expect(loadJobName(runId)).toBe(expected)
    expect(loadJobName(runId)).toMatch(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/)
  })
})
