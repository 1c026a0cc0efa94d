import { describe, expect, test } from '@jest/globals'
import { CONTAINERS } from '../../platform/manifests/planned-pods.ts'
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

  test('shows the dashboards that Grafana would', () => {
    expect(container?.volumeMounts).toContainEqual({
      name: 'dashboards',
      mountPath: '/etc/oncall/dashboards',
      readOnly: true,
    })
  })
})
