import { describe, expect, test } from '@jest/globals'
import type { V1Container } from '@kubernetes/client-node'
import { parse } from 'yaml'
import { dashboardMaps, dashboardVolume } from './dashboards.ts'
import { EXAMPLE_INPUT } from './example.ts'
import { renderAll } from './manifests.ts'
import type { KubernetesObject } from './object.ts'
import { CONTAINERS, OBJECTS } from './planned-pods.ts'
import { prometheusConfig } from './prometheus-config.ts'
import { telemetryEnv } from './telemetry.ts'

const containerOf = (name: string): V1Container => {
  const found = CONTAINERS.find(({ container }) => container.name === name)
  if (!found) throw new Error(`Cannot find container '${name}'`)
  return found.container
}
const dataOf = (name: string, objects: readonly KubernetesObject[] = OBJECTS) =>
  objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name)?.data as
    | Record<string, string>
    | undefined

describe('prometheus', () => {
  const { rule_files, alerting } = parse(prometheusConfig()) as {
    rule_files: string[]
    alerting: { alertmanagers: { static_configs: unknown; authorization?: unknown }[] }
  }

  test('reads the rules that it is given', () => {
    const mounts = containerOf('prometheus').volumeMounts ?? []

    expect(dataOf('prometheus-rules')).toEqual(EXAMPLE_INPUT.observability.rules)
    expect(rule_files).toEqual(
      mounts.filter(({ name }) => name === 'rules').map(each => `${each.mountPath}/*.yml`),
    )
  })

  test('tells Alertmanager and the recorder, the latter with a token from a file that is mounted', () => {
    expect(alerting.alertmanagers.map(each => [each.static_configs, each.authorization])).toEqual([
      [[{ targets: ['alertmanager.observability.svc.cluster.local:9093'] }], undefined],
      [
        [{ targets: ['oncall.observability.svc.cluster.local:8070'] }],
        { type: 'Bearer', credentials_file: '/etc/prometheus-token/recorder' },
      ],
    ])
    expect(containerOf('prometheus').volumeMounts?.map(each => each.mountPath)).toContain(
      '/etc/prometheus-token',
    )
  })
})

describe('alertmanager', () => {
  test('reads the configuration that it is given, and waits for no peer', () => {
    expect(dataOf('alertmanager-config')).toEqual({
      'alertmanager.yml': EXAMPLE_INPUT.observability.alertmanager,
    })
    expect(containerOf('alertmanager').command).toContain('--cluster.listen-address=')
  })
})

describe('the database of oncall', () => {
  const container = containerOf('oncall-database')

  test('is on a disk, and starts by a script that says its password nowhere', () => {
    expect(container.volumeMounts).toContainEqual({ name: 'data', mountPath: '/data' })
    expect(dataOf('oncall-database-start')?.['start.sh']).toContain('\\getenv password password\n')
    expect(container.env?.map(each => each.name)).toEqual(['ONCALL_DATABASE', 'PORT'])
  })

  test('lets in nobody but its owner', () => {
    expect(dataOf('oncall-database-start')?.['pg_hba.conf']).toBe(
      'local all postgres peer\nhost oncall oncall all scram-sha-256\n',
    )
  })
})

describe('dashboardMaps()', () => {
  test('keeps each dashboard where a Grafana looks for it', () => {
    expect(dashboardMaps(EXAMPLE_INPUT).map(({ metadata, data }) => [metadata, data])).toEqual([
      [
        expect.objectContaining({
          name: 'dashboard-example',
          labels: expect.objectContaining({ grafana_dashboard: '1' }),
        }),
        { 'example.json': EXAMPLE_INPUT.observability.dashboards.example },
      ],
    ])
    expect(dashboardVolume(EXAMPLE_INPUT).projected?.sources).toEqual([
      { configMap: { name: 'dashboard-example' } },
    ])
  })

  test('refuses one that no cluster can hold', () => {
    const dashboards = { large: 'x'.repeat(1_000_001) }

    expect(() =>
      dashboardMaps({ ...EXAMPLE_INPUT, observability: { ...EXAMPLE_INPUT.observability, dashboards } }),
    ).toThrow("Cannot store dashboard 'large'")
  })
})

describe('grafana', () => {
  const { corpus: _, ...input } = EXAMPLE_INPUT
  const rendered = renderAll({ ...input, facts: { ...input.facts, kind: 'context', publicImages: true } })

  test('runs only where the nodes can pull its image', () => {
    const named = (objects: readonly KubernetesObject[]) =>
      objects.filter(({ metadata }) => metadata.labels.service === 'grafana').map(({ kind }) => kind)

    expect(named(OBJECTS)).toEqual([])
    expect(named(rendered)).toEqual(['ConfigMap', 'Service', 'ServiceAccount', 'Deployment', 'NetworkPolicy'])
  })

  test('reads from the stores of the lab, and shows our dashboards', () => {
    const { datasources } = parse(dataOf('grafana-provisioning', rendered)?.['datasources.yaml'] ?? '') as {
      datasources: { type: string; url: string }[]
    }

    expect(datasources.map(({ type, url }) => [type, url])).toEqual([
      ['prometheus', 'http://prometheus.observability.svc.cluster.local:9090'],
      ['zipkin', 'http://zipkin.observability.svc.cluster.local:9411'],
      ['alertmanager', 'http://alertmanager.observability.svc.cluster.local:9093'],
    ])
  })
})

describe('telemetryEnv()', () => {
  const variables = telemetryEnv('control', 'gateway', EXAMPLE_INPUT, 'services')
  const at = (name: string) => variables.findIndex(each => each.name === name)

  test('sends events under the key of the namespace, which it never writes down', () => {
    expect(variables[at('SENTRY_KEY')]?.valueFrom?.secretKeyRef).toEqual({ name: 'event-key', key: 'key' })
    expect(variables[at('SENTRY_DSN')]?.value).toBe(
      'http://$(SENTRY_KEY)@oncall.observability.svc.cluster.local:8070/1',
    )
  })

  test('names every variable before the one that is made of it, or Kubernetes would leave it as it is', () => {
    for (const [index, { value = '' }] of variables.entries()) {
      for (const [, name = ''] of value.matchAll(/\$\((\w+)\)/g)) {
        expect({ name, before: at(name) >= 0 && at(name) < index }).toEqual({ name, before: true })
      }
    }
  })

  test('marks everything with the release that sends it', () => {
    expect(variables[at('SENTRY_RELEASE')]?.value).toBe('0123456789abcdef')
  })
})
