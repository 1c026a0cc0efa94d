import { describe, expect, test } from '@jest/globals'
import type { V1Container } from '@kubernetes/client-node'
import type { PodTemplate } from './object.ts'
import { OBJECTS, PODS } from './planned-pods.ts'

describe('the database', () => {
  const statefulSet = OBJECTS.find(
    ({ kind, metadata }) => kind === 'StatefulSet' && metadata.namespace === 'control',
  )
  const spec = statefulSet?.spec as {
    podManagementPolicy: string
    template: PodTemplate
    volumeClaimTemplates: { spec: { storageClassName: string } }[]
  }
  const container = spec.template.spec.containers[0] as V1Container
  const variable = (name: string) => container.env?.find(each => each.name === name)

  test('starts all members at once, each with a disk that stays in its zone', () => {
    expect(spec.podManagementPolicy).toBe('Parallel')
    expect(spec.volumeClaimTemplates.map(claim => claim.spec.storageClassName)).toEqual(['divergence-zonal'])
  })

  test('keeps the renewals of its lease from every node', () => {
    const leases = OBJECTS.filter(({ kind }) => kind === 'Endpoints').map(({ metadata }) => metadata)
    expect(leases.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual([
      'control/database',
      'experiment/database',
    ])
    for (const { labels } of leases) {
      expect(labels).toMatchObject({ 'endpointslice.kubernetes.io/skip-mirror': 'true' })
    }
  })

  test('lets in the network of the pods alone', () => {
    expect(variable('POD_NETWORKS')?.value).toBe('10.244.0.0/16')
  })

  test('has its passwords from the Secret', () => {
    const passwords = (container.env ?? []).filter(each => each.name.endsWith('PASSWORD'))

    expect(passwords.map(each => [each.name, each.valueFrom?.secretKeyRef])).toEqual([
      ['PATRONI_SUPERUSER_PASSWORD', { name: 'database-passwords', key: 'postgres' }],
      ['PATRONI_REPLICATION_PASSWORD', { name: 'database-passwords', key: 'replicator' }],
      ['PATRONI_REWIND_PASSWORD', { name: 'database-passwords', key: 'rewinder' }],
      ['PATRONI_RESTAPI_PASSWORD', { name: 'database-passwords', key: 'patroni-api' }],
      ['OWNER_PASSWORD', { name: 'database-passwords', key: 'owner' }],
      ['MONITOR_PASSWORD', { name: 'database-passwords', key: 'monitor' }],
    ])
  })

  test('has an exporter beside it that knows no password but that of its own role', () => {
    const [member, exporter] = spec.template.spec.containers as [V1Container, V1Container]
    const secrets = (exporter.env ?? []).flatMap(each => each.valueFrom?.secretKeyRef?.key ?? [])

    // Attacks on containers pick the one with the name of the service.
    expect([member.name, exporter.name]).toEqual(['database', 'postgres-exporter'])
    expect(secrets).toEqual(['monitor'])
    expect(exporter.volumeMounts).toBeUndefined()
  })

  test('gives each client the password of its own role only', () => {
    const keys = (service: string) =>
      PODS.filter(pod => pod.namespace === 'control' && pod.labels.service === service).flatMap(pod =>
        (pod.spec.volumes ?? []).flatMap(volume => volume.secret?.items?.map(item => item.key) ?? []),
      )

    expect(keys('recommender')).toEqual(['recommender'])
    expect(keys('migrate')).toEqual(['owner', 'recommender', 'ingest'])
    expect(keys('ingest')).toEqual(['ingest'])
    expect(keys('gateway')).toEqual([])
  })
})
