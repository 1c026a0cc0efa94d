import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Group, Zone } from '../../topology.ts'
import type { Cluster, ClusterAccess, ClusterFacts, ImageReferences, Progress } from '../cluster.ts'
import { programHash } from './binaries.ts'
import { ensureMachine, labContainers } from './containers.ts'
import { takeDown } from './down.ts'
import { ensureEngine } from './engine.ts'
import { facilityManifests } from './facilities.ts'
import { type LabFolders, labFolders } from './folders.ts'
import {
  ensureFoundationImage,
  ensureNodeImage,
  ensureProgramImage,
  programImage,
  removeOldImages,
} from './images.ts'
import { API_ADDRESS, LocalKubernetes } from './kubernetes.ts'
import { type LockHolder, underLock } from './lock.ts'
import { controlPlaneMachine, type Machine, nodeMachine } from './machines.ts'
import { controlPlanePrograms, controlPlaneRoutes, nodeFiles } from './node-config.ts'
import { ensurePki, kubeconfig, type Pki } from './pki.ts'
import { API_PORT, CONTROL_PLANE, type NodePlan, nodePlans, POD_NETWORK, ZONAL_DISK } from './plan.ts'
import { powerOff, powerOn, stoppedNodes } from './power.ts'
import { type Fuse, lightFuse } from './power-fuse.ts'
import { ensureRegistry, pulledReference, push } from './registry.ts'
import { ensureTemplate } from './template.ts'

/** Where the machines of the cluster reach the API server. */
const INNER_API_ADDRESS = `https://${CONTROL_PLANE.address}:${API_PORT}`

/** A Kubernetes of seven nodes on this machine, each a Docker container. */
export class LocalCluster implements Cluster {
  readonly powerSwitch = true
  readonly #folders: LabFolders
  readonly #nodes = nodePlans()
  /** Of the zones whose power this process took. */
  readonly #fuses = new Map<Zone, Fuse>()

  constructor(folders: LabFolders = labFolders()) {
    this.#folders = folders
  }

  get facts(): ClusterFacts {
    return {
      kind: 'local',
      storageClassName: ZONAL_DISK.storageClassName,
      nodes: this.#nodes.map(node => node.name),
      podNetworks: [POD_NETWORK],
    }
  }

  async up(progress: Progress, signal: AbortSignal, published?: Promise<unknown>): Promise<ClusterAccess> {
    // Handled here as well: it may fail while nobody listens to it yet.
    published?.catch(() => undefined)
    await ensureEngine(this.#folders, progress, signal)
    return this.#locked(progress, signal, () => this.#bringUp(progress, signal, published))
  }

  registry(progress: Progress, signal: AbortSignal): Promise<string> {
    return ensureRegistry(this.#folders, progress, signal)
  }

  async publish(pushed: ImageReferences, progress: Progress, signal: AbortSignal): Promise<ImageReferences> {
    const pulled = Object.entries(pushed).map(([name, tag]) => [name, pulledReference(tag)] as const)
    const foundation = await ensureFoundationImage(this.#folders, progress, signal)
    const references = pulled.map(([, reference]) => reference)
    await ensureTemplate(references, foundation, this.#folders, progress, signal)
    return Object.fromEntries(pulled)
  }

  async down(options: { readonly caches: boolean }, progress: Progress): Promise<void> {
    const { signal } = new AbortController()
    await this.#locked(progress, signal, () => takeDown(options, this.#folders, progress, signal))
  }

  async powerOff(group: Extract<Group, 'experiment'>, zone: Zone, atMostSeconds: number): Promise<void> {
    const fuse = await powerOff(group, zone, () => lightFuse(zone, atMostSeconds))
    // An earlier one of the same zone has nothing left to guard.
    this.#fuses.get(zone)?.defuse()
    this.#fuses.set(zone, fuse)
  }

  async powerOn(group: Extract<Group, 'experiment'>, zone: Zone): Promise<void> {
    await powerOn(group, zone)
    this.#fuses.get(zone)?.defuse()
    this.#fuses.delete(zone)
  }

  poweredOff(): Promise<readonly string[]> {
    return stoppedNodes()
  }

  #locked<T>(progress: Progress, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const waiting = (holder: LockHolder | undefined) =>
      progress(
        holder
          ? `waiting for process ${holder.pid}, which has been changing the cluster since ${holder.since}`
          : 'waiting for another process that changes the cluster',
      )
    return underLock(join(this.#folders.state, 'cluster.lock'), waiting, signal, work)
  }

  async #bringUp(
    progress: Progress,
    signal: AbortSignal,
    published: Promise<unknown> | undefined,
  ): Promise<ClusterAccess> {
    const [foundation, kube, pause, pki] = await Promise.all([
      ensureFoundationImage(this.#folders, progress, signal),
      ensureProgramImage('kube', this.#folders, progress, signal),
      ensureProgramImage('pause', this.#folders, progress, signal),
      ensurePki(join(this.#folders.state, 'pki'), this.#nodes, signal),
      ensureRegistry(this.#folders, progress, signal),
    ])
    const image = await ensureNodeImage(foundation, kube, progress, signal)
    const systemImages = Promise.all([push(kube, progress, signal), push(pause, progress, signal)])
    systemImages.catch(() => undefined)
    const existing = await labContainers(signal)
    const ensure = (machine: Machine) =>
      ensureMachine(machine, existing.get(machine.container), this.#folders, progress, signal)
    await ensure(controlPlaneMachine(image, await controlPlaneFiles(pki, this.#nodes)))
    const kubernetes = await LocalKubernetes.connect(pki)
    try {
      await kubernetes.waitForApi(signal)
      await kubernetes.applyFacilities(await this.#facilities(pki), signal)
      await systemImages
      if (this.#nodes.some(node => !existing.has(node.container))) {
        await published
        const pulled = [pulledReference(kube), pulledReference(pause)]
        await ensureTemplate(pulled, foundation, this.#folders, progress, signal)
      }
      const machines = await this.#nodeMachines(image, pki)
      const started = await Promise.all(machines.map(([, machine]) => ensure(machine)))
      // Also of one that an up started which was killed then: what is told of it may be from before.
      const containers = await labContainers(signal)
      const since = new Map(
        this.#nodes.map(({ name, container }) => [name, containers.get(container)?.startedMs ?? 0]),
      )
      await kubernetes.waitForNodes(this.#nodes, since, progress, signal)
      await kubernetes.recycleDisks(this.#nodes, progress, signal)
      if (started.includes(true)) await removeOldImages([image, foundation, kube, pause], signal)
    } finally {
      kubernetes.close()
    }
    return this.#writeKubeconfig(pki)
  }

  async #facilities(pki: Pki) {
    const { pulled } = programImage('kube', await programHash('kube'))
    const [certificate, key, authority] = await Promise.all([
      pki.read('metrics-server.crt'),
      pki.read('metrics-server.key'),
      pki.read('ca.crt'),
    ])
    return facilityManifests(pulled, { certificate, key, authority }, this.#nodes)
  }

  async #nodeMachines(image: string, pki: Pki): Promise<readonly (readonly [NodePlan, Machine])[]> {
    const pause = programImage('pause', await programHash('pause')).pulled
    const memoryMiB = totalmem() / 1024 ** 2
    const modules = [`/lib/modules/${release()}`].some(existsSync) ? '/lib/modules' : undefined
    return Promise.all(
      this.#nodes.map(async node => {
        const files = {
          ...nodeFiles(node, this.#nodes, memoryMiB, pause),
          'ca.crt': await pki.read('ca.crt'),
          'kubelet.crt': await pki.read(`kubelet-${node.name}.crt`),
          'kubelet.key': await pki.read(`kubelet-${node.name}.key`),
          'kubelet.kubeconfig': await kubeconfigOf(pki, `kubelet-${node.name}`, INNER_API_ADDRESS),
          'kube-proxy.kubeconfig': await kubeconfigOf(pki, 'kube-proxy', INNER_API_ADDRESS),
        }
        return [node, nodeMachine(image, node, files, modules)] as const
      }),
    )
  }

  async #writeKubeconfig(pki: Pki): Promise<ClusterAccess> {
    const kubeconfigPath = join(this.#folders.state, 'kubeconfig')
    await mkdir(this.#folders.state, { recursive: true })
    await writeFile(kubeconfigPath, await kubeconfigOf(pki, 'admin', API_ADDRESS), { mode: 0o600 })
    return { kubeconfigPath, context: 'divergence' }
  }
}

async function controlPlaneFiles(pki: Pki, nodes: readonly NodePlan[]): Promise<Record<string, string>> {
  const certified = ['api-server', 'kubelet-client', 'front-proxy-client']
  const names = [
    'ca.crt',
    'service-accounts.key',
    ...certified.flatMap(name => [`${name}.crt`, `${name}.key`]),
  ]
  const keys = await Promise.all(names.map(async name => [name, await pki.read(name)] as const))
  const users = await Promise.all(
    ['admin', 'controller-manager', 'scheduler'].map(
      async name =>
        [`${name}.kubeconfig`, await kubeconfigOf(pki, name, `https://127.0.0.1:${API_PORT}`)] as const,
    ),
  )
  const programs = Object.entries(controlPlanePrograms()).map(
    ([program, args]) => [`${program}.args`, `${args.join('\n')}\n`] as const,
  )
  return { routes: controlPlaneRoutes(nodes), ...Object.fromEntries([...keys, ...users, ...programs]) }
}

async function kubeconfigOf(pki: Pki, user: string, server: string): Promise<string> {
  const [certificate, key, authority] = await Promise.all([
    pki.read(`${user}.crt`),
    pki.read(`${user}.key`),
    pki.read('ca.crt'),
  ])
  return kubeconfig(server, { name: user, certificate, key }, authority)
}
