import { describe, expect, test } from '@jest/globals'
import { controlPlanePrograms, controlPlaneRoutes, nodeFiles } from './node-config.ts'
import { type NodePlan, nodePlans } from './plan.ts'

const plans = nodePlans()
const plan = plans.find(each => each.name === 'control-a') as NodePlan
const files = nodeFiles(plan, plans, 16_000, 'registry.example/pause:1')
const parsed = (name: string) => JSON.parse(files[name] ?? '') as Record<string, unknown>

describe('nodeFiles()', () => {
  test('reserves what is left of the machine beside the size of the node', () => {
    // 16000 MiB - 3072 MiB
    expect(parsed('kubelet.yaml')).toMatchObject({ systemReserved: { memory: '12928Mi' } })
  })

  test('reserves nothing on a machine that is smaller than the node', () => {
    const small = nodeFiles(plan, plans, 2_000, 'registry.example/pause:1')

    expect(JSON.parse(small['kubelet.yaml'] ?? '')).toMatchObject({ systemReserved: { memory: '0Mi' } })
  })

  test('routes to the pods of each other node and not to its own', () => {
    const routes = (files.routes ?? '').trim().split('\n')

    expect(routes).toHaveLength(plans.length - 1)
    expect(routes).toContain('10.244.21.0/24 via 172.30.77.21')
    expect(routes.join()).not.toContain(plan.podSubnet)
  })

  test('registers with the labels and taints of the plan', () => {
    expect(files['registration.env']).toBe(
      'NODE_LABELS=group=control,topology.kubernetes.io/zone=a\nNODE_TAINTS=group=control:NoSchedule\nNODE_ADDRESS=172.30.77.11\n',
    )
  })

  test('leaves the settings of the machine alone', () => {
    expect(parsed('kube-proxy.yaml')).toMatchObject({ conntrack: { maxPerCore: 0, min: 0 } })
    expect(files['containerd.toml']).toContain('restrict_oom_score_adj = true')
  })

  test('pulls from the registry by its hosts file and starts pods with the image given', () => {
    expect(files['containerd.toml']).toContain('sandbox_image = "registry.example/pause:1"')
    expect(files['containerd.toml']).toContain('config_path = "/etc/containerd/certs.d"')
  })
})

describe('controlPlaneRoutes()', () => {
  test('reaches the pods of every node', () => {
    expect(controlPlaneRoutes(plans).trim().split('\n')).toHaveLength(plans.length)
  })
})

describe('controlPlanePrograms()', () => {
  test('notices a dead node after 8 s and replaces its pods 5 s later', () => {
    const programs = controlPlanePrograms()

    expect(programs['kube-controller-manager']).toContain('--node-monitor-grace-period=8s')
    expect(programs['kube-apiserver']).toContain('--default-unreachable-toleration-seconds=5')
    expect(programs['kube-apiserver']).toContain('--default-not-ready-toleration-seconds=5')
  })

  test('starts the store before the API server, and that before what asks it', () => {
    expect(Object.keys(controlPlanePrograms())).toEqual([
      'etcd',
      'kube-apiserver',
      'kube-controller-manager',
      'kube-scheduler',
    ])
  })
})
