import { readdir, stat, statfs } from 'node:fs/promises'
import { z } from 'zod'
import { type Group, LABELS } from '../../../platform/topology.ts'
import type { ContainerTarget, NetworkRef, NodeTarget, Program, Target } from '../actions/action.ts'
import { AgentError } from '../agent-error.ts'
import { type Kubernetes, reasonOf } from '../api/kubernetes.ts'
import type { TargetName } from '../protocol.ts'
import { type CgroupLayout, cgroupFolders, containerOf } from './cgroups.ts'
import type { Proc } from './proc.ts'

/** The only namespace and group in which an agent looks for a target. */
const ATTACKED = 'experiment' satisfies Group

/** Every pod's own interface. */
const POD_INTERFACE = 'eth0'
/** Where the kubelet keeps the volumes of pods, on the node. */
const KUBELET_PODS = '/var/lib/kubelet/pods'
/** Volumes whose files belong to Kubernetes; a container cannot write to them. */
const READ_ONLY_KINDS = ['configMap', 'secret', 'projected', 'downwardAPI']
/** What version 1 says when there is no limit: the largest number of pages, in bytes. */
const NO_LIMIT_BYTES = 2 ** 62

export type ResolverParts = {
  /** Name of the node that the agent is on. */
  readonly node: string
  readonly kubernetes: Kubernetes
  readonly proc: Proc
  readonly cgroupLayout: CgroupLayout
  /** The node's root folder as the agent reaches it. */
  readonly nodeRoot: string
  readonly readFile: (path: string) => Promise<string | null>
  /** Standard output of a short program; null when the namespace is gone. */
  readonly output: (program: Program, args: readonly string[], network: NetworkRef) => Promise<string | null>
}

/** Finds what a name stands for on this node, now, and refuses what is not of the experimental group. */
export type Resolver = {
  /** @throws AgentError TARGET_NOT_EXPERIMENTAL, TARGET_GONE, FAILED */
  resolve(name: TargetName): Promise<Target>
  /** Whether a target is still the same and still of the experimental group. @throws AgentError as `resolve` */
  confirm(name: TargetName, target: Target): Promise<void>
}

const NODE = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }),
  status: z.object({
    addresses: z.array(z.object({ type: z.string(), address: z.string() })).default([]),
  }),
})

const VOLUME = z.looseObject({ name: z.string() })
const MOUNT = z.object({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().default(false) })
const POD = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.object({
    nodeName: z.string().optional(),
    volumes: z.array(VOLUME).default([]),
    containers: z.array(z.object({ name: z.string(), volumeMounts: z.array(MOUNT).default([]) })),
  }),
  status: z.object({
    podIP: z.string().optional(),
    containerStatuses: z
      .array(
        z.object({
          name: z.string(),
          containerID: z.string().optional(),
          state: z.object({ running: z.looseObject({}).optional() }),
        }),
      )
      .default([]),
  }),
})
type Pod = z.infer<typeof POD>

const SLICE = z.object({ endpoints: z.array(z.object({ addresses: z.array(z.string()) })) })
const LINKS = z.array(
  z.object({ ifname: z.string(), ifindex: z.number(), link_index: z.number().optional() }),
)
const ROUTES = z.array(z.looseObject({ dev: z.string().optional() }))

export class NodeResolver implements Resolver {
  readonly #parts: ResolverParts

  constructor(parts: ResolverParts) {
    this.#parts = parts
  }

  async resolve(name: TargetName): Promise<Target> {
    const node = await this.#ownNode(name)
    return name.kind === 'node' ? await this.#node(node) : await this.#container(name)
  }

  async confirm(name: TargetName, target: Target): Promise<void> {
    await this.#ownNode(name)
    if (name.kind === 'node' || target.kind === 'node') return
    const { containerId } = await this.#pod(name)
    if (containerId !== target.containerId || !(await this.#parts.proc.isAlive(target.main))) {
      throw gone(name, 'its container was started again')
    }
  }

  /** Containers of the experimental group that run on this node now. */
  async containers(): Promise<readonly ContainerTarget[]> {
    const query = `fieldSelector=spec.nodeName%3D${encodeURIComponent(this.#parts.node)}&labelSelector=${LABELS.group}%3D${ATTACKED}`
    const answer = await this.#parts.kubernetes.get(`/api/v1/namespaces/${ATTACKED}/pods?${query}`)
    if (answer.status !== 200) throw new AgentError('FAILED', `Cannot list pods: ${reasonOf(answer)}`)
    const targets: ContainerTarget[] = []
    for (const { metadata, status } of z.object({ items: z.array(POD) }).parse(answer.body).items) {
      for (const { name: container, state } of status.containerStatuses) {
        if (state.running === undefined) continue
        const name = { kind: 'container', pod: metadata.name, podUid: metadata.uid, container } as const
        try {
          targets.push(await this.#container(name))
        } catch (error) {
          // It ended while it was looked at.
          if (!(error instanceof AgentError && error.code === 'TARGET_GONE')) throw error
        }
      }
    }
    return targets
  }

  /** The node's own label is read anew each time: whose node this is may change. */
  async #ownNode(name: TargetName): Promise<z.infer<typeof NODE>> {
    const { node, kubernetes } = this.#parts
    if (name.kind === 'node' && name.node !== node) {
      throw notExperimental(name, `this agent is on node '${node}'`)
    }
    const answer = await kubernetes.get(`/api/v1/nodes/${encodeURIComponent(node)}`)
    if (answer.status !== 200) {
      throw new AgentError('FAILED', `Cannot read node '${node}': ${reasonOf(answer)}`)
    }
    const parsed = NODE.parse(answer.body)
    const group = parsed.metadata.labels[LABELS.group]
    if (group !== ATTACKED) throw notExperimental(name, `node '${node}' is of group '${group ?? 'none'}'`)
    return parsed
  }

  async #pod(name: Extract<TargetName, { readonly kind: 'container' }>) {
    const { node, kubernetes } = this.#parts
    const path = `/api/v1/namespaces/${ATTACKED}/pods/${encodeURIComponent(name.pod)}`
    const answer = await kubernetes.get(path)
    if (answer.status === 404) throw gone(name, `namespace '${ATTACKED}' has no such pod`)
    if (answer.status !== 200) {
      throw new AgentError('FAILED', `Cannot read pod '${name.pod}': ${reasonOf(answer)}`)
    }
    const pod = POD.parse(answer.body)
    const { uid, labels } = pod.metadata
    if (labels[LABELS.group] !== ATTACKED) {
      throw notExperimental(name, `its label ${LABELS.group} is '${labels[LABELS.group] ?? 'missing'}'`)
    }
    if (uid !== name.podUid) throw gone(name, `the pod of that name is another one now, ${uid}`)
    if (pod.spec.nodeName !== node) {
      throw notExperimental(name, `it is on node '${pod.spec.nodeName ?? 'none'}', this agent on '${node}'`)
    }
    const status = pod.status.containerStatuses.find(each => each.name === name.container)
    const spec = pod.spec.containers.find(each => each.name === name.container)
    if (status === undefined || spec === undefined) throw gone(name, 'the pod has no such container')
    const containerId = status.containerID?.split('//')[1]
    if (status.state.running === undefined || containerId === undefined) throw gone(name, 'it does not run')
    return { pod, containerId, mounts: spec.volumeMounts }
  }

  async #container(name: Extract<TargetName, { readonly kind: 'container' }>): Promise<ContainerTarget> {
    const { proc, cgroupLayout } = this.#parts
    const { pod, containerId, mounts } = await this.#pod(name)
    const processes = await this.#processes(name.podUid, containerId)
    const main = processes.find(each => each.isMain)
    if (main === undefined) throw gone(name, 'none of its processes is here')
    const [status, inode, cgroups] = await Promise.all([
      proc.status(main.pid),
      proc.namespace(main.pid, 'net'),
      proc.cgroups(main.pid),
    ])
    if (status === null || inode === null) throw gone(name, 'it ended just now')
    const folders = cgroupFolders(cgroupLayout, cgroups)
    const ref: NetworkRef = { of: 'pod', podUid: name.podUid, inode }
    return {
      kind: 'container',
      pod: name.pod,
      podUid: name.podUid,
      container: name.container,
      containerId,
      main: { pid: main.pid, startTicks: main.startTicks },
      processes: processes.map(({ pid, startTicks, command }) => ({ pid, startTicks, command })),
      userId: status.userId,
      groupId: status.groupId,
      network: {
        ref,
        interfaceName: POD_INTERFACE,
        nodeInterfaceName: await this.#otherEnd(name, ref),
        address: pod.status.podIP ?? '',
      },
      cgroups: { version: cgroupLayout.version, folders },
      memoryLimitBytes: await this.#memoryLimit(folders.memory),
      volumes: await this.#volumes(pod, mounts, main.pid),
    }
  }

  async #processes(podUid: string, containerId: string) {
    const { proc } = this.#parts
    const found = await Promise.all(
      (await proc.pids()).map(async pid => {
        const inContainer = containerOf(await proc.cgroups(pid))
        if (inContainer?.podUid !== podUid || inContainer.containerId !== containerId) return []
        const [identity, command, status] = await Promise.all([
          proc.identity(pid),
          proc.commandLine(pid),
          proc.status(pid),
        ])
        if (identity === null || status === null) return []
        return [{ ...identity, command, isMain: status.pids.length > 1 && status.pids.at(-1) === 1 }]
      }),
    )
    return found.flat()
  }

  /** The pod's interface is one end of a pair; it tells the number of the other one, which is the node's. */
  async #otherEnd(name: TargetName, ref: NetworkRef): Promise<string> {
    const read = async (network: NetworkRef, ...dev: string[]) => {
      const output = await this.#parts.output('ip', ['-j', 'link', 'show', ...dev], network)
      if (output === null) throw gone(name, 'its network namespace is gone')
      return LINKS.parse(JSON.parse(output))
    }
    const [[own], others] = await Promise.all([read(ref, 'dev', POD_INTERFACE), read({ of: 'node' })])
    const other = others.find(each => each.ifindex === own?.link_index && each.link_index === own?.ifindex)
    if (other === undefined) {
      throw new AgentError('FAILED', `Cannot find the node's end of ${POD_INTERFACE} of ${describe(name)}`)
    }
    return other.ifname
  }

  async #memoryLimit(folder: string | undefined): Promise<number | null> {
    if (folder === undefined) return null
    const { readFile } = this.#parts
    const text =
      (await readFile(`${folder}/memory.limit_in_bytes`)) ?? (await readFile(`${folder}/memory.max`))
    const bytes = Number(text?.trim())
    return Number.isFinite(bytes) && bytes > 0 && bytes < NO_LIMIT_BYTES ? bytes : null
  }

  /** A volume is where the kubelet has it: that stays right when the container is started again. */
  async #volumes(
    pod: Pod,
    mounts: readonly z.infer<typeof MOUNT>[],
    pid: number,
  ): Promise<ContainerTarget['volumes']> {
    const kinds = new Map(pod.spec.volumes.map(volume => [volume.name, Object.keys(volume)]))
    const folders = await this.#volumeFolders(pod.metadata.uid)
    const volumes: Record<string, ContainerTarget['volumes'][string]> = {}
    for (const { name, mountPath, readOnly } of mounts) {
      if (readOnly || kinds.get(name)?.some(kind => READ_ONLY_KINDS.includes(kind)) !== false) continue
      const inside = await stat(this.#parts.proc.path(pid, `root${mountPath}`)).catch(() => null)
      const folder = folders.find(each => each.device === inside?.dev && each.inode === inside?.ino)
      if (folder === undefined) continue
      const { bavail, bsize } = await statfs(folder.path)
      volumes[name] = { mountPath, agentPath: folder.path, freeBytes: bavail * bsize }
    }
    return volumes
  }

  async #volumeFolders(podUid: string) {
    const pod = `${this.#parts.nodeRoot}${KUBELET_PODS}/${podUid}`
    const children = async (folder: string) =>
      (await readdir(folder).catch(() => [])).map(name => `${folder}/${name}`)
    const volumes = (await Promise.all((await children(`${pod}/volumes`)).map(children))).flat()
    const paths = [
      ...volumes,
      ...volumes.map(folder => `${folder}/mount`),
      ...(
        await Promise.all(
          (await Promise.all((await children(`${pod}/volume-subpaths`)).map(children))).flat().map(children),
        )
      ).flat(),
    ]
    const found = await Promise.all(
      paths.map(async path => {
        const facts = await stat(path).catch(() => null)
        return facts === null ? [] : [{ path, device: facts.dev, inode: facts.ino }]
      }),
    )
    return found.flat()
  }

  async #node(node: z.infer<typeof NODE>): Promise<NodeTarget> {
    const ref: NetworkRef = { of: 'node' }
    const output = await this.#parts.output('ip', ['-j', 'route', 'show', 'default'], ref)
    const interfaceName = ROUTES.parse(JSON.parse(output ?? '[]')).find(route => route.dev)?.dev
    const address = node.status.addresses.find(each => each.type === 'InternalIP')?.address
    if (interfaceName === undefined || address === undefined) {
      throw new AgentError('FAILED', `Cannot find how node '${this.#parts.node}' is reached`)
    }
    return {
      kind: 'node',
      node: this.#parts.node,
      network: { ref, interfaceName, address },
      apiServerAddresses: await this.#apiServerAddresses(),
    }
  }

  async #apiServerAddresses(): Promise<readonly string[]> {
    const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes'
    const answer = await this.#parts.kubernetes.get(path)
    if (answer.status !== 200) {
      throw new AgentError('FAILED', `Cannot find the API server's addresses: ${reasonOf(answer)}`)
    }
    return SLICE.parse(answer.body).endpoints.flatMap(({ addresses }) => addresses)
  }
}

function describe(name: TargetName): string {
  return name.kind === 'node' ? `node '${name.node}'` : `container '${name.pod}/${name.container}'`
}

function gone(name: TargetName, why: string): AgentError {
  return new AgentError('TARGET_GONE', `Cannot find ${describe(name)}: ${why}`)
}

function notExperimental(name: TargetName, why: string): AgentError {
  return new AgentError('TARGET_NOT_EXPERIMENTAL', `Cannot touch ${describe(name)}: ${why}`)
}
