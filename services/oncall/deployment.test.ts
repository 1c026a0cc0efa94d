import { describe, expect, test } from '@jest/globals'
import { telemetrySettings } from '../../instrumentation/settings.ts'
import { EXAMPLE_INPUT } from '../../platform/manifests/example.ts'
import { oncall } from '../../platform/manifests/oncall.ts'
import { CONTAINERS, OBJECTS } from '../../platform/manifests/planned-pods.ts'
import { parseConfig, SECRETS } from './config.ts'

describe('the Deployment of oncall', () => {
  const container = CONTAINERS.find(each => each.container.name === 'oncall')?.container

  test('is given every setting that has no default, and no secret but in files', () => {
    const secrets = Object.fromEntries(SECRETS.map(name => [`/etc/oncall/secrets/${name}`, 'x'.repeat(16)]))
    const environment = Object.fromEntries(
      (container?.env ?? []).map(({ name, value }) => [name, value ?? 'abc123']),
    )

    const config = parseConfig(environment, path => secrets[path] ?? '')

    expect(config.database).toEqual({
      host: 'oncall-database.observability.svc.cluster.local',
      port: 5432,
      name: 'oncall',
      user: 'oncall',
    })
    expect((container?.env ?? []).flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.name ?? [])).toEqual([
      'event-key',
    ])
  })

  test('tells of its requests by the instrumentation of packages, and sends no events to itself', () => {
    const environment = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]))

    const { traces, events } = telemetrySettings(environment)

    expect(traces).toMatchObject({ exporters: ['zipkin'], instrumentations: ['http', 'express', 'pg'] })
    expect(environment.OTEL_RESOURCE_ATTRIBUTES).toMatch(/^group=system,/)
    expect(events).toBeUndefined()
    expect(container?.command).toEqual(expect.arrayContaining(['--import', './instrumentation/register.ts']))
  })

  test('shows the dashboards that Grafana would', () => {
    expect(container?.volumeMounts).toContainEqual({
      name: 'dashboards',
      mountPath: '/etc/oncall/dashboards',
      readOnly: true,
    })
  })

  test('reads the policy from a file that is mounted, and starts again when it changes', () => {
    const policyMap = OBJECTS.find(({ metadata }) => metadata.name === 'oncall-policy')
    expect(policyMap?.data).toEqual({ 'policy.json': EXAMPLE_INPUT.observability.policy })
    expect(container?.env).toContainEqual({ name: 'OC_POLICY_FILE', value: '/etc/oncall/policy/policy.json' })
    expect(container?.volumeMounts).toContainEqual({
      name: 'policy',
      mountPath: '/etc/oncall/policy',
      readOnly: true,
    })
    const hashWith = (policy: string) => {
      const observability = { ...EXAMPLE_INPUT.observability, policy }
      const deployment = oncall({ ...EXAMPLE_INPUT, observability }).find(({ kind }) => kind === 'Deployment')
      return JSON.stringify(deployment)
    }
    expect(hashWith('{"slos":[]}')).not.toBe(hashWith('{}'))
  })

  test('has no policy when there is none', () => {
    const { policy: _, ...observability } = EXAMPLE_INPUT.observability
    expect(JSON.stringify(oncall({ ...EXAMPLE_INPUT, observability }))).not.toMatch(
      /policy\.json|OC_POLICY_FILE/,
    )
  })
})
