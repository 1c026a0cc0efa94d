import { describe, expect, test } from '@jest/globals'
import { nodeView, podView, serviceView, workloadView } from './views-from-kubernetes.ts'

describe('nodeView()', () => {
  const node = {
    metadata: {
      name: 'experiment-b',
      uid: 'u',
      labels: { group: 'experiment', 'topology.kubernetes.io/zone': 'b' },
    },
    spec: {
      taints: [
        { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' },
        { key: 'group', value: 'experiment', effect: 'NoSchedule' },
      ],
      podCIDRs: ['10.244.22.0/24'],
    },
    status: {
      conditions: [{ type: 'Ready', status: 'Unknown' }],
      addresses: [
        { type: 'Hostname', address: 'experiment-b' },
        { type: 'InternalIP', address: '172.30.77.22' },
      ],
      allocatable: { cpu: '1500m', memory: '2Gi' },
    },
  }

  test('takes Unknown for not ready, and leaves out the taints that Kubernetes puts on by itself', () => {
    expect(nodeView(node)).toEqual({
      name: 'experiment-b',
      uid: 'u',
      group: 'experiment',
      zone: 'b',
      ready: false,
      cordoned: false,
      taints: ['group=experiment:NoSchedule'],
      address: '172.30.77.22',
      podCidrs: ['10.244.22.0/24'],
      allocatable: { cpuCores: 1.5, memoryMiB: 2048 },
    })
  })

  test('takes the zone of the lab from its own label where a cloud names zones as it likes', () => {
    const labels = { 'topology.kubernetes.io/zone': 'eu-1b', 'divergence/zone': 'b' }
    expect(nodeView({ metadata: { labels: { ...labels, group: 'control' } } }).zone).toBe('b')
    // A node of neither group is in no zone of the lab, wherever it stands.
    expect(nodeView({ metadata: { labels } }).zone).toBeNull()
  })

  test('gives no group to a node without the label', () => {
    expect(nodeView({ metadata: { name: 'x' } })).toMatchObject({ group: null, zone: null, ready: false })
  })
})

describe('podView()', () => {
  const database = (role?: string) => ({
    metadata: {
      name: 'database-0',
      labels: { group: 'experiment', service: 'database', ...(role ? { role } : {}) },
    },
  })

  test.each([
    ['master', 'primary'],
    ['replica', 'replica'],
    ['promoted', 'replica'],
    [undefined, null],
  ])('takes the Patroni role %s for %s', (role, expected) => {
    expect(podView(database(role)).role).toBe(expected)
  })

  test('gives no role to what is not a database', () => {
    const pod = { metadata: { name: 'x', labels: { service: 'gateway', role: 'master' } } }
    expect(podView(pod).role).toBeNull()
  })

  test('sees that a pod was told to go, and that a job is over', () => {
    const deletionTimestamp = new Date(0)
    expect(podView({ metadata: { deletionTimestamp } }).terminating).toBe(true)
    expect(podView({ status: { phase: 'Succeeded' } }).finished).toBe(true)
  })

  test.each([
    ['Unschedulable', true],
    // Held back on purpose, not for want of room.
    ['SchedulingGated', false],
  ])('takes a pod that was not scheduled for the reason %s for unschedulable: %s', (reason, expected) => {
    const conditions = [{ type: 'PodScheduled', status: 'False', reason }]
    expect(podView({ status: { conditions } }).unschedulable).toBe(expected)
    expect(podView({}).unschedulable).toBe(false)
  })

  test('tells of each container which one runs now and what it may use', () => {
    const status = { restartCount: 2, ready: true, image: '', imageID: '' }
    const pod = {
      spec: {
        containers: [
          { name: 'gateway', resources: { limits: { memory: '320Mi' } } },
          { name: 'not-started' },
          { name: 'ended' },
        ],
        initContainers: [{ name: 'once' }],
      },
      status: {
        podIP: '10.244.22.3',
        containerStatuses: [
          { ...status, name: 'gateway', containerID: 'containerd://2', state: { running: {} } },
          { ...status, name: 'ended', containerID: 'containerd://3', state: { waiting: {} } },
        ],
      },
    }
    expect(podView(pod)).toMatchObject({
      address: '10.244.22.3',
      containers: [
        { name: 'gateway', runningId: 'containerd://2', memoryLimitMiB: 320 },
        { name: 'not-started', runningId: null, memoryLimitMiB: null },
        { name: 'ended', runningId: null, memoryLimitMiB: null },
      ],
    })
  })
})

describe('serviceView()', () => {
  test.each([
    ['None', null],
    [undefined, null],
    ['10.96.1.2', '10.96.1.2'],
  ])('takes the cluster address %s for %s', (clusterIP, expected) => {
    const spec = clusterIP === undefined ? {} : { clusterIP }
    expect(serviceView({ metadata: { name: 'x', namespace: 'n' }, spec })).toEqual({
      namespace: 'n',
      name: 'x',
      clusterIp: expected,
    })
  })
})

describe('workloadView()', () => {
  test('tells how many are wanted, and 1 where nothing is said', () => {
    const metadata = { name: 'gateway', namespace: 'experiment' }
    const head = { resource: 'deployments', name: 'gateway', namespace: 'experiment' }
    const spec = { replicas: 3, selector: {}, template: {} }
    expect(workloadView('deployments', { metadata, spec })).toEqual({ ...head, replicas: 3 })
    expect(workloadView('deployments', { metadata })).toEqual({ ...head, replicas: 1 })
  })
})
