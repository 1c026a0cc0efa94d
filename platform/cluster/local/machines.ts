import { createHash } from 'node:crypto'
import { SHARED_GROUP } from '../../topology.ts'
import { LAB_LABEL } from './docker.ts'
import { MACHINE_FOLDER } from './node-config.ts'
import {
  API_PORT,
  CONTROL_PLANE,
  HOST_PORTS,
  NETWORK,
  type NodePlan,
  REGISTRY,
  STORE_VOLUME,
} from './plan.ts'

/** Docker labels: what a container was made from, and which group a node belongs to. */
export const CONFIGURATION_LABEL = 'divergence.configuration'
export const GROUP_LABEL = 'divergence.group'
export const NODE_LABEL = 'divergence.node'

/** One container of the cluster, whole: two of the same value are the same machine. */
export type Machine = {
  readonly container: string
  readonly image: string
  /** Files mounted read-only at `MACHINE_FOLDER`, by name. */
  readonly files: Readonly<Record<string, string>>
  /** Arguments of `docker create` before the image. */
  readonly options: readonly string[]
  /** Arguments of the container's first program. */
  readonly command: readonly string[]
}

export function registryMachine(image: string): Machine {
  return {
    container: REGISTRY.container,
    image,
    files: {},
    options: [
      ...common(REGISTRY.container, REGISTRY.address),
      ...published(HOST_PORTS.registry, REGISTRY.port),
      '--read-only',
      '--cap-drop=ALL',
      '--security-opt=no-new-privileges',
    ],
    command: ['registry'],
  }
}

/**
 * Weights when all want more processor than there is; a worker node has 1024. Leases run out when the API server answers
 * late, and a load generator that waits measures itself: both come first.
 */
const CPU_SHARES = { controlPlane: 8192, system: 4096 }

export function controlPlaneMachine(image: string, files: Readonly<Record<string, string>>): Machine {
  return {
    container: CONTROL_PLANE.container,
    image,
    files,
    options: [
      ...common('control-plane', CONTROL_PLANE.address),
      ...published(HOST_PORTS.api, API_PORT),
      '--cap-add=NET_ADMIN',
      '--security-opt=no-new-privileges',
      '--tmpfs=/tmp',
      `--cpu-shares=${CPU_SHARES.controlPlane}`,
      `--env=KUBECONFIG=${MACHINE_FOLDER}/admin.kubeconfig`,
    ],
    command: ['control-plane'],
  }
}

/** @param kernelModules the machine's own folder of them, where it has one; iptables may have to load some */
export function nodeMachine(
  image: string,
  plan: NodePlan,
  files: Readonly<Record<string, string>>,
  kernelModules: string | undefined,
): Machine {
  return {
    container: plan.container,
    image,
    files,
    options: [
      ...common(plan.name, plan.address),
      ...plan.forwardedPorts.flatMap(port => published(port, port)),
      `--label=${GROUP_LABEL}=${plan.group}`,
      `--label=${NODE_LABEL}=${plan.name}`,
      // All that `--privileged` gives but SYS_RESOURCE, which a virtual machine may not have to give.
      ...['--cap-add=ALL', '--cap-drop=SYS_RESOURCE', '--cgroupns=private'],
      ...['seccomp', 'apparmor', 'systempaths'].map(each => `--security-opt=${each}=unconfined`),
      ...['--device-cgroup-rule=a *:* rwm', '--device=/dev/kmsg'],
      ...['--tmpfs=/run', '--tmpfs=/tmp', '--sysctl=net.ipv4.ip_forward=1'],
      ...(plan.group === SHARED_GROUP ? [`--cpu-shares=${CPU_SHARES.system}`] : []),
      ...(kernelModules ? [`--volume=${kernelModules}:/lib/modules:ro`] : []),
    ],
    command: ['node'],
  }
}

/** Changes whenever anything that the machine is made from does. */
export function configurationHash(machine: Machine): string {
  const { image, files, options, command } = machine
  const sorted = Object.entries(files).sort(([a], [b]) => a.localeCompare(b))
  return createHash('sha256')
    .update(JSON.stringify([image, sorted, options, command]))
    .digest('hex')
    .slice(0, 12)
}

/** @param filesFolder where the machine's files are on this machine */
export function createArguments(machine: Machine, filesFolder: string): readonly string[] {
  return [
    'create',
    `--name=${machine.container}`,
    `--label=${CONFIGURATION_LABEL}=${configurationHash(machine)}`,
    ...machine.options,
    ...(Object.keys(machine.files).length > 0 ? [`--volume=${filesFolder}:${MACHINE_FOLDER}:ro`] : []),
    machine.image,
    ...machine.command,
  ]
}

function common(hostname: string, address: string): readonly string[] {
  return [
    `--label=${LAB_LABEL}`,
    `--hostname=${hostname}`,
    `--network=${NETWORK.name}`,
    `--ip=${address}`,
    `--volume=${STORE_VOLUME}:/store`,
    // A container that Docker starts by itself would undo a power cut; `up` starts what should run.
    '--restart=no',
    // Where SELinux is on, it would keep the container from the files that are mounted for it.
    '--security-opt=label=disable',
    '--log-opt=max-size=5m',
  ]
}

function published(hostPort: number, containerPort: number): readonly string[] {
  return [`--publish=127.0.0.1:${hostPort}:${containerPort}`]
}
