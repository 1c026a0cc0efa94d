import {
  API_PORT,
  CONTROL_PLANE,
  DNS_SERVICE_ADDRESS,
  type NodePlan,
  POD_NETWORK,
  SERVICE_NETWORK,
} from './plan.ts'

/**
 * How soon a dead node is noticed and its pods replaced: NotReady after 7 to 9 s, replacements about 5 s later.
 * Shorter times work on an idle machine; these hold without a false alarm when all processors are busy.
 */
export const NODE_DEATH = {
  /** What changed about a node is told that soon; that nothing changed, a tenth as often: its lease says that it lives. */
  statusUpdateSeconds: 2,
  statusReportSeconds: 20,
  leaseSeconds: 8,
  graceSeconds: 8,
  monitorPeriodSeconds: 1,
  tolerationSeconds: 5,
  /** Nodes a second whose pods may be evicted; Kubernetes' own 0.1 would let a dead zone wait. */
  evictionsPerSecond: 10,
} as const

/** Container logs of one container on a node: at most `files` of this size. */
const CONTAINER_LOG = { maxMiB: 10, files: 3 } as const

/** Where a machine finds what was written for it; mounted read-only. */
export const MACHINE_FOLDER = '/etc/divergence'

/**
 * Configuration files of one node, by file name. Kubernetes reads YAML, and JSON is YAML.
 *
 * @param machineMemoryMiB memory of the whole machine, which every kubelet takes for its own
 * @param pauseImage reference of the image that holds a pod's namespaces
 */
export function nodeFiles(
  plan: NodePlan,
  nodes: readonly NodePlan[],
  machineMemoryMiB: number,
  pauseImage: string,
): Record<string, string> {
  const routes = nodes
    .filter(other => other.name !== plan.name)
    .map(other => `${other.podSubnet} via ${other.address}\n`)
  return {
    'kubelet.yaml': json(kubeletConfiguration(plan, machineMemoryMiB)),
    'kube-proxy.yaml': json(proxyConfiguration(plan)),
    'containerd.toml': containerdConfiguration(pauseImage),
    'pods.conflist': json(podNetwork(plan)),
    'resolv.conf': `nameserver ${DNS_SERVICE_ADDRESS}\n`,
    routes: routes.join(''),
    'registration.env': `NODE_LABELS=${Object.entries(plan.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',')}\nNODE_TAINTS=${plan.taints.join(',')}\nNODE_ADDRESS=${plan.address}\n`,
  }
}

/** Routes of the control plane to the pods: the API server calls metrics-server and webhooks by their own addresses. */
export function controlPlaneRoutes(nodes: readonly NodePlan[]): string {
  return nodes.map(node => `${node.podSubnet} via ${node.address}\n`).join('')
}

function kubeletConfiguration(plan: NodePlan, machineMemoryMiB: number) {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${MACHINE_FOLDER}/ca.crt` },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: `${MACHINE_FOLDER}/kubelet.crt`,
    tlsPrivateKeyFile: `${MACHINE_FOLDER}/kubelet.key`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: '/',
    failSwapOn: false,
    failCgroupV1: false,
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    clusterDNS: [DNS_SERVICE_ADDRESS],
    clusterDomain: 'cluster.local',
    resolvConf: `${MACHINE_FOLDER}/resolv.conf`,
    nodeStatusUpdateFrequency: `${NODE_DEATH.statusUpdateSeconds}s`,
    nodeStatusReportFrequency: `${NODE_DEATH.statusReportSeconds}s`,
    nodeLeaseDurationSeconds: NODE_DEATH.leaseSeconds,
    // The disk is the whole machine's: a node must not evict pods because something else filled it.
    imageGCHighThresholdPercent: 100,
    // Images of earlier versions go when nothing has used them for a day; the registry still has them.
    imageMaximumGCAge: '24h',
    evictionHard: {
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
      'imagefs.inodesFree': '0%',
      'memory.available': '100Mi',
    },
    // What is left is the node's size. A machine with less than that gives what it has.
    systemReserved: { memory: `${Math.max(0, Math.floor(machineMemoryMiB - plan.memoryMiB))}Mi` },
    serializeImagePulls: false,
    // Lowering it needs a right that a container may not have.
    oomScoreAdj: 0,
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
    containerLogMaxSize: `${CONTAINER_LOG.maxMiB}Mi`,
    containerLogMaxFiles: CONTAINER_LOG.files,
    // A node that comes back starts all its pods at once.
    registryPullQPS: 0,
    kubeAPIQPS: 50,
    kubeAPIBurst: 100,
  }
}

function proxyConfiguration(plan: NodePlan) {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    clientConnection: { kubeconfig: `${MACHINE_FOLDER}/kube-proxy.kubeconfig` },
    clusterCIDR: POD_NETWORK,
    hostnameOverride: plan.name,
    oomScoreAdj: 0,
    // Zero leaves the kernel's values alone: they belong to the machine.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    iptables: { minSyncPeriod: '1s' },
  }
}

function containerdConfiguration(pauseImage: string): string {
  return `version = 2
oom_score = 0
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  tolerate_missing_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`
}

/** Pods are reached by a route to each, without address translation between nodes. */
function podNetwork(plan: NodePlan) {
  const addresses = {
    type: 'host-local',
    dataDir: '/run/pod-addresses',
    ranges: [[{ subnet: plan.podSubnet }]],
    routes: [{ dst: '0.0.0.0/0' }],
  }
  return {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      { type: 'ptp', ipMasq: false, ipam: addresses, mtu: 1500 },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  }
}

/** Arguments of the four programs of the control plane, by program. Files are those of `pki.ts`. */
export function controlPlanePrograms(): Record<string, readonly string[]> {
  const file = (name: string) => `${MACHINE_FOLDER}/${name}`
  const store = 'http://127.0.0.1:2379'
  return {
    etcd: [
      '--name=divergence',
      '--data-dir=/var/lib/etcd',
      // A lab's cluster is made anew in seconds: losing it with the machine's power costs less than each fsync does.
      '--unsafe-no-fsync',
      '--log-level=warn',
      `--listen-client-urls=${store}`,
      `--advertise-client-urls=${store}`,
      '--listen-peer-urls=http://127.0.0.1:2380',
      '--initial-advertise-peer-urls=http://127.0.0.1:2380',
      '--initial-cluster=divergence=http://127.0.0.1:2380',
      '--auto-compaction-retention=1h',
    ],
    'kube-apiserver': [
      `--etcd-servers=${store}`,
      '--bind-address=0.0.0.0',
      `--secure-port=${API_PORT}`,
      `--advertise-address=${CONTROL_PLANE.address}`,
      `--service-cluster-ip-range=${SERVICE_NETWORK}`,
      `--client-ca-file=${file('ca.crt')}`,
      `--tls-cert-file=${file('api-server.crt')}`,
      `--tls-private-key-file=${file('api-server.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${file('service-accounts.key')}`,
      `--service-account-signing-key-file=${file('service-accounts.key')}`,
      `--kubelet-client-certificate=${file('kubelet-client.crt')}`,
      `--kubelet-client-key=${file('kubelet-client.key')}`,
      `--kubelet-certificate-authority=${file('ca.crt')}`,
      '--kubelet-preferred-address-types=InternalIP',
      `--requestheader-client-ca-file=${file('ca.crt')}`,
      '--requestheader-allowed-names=front-proxy-client',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-username-headers=X-Remote-User',
      `--proxy-client-cert-file=${file('front-proxy-client.crt')}`,
      `--proxy-client-key-file=${file('front-proxy-client.key')}`,
      // No kube-proxy runs beside the API server: it goes to the pods themselves.
      '--enable-aggregator-routing=true',
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--allow-privileged=true',
      '--profiling=false',
      `--default-not-ready-toleration-seconds=${NODE_DEATH.tolerationSeconds}`,
      `--default-unreachable-toleration-seconds=${NODE_DEATH.tolerationSeconds}`,
      '--v=1',
    ],
    'kube-controller-manager': [
      `--kubeconfig=${file('controller-manager.kubeconfig')}`,
      '--bind-address=127.0.0.1',
      '--leader-elect=false',
      `--service-account-private-key-file=${file('service-accounts.key')}`,
      `--root-ca-file=${file('ca.crt')}`,
      '--use-service-account-credentials=true',
      `--cluster-cidr=${POD_NETWORK}`,
      '--allocate-node-cidrs=false',
      `--node-monitor-grace-period=${NODE_DEATH.graceSeconds}s`,
      `--node-monitor-period=${NODE_DEATH.monitorPeriodSeconds}s`,
      `--node-eviction-rate=${NODE_DEATH.evictionsPerSecond}`,
      `--secondary-node-eviction-rate=${NODE_DEATH.evictionsPerSecond}`,
      '--horizontal-pod-autoscaler-sync-period=3s',
      '--horizontal-pod-autoscaler-downscale-stabilization=20s',
      '--horizontal-pod-autoscaler-initial-readiness-delay=3s',
      '--horizontal-pod-autoscaler-cpu-initialization-period=5s',
      '--profiling=false',
      '--v=1',
    ],
    'kube-scheduler': [
      `--kubeconfig=${file('scheduler.kubeconfig')}`,
      '--bind-address=127.0.0.1',
      '--leader-elect=false',
      '--profiling=false',
      '--v=1',
    ],
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
