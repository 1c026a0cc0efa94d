import { FORWARDED_PORTS, GROUPS, type Group, LABELS, nodeName, SYSTEM_NODE, ZONES } from '../../topology.ts'

/** The Docker network of the cluster. Containers have fixed addresses, so that a restarted node is the same node. */
export const NETWORK = {
  name: 'divergence',
  subnet: '172.30.77.0/24',
  gateway: '172.30.77.1',
  bridge: 'divergence0',
} as const

export const CONTROL_PLANE = { container: 'divergence-control-plane', address: '172.30.77.2' } as const

/** `host` is how pods name it; nodes find it by address, so that pulling needs no name server. */
export const REGISTRY = {
  container: 'divergence-registry',
  address: '172.30.77.3',
  host: 'registry.divergence:5000',
  port: 5000,
} as const

/** Docker volume with everything that is large: registry, unpacked images, the nodes' own data. */
export const STORE_VOLUME = 'divergence-store'

export const POD_NETWORK = '10.244.0.0/16'
export const SERVICE_NETWORK = '10.96.0.0/16'
/** First address of the service network: Kubernetes gives it to its own API. */
export const API_SERVICE_ADDRESS = '10.96.0.1'
export const DNS_SERVICE_ADDRESS = '10.96.0.10'
export const API_PORT = 6443

/** Ports of 127.0.0.1 that the lab takes, and the container that answers on them. */
export const HOST_PORTS = { api: 36443, registry: 35000, ...FORWARDED_PORTS } as const

/** Storage class of the disks that stay in their zone, and where a worker keeps its disk. */
export const ZONAL_DISK = {
  storageClassName: 'divergence-zonal',
  path: '/var/lib/kubelet/divergence-disk',
  sizeGiB: 8,
} as const

/** What a node may give to pods, MiB. All nodes share the machine's processors. */
const WORKER_MEMORY_MIB = 3 * 1024
const SYSTEM_MEMORY_MIB = 8 * 1024

export type NodePlan = {
  /** Name in Kubernetes. */
  readonly name: string
  readonly container: string
  /** `system` belongs to neither group. */
  readonly group: Group | 'system'
  readonly address: string
  /** Addresses of its pods. */
  readonly podSubnet: string
  readonly labels: Readonly<Record<string, string>>
  /** In the form of kubelet's `--register-with-taints`. */
  readonly taints: readonly string[]
  readonly memoryMiB: number
  /** Ports of 127.0.0.1 that lead to the same port of this node. */
  readonly forwardedPorts: readonly number[]
}

/** The seven nodes: one for what both groups share, and one for each group and zone. */
export function nodePlans(): readonly NodePlan[] {
  const system = node(SYSTEM_NODE, 10, {
    group: 'system',
    labels: { [LABELS.group]: 'system' },
    taints: [],
    memoryMiB: SYSTEM_MEMORY_MIB,
    forwardedPorts: Object.values(FORWARDED_PORTS),
  })
  const workers = GROUPS.flatMap((group, groupIndex) =>
    ZONES.map((zone, zoneIndex) =>
      node(nodeName(group, zone), 10 * (groupIndex + 1) + zoneIndex + 1, {
        group,
        labels: { [LABELS.group]: group, [LABELS.zone]: zone },
        taints: [`${LABELS.group}=${group}:NoSchedule`],
        memoryMiB: WORKER_MEMORY_MIB,
        forwardedPorts: [],
      }),
    ),
  )
  return [system, ...workers]
}

/** @param host last number of the node's address, and third number of its pods' addresses; 4 to 254 */
function node(
  name: string,
  host: number,
  rest: Pick<NodePlan, 'group' | 'labels' | 'taints' | 'memoryMiB' | 'forwardedPorts'>,
): NodePlan {
  return {
    name,
    container: `divergence-${name}`,
    address: `172.30.77.${host}`,
    podSubnet: `10.244.${host}.0/24`,
    ...rest,
  }
}
