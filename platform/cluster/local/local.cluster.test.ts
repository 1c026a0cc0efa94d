import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { execa } from 'execa'
import { programHash } from './binaries.ts'
import { labContainers } from './containers.ts'
import { docker } from './docker.ts'
import { labFolders } from './folders.ts'
import { programImage } from './images.ts'
import { LocalCluster } from './local.ts'
import { CONTROL_PLANE, nodePlans } from './plan.ts'
import { tryRun } from './shell.ts'

/** Beside whatever is deployed: everything is in a namespace of its own, and on a disk of its own. */
const NAMESPACE = `cluster-test-${randomBytes(3).toString('hex')}`
/** Node whose power is cut; only one of the experiment may be. */
const VICTIM = { name: 'experiment-c', zone: 'c', container: 'divergence-experiment-c' } as const

const nodes = nodePlans()
const cluster = new LocalCluster(labFolders())
const signal = new AbortController().signal
const quiet = () => undefined
let image: string

beforeAll(async () => {
  await cluster.up(quiet, signal)
  image = programImage('kube', await programHash('kube')).pulled
  await kubectl(['create', 'namespace', NAMESPACE])
}, 600_000)

afterAll(async () => {
  await tryRun('docker', kubectlArguments(['delete', 'namespace', NAMESPACE, '--wait=false']))
  await tryRun('docker', kubectlArguments(['delete', 'persistentvolume', NAMESPACE, '--wait=false']))
  await cluster.powerOn('experiment', VICTIM.zone)
  await tryRun('docker', ['exec', VICTIM.container, 'rm', '-rf', testDisk])
}, 60_000)

describe('the local cluster', () => {
  test('has seven Ready nodes with their group, zone and taint', async () => {
    type Node = {
      metadata: { name: string; labels: Record<string, string> }
      spec: { taints?: { key: string; value?: string; effect: string }[] }
      status: { conditions: { type: string; status: string }[]; nodeInfo: { kubeletVersion: string } }
    }
    const { items } = await kubectlJson<{ items: Node[] }>(['get', 'nodes', '--output=json'])

    const found = items.map(({ metadata, spec, status }) => ({
      name: metadata.name,
      group: metadata.labels.group,
      zone: metadata.labels['topology.kubernetes.io/zone'],
      taints: (spec.taints ?? []).map(({ key, value, effect }) => `${key}=${value}:${effect}`),
      ready: status.conditions.find(({ type }) => type === 'Ready')?.status,
      version: status.nodeInfo.kubeletVersion,
    }))
    const expected = nodes.map(({ name, labels, taints }) => ({
      name,
      group: labels.group,
      zone: labels['topology.kubernetes.io/zone'],
      taints,
      ready: 'True',
      version: 'v1.34.4',
    }))
    expect(found).toEqual(expect.arrayContaining(expected))
    expect(found).toHaveLength(7)
  })

  test('answers names and reaches services from every node', async () => {
    // A client inside the cluster is told the server's address; here it is told the name instead, and so has to ask
    // for it. It ends well when the node's own name server and the service answer.
    const env = [{ name: 'KUBERNETES_SERVICE_HOST', value: 'kubernetes.default.svc' }]
    const args = ['kubectl', 'get', '--raw=/readyz']
    const pods = nodes.map(({ name }) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: NAMESPACE },
      spec: {
        nodeName: name,
        restartPolicy: 'OnFailure',
        tolerations: [{ operator: 'Exists' }],
        containers: [{ name: 'ask', image, args, env }],
      },
    }))
    await apply(pods)

    await kubectl([
      ...['wait', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s'],
      ...nodes.map(({ name }) => `pod/${name}`),
    ])
  }, 90_000)

  test.each([
    ['a node', 'bash -c "$0"'],
    ['a pod', 'nsenter --net="$(echo /run/netns/* | cut -d" " -f1)" bash -c "$0"'],
  ])('keeps what %s asks of a service that is not there inside', async (_from, program) => {
    // Nobody has this address. Not refused, it would be asked for outside, and somebody there might answer.
    const ask = 'exec 3<>/dev/tcp/10.96.255.254/80'
    const command = ['exec', 'divergence-system', 'timeout', '5', 'sh', '-c', program, ask]
    const { stderr } = await execa('docker', command, { reject: false })

    expect(stderr).toContain('Connection refused')
  })

  test('tells how busy every node is', async () => {
    await until('the usage of seven nodes', 40, async () => {
      const raw = await tryRun(
        'docker',
        kubectlArguments(['get', '--raw=/apis/metrics.k8s.io/v1beta1/nodes']),
      )
      return raw !== undefined && (JSON.parse(raw) as { items: unknown[] }).items.length === nodes.length
    })
  }, 60_000)

  test('gives pods more of a busy processor than the programs that start them', async () => {
    const script = `
      cgroup=/sys/fs/cgroup; weight=cpu.weight
      [ -e $cgroup/cpu ] && cgroup=$cgroup/cpu && weight=cpu.shares
      cat $cgroup/system/$weight $cgroup/kubepods*/$weight
      for program in containerd kubelet; do
        grep -cE '(^0:|[:,]cpu[:,]).*/system$' /proc/$(pgrep -o -x $program)/cgroup
      done`
    const lines = await docker(['exec', 'divergence-experiment-a', 'sh', '-c', script])

    const [system, pods, ...inSystem] = lines.split('\n').map(Number)
    expect(pods).toBeGreaterThan(3 * (system as number))
    expect(inSystem).toEqual([1, 1])
  })

  test('keeps a disk through the death of its node, and the node comes back by itself', async () => {
    await apply(store())
    await ready()
    await ask('put', { key: base64('song'), value: base64('the same') })
    const before = await restarts()

    await cluster.powerOff('experiment', VICTIM.zone, 120)
    expect(await cluster.poweredOff()).toEqual([VICTIM.name])
    const poweredOnAt = Date.now()
    await cluster.powerOn('experiment', VICTIM.zone)

    await until('the restart of the pod', 60, async () => (await restarts()) > before)
    await ready()
    const { kvs } = await ask<{ kvs: { value: string }[] }>('range', { key: base64('song') })
    expect(kvs.map(({ value }) => value)).toEqual([base64('the same')])
    expect(Date.now() - poweredOnAt).toBeLessThan(60_000)
    expect(await cluster.poweredOff()).toEqual([])
  }, 120_000)

  test('refuses to take the power from a control node', async () => {
    const attack = cluster.powerOff('control' as 'experiment', 'a', 10)

    await expect(attack).rejects.toMatchObject({ code: 'TARGET_NOT_EXPERIMENTAL' })
    expect((await labContainers()).get('divergence-control-a')?.running).toBe(true)
  })

  test('shares the files of images between nodes, and no database', async () => {
    const [one, other] = await Promise.all(['divergence-control-a', 'divergence-control-b'].map(imageFiles))

    expect(one?.blobs.filter(inode => other?.blobs.includes(inode)).length).toBeGreaterThan(0)
    expect(one?.databases.length).toBeGreaterThan(1)
    expect(one?.databases.filter(inode => other?.databases.includes(inode))).toEqual([])
  })

  test('is finished by the next `up` when one was killed half-way', async () => {
    await docker(['rm', '--force', '--volumes', VICTIM.container])
    const script = `import { LocalCluster } from ${JSON.stringify(join(import.meta.dirname, 'local.ts'))}
      await new LocalCluster().up(message => console.log(message), new AbortController().signal)`
    const killed = spawn(execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    // It tells that the node starts before it starts it.
    await once(killed.stdout, 'data', { signal: AbortSignal.timeout(60_000) })
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    const killedAt = new Date().toISOString()

    await cluster.up(quiet, signal)

    expect((await labContainers()).get(VICTIM.container)?.running).toBe(true)
    const renewed = 'jsonpath={.spec.renewTime}'
    await until('sign of life of the node', 60, async () => {
      const lease = ['get', `lease/${VICTIM.name}`, '--namespace=kube-node-lease', `--output=${renewed}`]
      return (await kubectl(lease)) > killedAt
    })
  }, 180_000)

  test('is left as it is by a second `up`', async () => {
    const before = await fingerprint()
    const told: string[] = []
    const beganAt = Date.now()

    const access = await cluster.up(message => told.push(message), signal)

    expect(await fingerprint()).toEqual(before)
    expect(told).toEqual([])
    expect(access.context).toBe('divergence')
    // 2 s on an idle machine; this one may be running the lab.
    expect(Date.now() - beganAt).toBeLessThan(10_000)
  }, 30_000)
})

const testDisk = `/var/lib/kubelet/${NAMESPACE}`

/** A small database on a disk of the victim: etcd, as it is in every node's image already. */
function store() {
  const name = NAMESPACE
  const claim = { storageClassName: NAMESPACE, accessModes: ['ReadWriteOnce'] }
  const here = {
    matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [VICTIM.name] }],
  }
  const client = 'http://0.0.0.0:2379'
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: {
        ...claim,
        capacity: { storage: '1Gi' },
        local: { path: testDisk },
        nodeAffinity: { required: { nodeSelectorTerms: [here] } },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace: NAMESPACE },
      spec: { ...claim, volumeName: name, resources: { requests: { storage: '1Gi' } } },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'store', namespace: NAMESPACE },
      spec: {
        // As the lab's own databases: it waits for its zone.
        tolerations: [{ operator: 'Exists' }],
        securityContext: { fsGroup: 65532 },
        containers: [
          {
            name: 'etcd',
            image,
            args: [
              'etcd',
              '--data-dir=/data/etcd',
              `--listen-client-urls=${client}`,
              `--advertise-client-urls=${client}`,
            ],
            readinessProbe: { httpGet: { path: '/health', port: 2379 }, periodSeconds: 1 },
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
          },
        ],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
      },
    },
  ]
}

async function apply(objects: readonly { readonly kind: string }[]): Promise<void> {
  if (objects.some(({ kind }) => kind === 'PersistentVolume')) {
    await docker(['exec', VICTIM.container, 'mkdir', '-p', testDisk])
  }
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
  await docker(kubectlArguments(['apply', '--filename=-']), { input })
}

async function ready(): Promise<void> {
  await kubectl(['wait', '--for=condition=Ready', 'pod/store', '--timeout=60s'])
}

async function restarts(): Promise<number> {
  const path = 'jsonpath={.status.containerStatuses[0].restartCount}'
  return Number(await kubectl(['get', 'pod/store', `--output=${path}`]))
}

/** Calls etcd through the API server: that way leads over the pods' network as well. */
async function ask<T>(operation: 'put' | 'range', body: object): Promise<T> {
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/store:2379/proxy/v3/kv/${operation}`
  const input = JSON.stringify(body)
  return JSON.parse(
    await docker(kubectlArguments(['create', `--raw=${path}`, '--filename=-']), { input }),
  ) as T
}

async function imageFiles(container: string): Promise<{ blobs: string[]; databases: string[] }> {
  const find = (...args: string[]) =>
    docker(['exec', container, 'find', '/var/lib/containerd', ...args, '-printf', '%i\n'])
  const [blobs, databases] = await Promise.all([find('-path', '*/blobs/sha256/*'), find('-name', '*.db')])
  return { blobs: blobs.split('\n'), databases: databases.split('\n') }
}

/** What tells whether anything was made or started anew. */
async function fingerprint() {
  const names = [...(await labContainers()).keys()].sort()
  const containers = await docker(['inspect', '--format={{.Name}} {{.Id}} {{.State.StartedAt}}', ...names])
  const generation = await docker(
    kubectlArguments([
      'get',
      'daemonset/coredns',
      '--namespace=kube-system',
      '--output=jsonpath={.metadata.generation}',
    ]),
  )
  return { containers, generation }
}

function kubectlArguments(args: readonly string[]): string[] {
  return ['exec', '--interactive', CONTROL_PLANE.container, 'kubectl', `--namespace=${NAMESPACE}`, ...args]
}

function kubectl(args: readonly string[]): Promise<string> {
  return docker(kubectlArguments(args))
}

async function kubectlJson<T>(args: readonly string[]): Promise<T> {
  return JSON.parse(await kubectl(args)) as T
}

async function until(what: string, limitSeconds: number, check: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + limitSeconds * 1000
  while (!(await check())) {
    if (Date.now() > giveUpAt) throw new Error(`Cannot go on: no ${what} within ${limitSeconds} s`)
    await sleep(300)
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
