import { describe, expect, test } from '@jest/globals'
import { facilityManifests } from './facilities.ts'
import { nodePlans } from './plan.ts'

const certificate = { certificate: 'CRT', key: 'KEY', authority: 'CA' }
const manifests = facilityManifests('registry.example/kube:1', certificate, nodePlans())
const find = (kind: string, name: string) =>
  manifests.find(each => each.kind === kind && (each.metadata as { name: string }).name === name)

describe('facilityManifests()', () => {
  test('answers names on every node, whatever its taints, and only to its own pods', () => {
    expect(find('DaemonSet', 'coredns')).toMatchObject({
      spec: { template: { spec: { tolerations: [{ operator: 'Exists' }] } } },
    })
    expect(find('Service', 'kube-dns')).toMatchObject({
      spec: { internalTrafficPolicy: 'Local', clusterIP: '10.96.0.10' },
    })
  })

  test('reads resource usage every 10 s, with checked certificates, where no fault reaches', () => {
    const text = JSON.stringify(find('Deployment', 'metrics-server'))

    expect(text).toContain('--metric-resolution=10s')
    expect(text).toContain('--kubelet-request-timeout=5s')
    expect(text).toContain('"nodeSelector":{"group":"system"}')
    expect(text).not.toContain('insecure')
    expect(find('APIService', 'v1beta1.metrics.k8s.io')).toMatchObject({ spec: { caBundle: 'Q0E=' } })
  })

  test('has one disk for each node, tied to it', () => {
    const disks = manifests.filter(each => each.kind === 'PersistentVolume')

    expect(disks).toHaveLength(7)
    expect(JSON.stringify(find('PersistentVolume', 'disk-experiment-c'))).toContain(
      '"values":["experiment-c"]',
    )
  })

  test('runs nothing as root', () => {
    const workloads = manifests.filter(each => ['DaemonSet', 'Deployment'].includes(each.kind))

    for (const workload of workloads) {
      expect(JSON.stringify(workload)).toContain('"runAsNonRoot":true')
      expect(JSON.stringify(workload)).toContain('"readOnlyRootFilesystem":true')
    }
  })

  test('is marked as part of the product', () => {
    for (const { kind, metadata } of manifests) {
      expect([kind, (metadata as { labels: object }).labels]).toEqual([
        kind,
        expect.objectContaining({ 'app.kubernetes.io/part-of': 'divergence' }),
      ])
    }
  })
})
