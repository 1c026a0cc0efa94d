import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { Answer } from '../api/kubernetes.ts'
import type { TargetName } from '../protocol.ts'
import { cgroupLayout } from './cgroups.ts'
import { Proc } from './proc.ts'
import { fakeProc } from './proc-fixture.ts'
import { NodeResolver } from './resolver.ts'

const UID = '11111111-2222-3333-4444-555555555555'
const ID = 'a'.repeat(64)
const NAME: TargetName = { kind: 'container', pod: 'gateway-a', podUid: UID, container: 'gateway' }
const CGROUPS = `4:memory:/kubepods/pod${UID}/${ID}\n6:freezer:/kubepods/pod${UID}/${ID}\n`
const MOUNTS =
  '1 0 0:1 / /cg/memory rw - cgroup cgroup rw,memory\n2 0 0:2 / /cg/freezer rw - cgroup cgroup rw,freezer\n'

type Changes = {
  readonly nodeLabels?: Record<string, string>
  readonly pod?: Record<string, unknown> | null
  readonly podLabels?: Record<string, string>
  readonly uid?: string
  readonly nodeName?: string
  readonly state?: Record<string, unknown>
}

/** The API and the node of one gateway; it notes what is asked of the API. */
async function lab(changes: Changes = {}) {
  const asked: string[] = []
  const root = await fakeProc([
    { pid: 1 },
    { pid: 60, innerPid: 1, cgroups: CGROUPS.replaceAll(ID, 'b'.repeat(64)), netInode: 500 },
    {
      pid: 70,
      startTicks: 700,
      innerPid: 1,
      cgroups: CGROUPS,
      netInode: 500,
      userId: 10001,
      args: ['node', 'main.ts'],
    },
    { pid: 71, startTicks: 710, innerPid: 8, cgroups: CGROUPS, netInode: 500 },
    { pid: 80, innerPid: 1, cgroups: CGROUPS.replaceAll('1111', '7777'), netInode: 501 },
  ])
  const volume = join(root, '1', 'root', 'var/lib/kubelet/pods', UID, 'volumes/kubernetes.io~empty-dir/run')
  await mkdir(volume, { recursive: true })
  await mkdir(join(root, '70', 'root'), { recursive: true })
  // As a mount is: the same folder in two places.
  await symlink(volume, join(root, '70', 'root', 'run'))
  const limits = join(root, '1', 'root', `cg/memory/kubepods/pod${UID}/${ID}`)
  await mkdir(limits, { recursive: true })
  await writeFile(join(limits, 'memory.limit_in_bytes'), '335544320\n')
  const pod = {
    metadata: {
      name: 'gateway-a',
      uid: changes.uid ?? UID,
      labels: changes.podLabels ?? { group: 'experiment' },
    },
    spec: {
      nodeName: changes.nodeName ?? 'experiment-a',
      volumes: [
        { name: 'run', emptyDir: {} },
        { name: 'config', configMap: { name: 'x' } },
      ],
      containers: [
        {
          name: 'gateway',
          volumeMounts: [
            { name: 'run', mountPath: '/run' },
            { name: 'config', mountPath: '/run' },
          ],
        },
      ],
    },
    status: {
      podIP: '10.0.0.7',
      containerStatuses: [
        { name: 'gateway', containerID: `containerd://${ID}`, state: changes.state ?? { running: {} } },
      ],
    },
  }
  const answers: Record<string, unknown> = {
    '/api/v1/nodes/experiment-a': {
      metadata: { labels: changes.nodeLabels ?? { group: 'experiment' } },
      status: { addresses: [{ type: 'InternalIP', address: '172.30.77.21' }] },
    },
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes': {
      endpoints: [{ addresses: ['172.30.77.2'] }],
    },
    '/api/v1/namespaces/experiment/pods/gateway-a': changes.pod === null ? undefined : pod,
  }
  const get = async (path: string): Promise<Answer> => {
    asked.push(path)
    return answers[path] === undefined ? { status: 404, body: null } : { status: 200, body: answers[path] }
  }
  const refuse = async (): Promise<Answer> => ({ status: 403, body: null })
  const nodeRoot = join(root, '1/root')
  const { readFile } = await import('node:fs/promises')
  const resolver = new NodeResolver({
    node: 'experiment-a',
    kubernetes: { get, patch: refuse, remove: refuse },
    proc: new Proc(root),
    cgroupLayout: cgroupLayout(MOUNTS, nodeRoot),
    nodeRoot,
    readFile: path => readFile(path, 'utf8').catch(() => null),
    output: async (_program, args, network) => {
      if (args.includes('route')) return '[{"dst":"default","dev":"ens5"}]'
      return network.of === 'node'
        ? '[{"ifname":"vethother","ifindex":12,"link_index":9},{"ifname":"veth7","ifindex":12,"link_index":2}]'
        : '[{"ifname":"eth0","ifindex":2,"link_index":12}]'
    },
  })
  return { resolver, asked, nodeRoot, volume }
}

describe('NodeResolver.resolve()', () => {
  test('finds processes, network, control groups, limits and volumes of a container', async () => {
    const { resolver, nodeRoot, volume } = await lab()

    const target = await resolver.resolve(NAME)

    expect(target).toMatchObject({
      kind: 'container',
      containerId: ID,
      main: { pid: 70, startTicks: 700 },
      processes: [
        { pid: 70, startTicks: 700, command: 'node main.ts' },
        { pid: 71, startTicks: 710, command: 'x' },
      ],
      userId: 10001,
      network: {
        ref: { of: 'pod', podUid: UID, inode: 500 },
        interfaceName: 'eth0',
        nodeInterfaceName: 'veth7',
        address: '10.0.0.7',
      },
      cgroups: {
        version: 1,
        folders: { freezer: `${nodeRoot}/cg/freezer/kubepods/pod${UID}/${ID}` },
      },
      memoryLimitBytes: 335_544_320,
      volumes: { run: { mountPath: '/run', agentPath: volume } },
    })
    expect(Object.keys((target as { volumes: object }).volumes)).toEqual(['run'])
  })

  test('finds the node, how it is reached, and where it finds the API server', async () => {
    const { resolver } = await lab()

    expect(await resolver.resolve({ kind: 'node', node: 'experiment-a' })).toEqual({
      kind: 'node',
      node: 'experiment-a',
      network: { ref: { of: 'node' }, interfaceName: 'ens5', address: '172.30.77.21' },
      apiServerAddresses: ['172.30.77.2'],
    })
  })

  test.each<[string, Changes, string]>([
    ['a node of the control group', { nodeLabels: { group: 'control' } }, 'TARGET_NOT_EXPERIMENTAL'],
    ['a node without a group', { nodeLabels: {} }, 'TARGET_NOT_EXPERIMENTAL'],
    ['a pod whose label says another group', { podLabels: { group: 'control' } }, 'TARGET_NOT_EXPERIMENTAL'],
    ['a pod on another node', { nodeName: 'system' }, 'TARGET_NOT_EXPERIMENTAL'],
    ['a pod that is not there', { pod: null }, 'TARGET_GONE'],
    ['another pod of that name', { uid: '88888888-2222-3333-4444-555555555555' }, 'TARGET_GONE'],
    ['a container that does not run', { state: { waiting: {} } }, 'TARGET_GONE'],
  ])('refuses %s', async (_title, changes, code) => {
    const { resolver } = await lab(changes)

    await expect(resolver.resolve(NAME)).rejects.toMatchObject({ code })
  })

  test('refuses another node by name, without asking anybody', async () => {
    const { resolver, asked } = await lab()

    await expect(resolver.resolve({ kind: 'node', node: 'control-a' })).rejects.toMatchObject({
      code: 'TARGET_NOT_EXPERIMENTAL',
    })
    expect(asked).toEqual([])
  })

  test('asks for pods of the experimental group and of no other', async () => {
    const { resolver, asked } = await lab()

    await resolver.resolve(NAME)

    expect(asked).toEqual(['/api/v1/nodes/experiment-a', '/api/v1/namespaces/experiment/pods/gateway-a'])
  })
})

describe('NodeResolver.confirm()', () => {
  test('accepts what is as it was', async () => {
    const { resolver } = await lab()

    await expect(resolver.confirm(NAME, await resolver.resolve(NAME))).resolves.toBeUndefined()
  })

  test('refuses a container that was started again since', async () => {
    const { resolver } = await lab()
    const target = await resolver.resolve(NAME)
    if (target.kind !== 'container') throw new Error('no container')

    await expect(
      resolver.confirm(NAME, { ...target, main: { ...target.main, startTicks: 699 } }),
    ).rejects.toMatchObject({ code: 'TARGET_GONE' })
    await expect(resolver.confirm(NAME, { ...target, containerId: 'f'.repeat(64) })).rejects.toMatchObject({
      code: 'TARGET_GONE',
    })
  })

  test('refuses a node whose label was changed since', async () => {
    const before = await lab()
    const target = await before.resolver.resolve(NAME)
    const after = await lab({ nodeLabels: { group: 'control' } })

    await expect(after.resolver.confirm(NAME, target)).rejects.toMatchObject({
      code: 'TARGET_NOT_EXPERIMENTAL',
    })
  })
})
